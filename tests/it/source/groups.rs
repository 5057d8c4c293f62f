//! Sharing a group.

use eventlatch::source::{KafkaConfig, Protocol};
use eventlatch_tests::{
    ledger::Ledger,
    topic::{Topic, config},
};

use super::reading::{Reading, sorted, texts};

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
