//! Batches by size and time, tombstones, and lasting members.

use eventlatch::source::{KafkaConfig, Outgoing, Protocol, Tombstones};
use eventlatch_tests::{
    ledger::Ledger,
    topic::{Topic, config, producer},
};

use super::reading::{Reading, texts};

/// The sizes of the next batches.
async fn sizes(reading: &mut Reading, count: usize) -> Vec<usize> {
    let mut sizes = Vec::new();
    while sizes.len() < count {
        let batch = reading.deliveries.next().await.unwrap().unwrap();
        sizes.push(batch.iter().map(|delivery| delivery.slice.messages.len()).sum());
        batch.into_iter().for_each(|delivery| delivery.receipt.settle());
    }
    sizes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_full_or_has_waited() {
    let topic = Topic::create("batches", 1).await;
    topic.send(texts(0..250)).await;
    let config = KafkaConfig { max_messages: 100, max_wait_ms: 5_000, ..config() };
    let mut reading = Reading::open(&config, &[&topic], &Ledger::default());
    assert_eq!(sizes(&mut reading, 3).await, [100, 100, 50]);
    for text in texts(0..7) {
        producer().send(&topic.message(&text)).await.unwrap();
    }
    assert_eq!(sizes(&mut reading, 1).await, [7], "they come one by one, and together");
}

#[tokio::test(flavor = "multi_thread")]
async fn tombstones_are_passed_over_and_the_offset_moves_on() {
    let topic = Topic::create("tombstones", 1).await;
    let tombstone = || Outgoing { value: None, ..topic.message("") };
    let all = [topic.message("a"), tombstone(), topic.message("b"), tombstone(), tombstone()];
    producer().send_all(all).await.unwrap();
    let ledger = Ledger::default();
    let config = KafkaConfig { tombstones: Tombstones::Skip, ..config() };
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until_next(&topic, 0, 5).await;
    assert_eq!(ledger.values(&topic.name), ["a", "b"]);
    reading.close().await;
    let ledger = Ledger::default();
    let mut reading = Reading::open(&KafkaConfig { tombstones: Tombstones::Deliver, ..config }, &[&topic], &ledger);
    reading.until_next(&topic, 0, 5).await;
    assert_eq!(ledger.values(&topic.name), ["a", "", "b", "", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lasting_member_comes_back_whatever_the_protocol() {
    for protocol in [Protocol::Classic, Protocol::Consumer] {
        let topic = Topic::create("lasting", 2).await;
        let config = KafkaConfig { instance_id: "first".to_owned(), protocol, ..config() };
        let ledger = Ledger::default();
        for round in 0..3 {
            topic.send(texts(round * 20..(round + 1) * 20)).await;
            let mut reading = Reading::open(&config, &[&topic], &ledger);
            reading.until(&topic, (round + 1) * 20).await;
            reading.close().await;
        }
        assert_eq!(super::reading::sorted(&ledger, &topic), texts(0..60));
    }
}
