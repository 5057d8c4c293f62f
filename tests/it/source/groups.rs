//! Sharing a group.

use std::time::Duration;

use eventlatch::source::{KafkaConfig, Protocol};
use eventlatch_tests::{
    ledger::Ledger,
    topic::{Topic, config},
};

use super::reading::{DEADLINE, Reading, sorted, texts};

/// Another member takes some partitions and gives them back; everything is read once, whoever reads it.
async fn share(config: KafkaConfig) {
    let topic = Topic::create("shared", 6).await;
    let (ours, theirs) = (Ledger::default(), Ledger::default());
    topic.send(texts(0..600)).await;
    let mut reading = Reading::open(&config, &[&topic], &ours);
    reading.until(&topic, 600).await;
    let mut other = Reading::open(&config, &[&topic], &theirs);
    // The foreign member has a store of its own and starts its partitions at the beginning.
    while theirs.values(&topic.name).is_empty() || reading.source.health().partitions != 3 {
        tokio::select! {
            step = other.step() => step.unwrap(),
            () = tokio::time::sleep(std::time::Duration::from_millis(20)) => {}
        }
    }
    topic.send(texts(600..1200)).await;
    let before = ours.values(&topic.name).len();
    while ours.values(&topic.name).len() == before {
        reading.step().await.unwrap();
    }
    other.close().await;
    reading.until(&topic, 1200).await;
    assert_eq!(sorted(&ours, &topic), texts(0..1200));
    assert_eq!(reading.source.health().partitions, 6);
    reading.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_member_comes_and_goes_cooperatively() {
    share(config()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_member_comes_and_goes_eagerly() {
    let mut config = config();
    config.properties.set("partition.assignment.strategy", "range").unwrap();
    share(config).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_member_comes_and_goes_by_the_consumer_protocol() {
    let mut config = config();
    config.protocol = Protocol::Consumer;
    share(config).await;
}

/// Whoever else is in the group: a member that reads nothing and goes.
async fn intrude(config: &KafkaConfig, topic: &Topic, reading: &mut Reading) {
    let mut foreign = Reading::open(config, &[topic], &Ledger::default());
    while foreign.source.health().partitions == 0 {
        tokio::select! {
            step = reading.step() => step.unwrap(),
            () = tokio::time::sleep(Duration::from_millis(20)) => {}
        }
    }
    assert!(tokio::time::timeout(DEADLINE, foreign.deliveries.next()).await.is_ok(), "it has something in hand");
    foreign.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rebalances_of_all_kinds_neither_lose_nor_repeat() {
    let topic = Topic::create("rebalanced", 4).await;
    let mut config = KafkaConfig { instance_id: "ours".to_owned(), ..config() };
    config.properties.set("topic.metadata.refresh.interval.ms", "500").unwrap();
    let foreign = KafkaConfig { instance_id: String::new(), ..config.clone() };
    config.properties.set("session.timeout.ms", "6000").unwrap();
    let ledger = Ledger::default();
    let mut sent = 0;
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    for round in 0..6 {
        topic.send(texts(sent..sent + 200)).await;
        sent += 200;
        match round % 3 {
            0 => intrude(&foreign, &topic, &mut reading).await,
            1 => topic.grow(4 + round).await,
            _ => {
                reading.close().await;
                reading = Reading::open(&config, &[&topic], &ledger);
            }
        }
        reading.until(&topic, sent).await;
    }
    assert_eq!(sorted(&ledger, &topic), texts(0..sent));
}
