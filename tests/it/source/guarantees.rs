//! Where Kafka decides where reading goes on.

use std::time::Duration;

use eventlatch::source::{Guarantee, KafkaConfig, Producer, Start};
use eventlatch_tests::{
    ledger::Ledger,
    topic::{Topic, config},
    waiting::wait_until,
};

use rdkafka::{
    mocking::MockCluster,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};

use super::reading::{DEADLINE, Reading, sorted, texts};

fn with(delivery: Guarantee) -> KafkaConfig {
    KafkaConfig { delivery, ..config() }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_least_once_goes_on_where_kafka_says_whatever_is_stored() {
    let topic = Topic::create("at-least", 2).await;
    topic.send(texts(0..100)).await;
    let config = with(Guarantee::AtLeastOnce);
    let mut reading = Reading::open(&config, &[&topic], &Ledger::named("one"));
    reading.until(&topic, 100).await;
    reading.close().await;
    topic.send(texts(100..150)).await;
    // A store that knows nothing of it, under another name.
    let ledger = Ledger::named("two");
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until(&topic, 50).await;
    assert_eq!(sorted(&ledger, &topic), texts(100..150));
    topic.send(texts(150..160)).await;
    reading.until(&topic, 60).await;
    let done = async || {
        let committed: i64 = topic.committed(&config.group, 2).iter().map(|it| it.1).sum();
        (committed == 160).then_some(()).ok_or(format!("{committed}"))
    };
    wait_until("Kafka to hear of it while it runs", DEADLINE, done).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_least_once_brings_again_what_was_not_settled() {
    let topic = Topic::create("at-least-again", 1).await;
    topic.send(texts(0..50)).await;
    let (config, ledger) = (with(Guarantee::AtLeastOnce), Ledger::default());
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    let taken = reading.deliveries.next().await.unwrap().unwrap();
    assert!(!taken.is_empty());
    drop(taken);
    reading.close().await;
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until(&topic, 50).await;
    assert_eq!(ledger.values(&topic.name), texts(0..50));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_once_is_committed_before_it_is_handed_on() {
    let topic = Topic::create("at-most", 1).await;
    topic.send(texts(0..50)).await;
    let (config, ledger) = (with(Guarantee::AtMostOnce), Ledger::default());
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    let taken = reading.deliveries.next().await.unwrap().unwrap();
    let end = taken[0].slice.span.to;
    assert!(topic.committed(&config.group, 1)[0].1 >= end);
    // It is lost where whoever has it dies.
    drop(reading);
    topic.send(texts(50..60)).await;
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until_next(&topic, 0, 60).await;
    assert!(ledger.values(&topic.name).iter().all(|value| value.parse::<i64>().unwrap() >= end));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_once_hands_nothing_on_that_is_not_committed() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("t", 1, 1).unwrap();
    cluster.request_errors(
        RDKafkaApiKey::OffsetCommit,
        &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED; 99],
    );
    let config = KafkaConfig { brokers: cluster.bootstrap_servers(), ..with(Guarantee::AtMostOnce) };
    let (topic, ledger) = (Topic { name: "t".to_owned() }, Ledger::default());
    let producer = Producer::new(&config).unwrap();
    producer.send_all(texts(0..5).iter().map(|text| topic.message(text))).await.unwrap();
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    let told = async || reading.source.health().uncommitted.ok_or_else(|| format!("{:?}", reading.source.health()));
    let told = wait_until("the failure to be told", DEADLINE, told).await;
    assert!(told.contains("cannot be committed") && told.contains("no message is handed on"), "{told}");
    let tried = async || (reading.source.health().failed_commits > 2).then_some(()).ok_or("no".to_owned());
    wait_until("some more attempts", DEADLINE, tried).await;
    assert!(tokio::time::timeout(Duration::ZERO, reading.deliveries.next()).await.is_err(), "nothing is handed on");
    cluster.clear_request_errors(RDKafkaApiKey::OffsetCommit);
    reading.until(&topic, 5).await;
    assert_eq!(ledger.values(&topic.name), texts(0..5));
    assert_eq!(reading.source.health().uncommitted, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn start_decides_where_kafka_holds_nothing() {
    let topic = Topic::create("at-least-latest", 1).await;
    topic.send(texts(0..10)).await;
    let config = KafkaConfig { start: Start::Latest, ..with(Guarantee::AtLeastOnce) };
    let ledger = Ledger::default();
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until_next(&topic, 0, 10).await;
    topic.send(texts(10..15)).await;
    reading.until(&topic, 5).await;
    assert_eq!(ledger.values(&topic.name), texts(10..15));
}
