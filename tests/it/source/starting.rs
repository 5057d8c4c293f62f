//! Where a topic starts of which nothing is stored.

use eventlatch::source::{KafkaConfig, Outgoing, Producer, Start};
use eventlatch_tests::{
    ledger::Ledger,
    topic::{Topic, config, producer},
};
use jiff::Timestamp;

use super::reading::{Reading, sorted, texts};

#[tokio::test(flavor = "multi_thread")]
async fn latest_is_stored_before_the_first_message() {
    let topic = Topic::create("latest", 2).await;
    topic.send(texts(0..100)).await;
    let (config, ledger) = (KafkaConfig { start: Start::Latest, ..config() }, Ledger::default());
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    while (0..2).any(|partition| ledger.next(&topic.name, partition).is_none()) {
        reading.step().await.unwrap();
    }
    reading.close().await;
    // What comes while the service is down is not skipped by resolving "latest" again.
    topic.send(texts(100..120)).await;
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until(&topic, 20).await;
    assert_eq!(sorted(&ledger, &topic), texts(100..120));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_starts_at_the_first_message_of_it() {
    let topic = Topic::create("time", 1).await;
    let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
    for second in 0..10 {
        let message = Outgoing { timestamp: Some(at(second)), ..topic.message(&second.to_string()) };
        producer().send(&message).await.unwrap();
    }
    let ledger = Ledger::default();
    let mut reading = Reading::open(&KafkaConfig { start: Start::At(at(7)), ..config() }, &[&topic], &ledger);
    reading.until(&topic, 3).await;
    assert_eq!(ledger.values(&topic.name), ["7", "8", "9"]);
    // A time after the last message is the end.
    let ledger = Ledger::default();
    let mut reading = Reading::open(&KafkaConfig { start: Start::At(at(100)), ..config() }, &[&topic], &ledger);
    reading.until_next(&topic, 0, 10).await;
    assert_eq!(ledger.values(&topic.name).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_and_partitions_that_come_later_start_at_their_beginning() {
    let (early, late) = (Topic::create("early", 1).await, Topic::planned("late"));
    let (mut config, ledger) = (config(), Ledger::default());
    config.properties.set("topic.metadata.refresh.interval.ms", "500").unwrap();
    early.send(texts(0..10)).await;
    let mut reading = Reading::open(&config, &[&early, &late], &ledger);
    reading.until(&early, 10).await;
    late.make(1).await;
    late.send(texts(0..10)).await;
    reading.until(&late, 10).await;
    early.grow(4).await;
    // A producer that knew the topic before would go on with one partition for a while.
    let producer = Producer::new(&config).unwrap();
    producer.send_all(early.keyed(texts(10..200))).await.unwrap();
    reading.until(&early, 200).await;
    assert_eq!(sorted(&ledger, &early), texts(0..200));
    assert!(ledger.next(&early.name, 3).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_can_be_changed_while_it_runs() {
    let (first, second) = (Topic::create("first", 1).await, Topic::create("second", 1).await);
    let ledger = Ledger::default();
    second.send(texts(0..5)).await;
    first.send(texts(0..5)).await;
    let mut reading = Reading::open(&config(), &[&first], &ledger);
    reading.until(&first, 5).await;
    reading.source.subscribe(vec![first.name.clone(), second.name.clone()]);
    reading.until(&second, 5).await;
}
