//! Every message once, in order, across restarts and lost races.

use eventlatch_tests::{
    ledger::Ledger,
    topic::{Topic, config, producer},
};

use super::reading::{Reading, sorted, texts};

#[tokio::test(flavor = "multi_thread")]
async fn slices_chain_from_the_beginning() {
    let topic = Topic::create("chain", 3).await;
    topic.send(texts(0..5000)).await;
    let ledger = Ledger::default();
    let mut reading = Reading::open(&config(), &[&topic], &ledger);
    reading.until(&topic, 5000).await;
    assert_eq!(sorted(&ledger, &topic), texts(0..5000));
    assert_eq!(reading.superseded, 0);
    reading.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_exactly_at_the_stored_offsets() {
    let topic = Topic::create("restart", 2).await;
    topic.send(texts(0..3000)).await;
    let (config, ledger) = (config(), Ledger::default());
    let mut sent = 3000;
    for round in 0..3 {
        let mut reading = Reading::open(&config, &[&topic], &ledger);
        reading.until(&topic, sent).await;
        // Nothing is said to Kafka in one of the rounds: the store alone decides.
        if round == 1 {
            drop(reading);
        } else {
            reading.close().await;
        }
        topic.send(texts(sent..sent + 500)).await;
        sent += 500;
    }
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until(&topic, sent).await;
    assert_eq!(sorted(&ledger, &topic), texts(0..sent));
    assert_eq!(reading.superseded, 0, "a restart reads nothing twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_that_loses_is_read_again_from_the_stored_offset() {
    let topic = Topic::create("put-back", 1).await;
    topic.send(texts(0..1000)).await;
    let ledger = Ledger::default();
    let mut reading = Reading::open(&config(), &[&topic], &ledger);
    reading.until(&topic, 1000).await;
    // Somebody moves the row back while messages come in.
    let cluster = reading.source.health().cluster.unwrap();
    ledger.set(&cluster, &topic.name, 0, Some(400));
    topic.send(texts(1000..2000)).await;
    reading.until_next(&topic, 0, 2000).await;
    assert!(reading.superseded >= 1);
    let expected: Vec<_> = texts(0..1000).into_iter().chain(texts(400..2000)).collect();
    assert_eq!(ledger.values(&topic.name), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_without_a_row_is_put_back_to_its_beginning() {
    let topic = Topic::create("put-back-none", 1).await;
    topic.send(texts(0..10)).await;
    let ledger = Ledger::default();
    let mut reading = Reading::open(&config(), &[&topic], &ledger);
    reading.until(&topic, 10).await;
    let cluster = reading.source.health().cluster.unwrap();
    ledger.set(&cluster, &topic.name, 0, None);
    topic.send(texts(10..11)).await;
    reading.until(&topic, 21).await;
    assert_eq!(ledger.values(&topic.name)[10..], texts(0..11));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_message_waits_for_no_other() {
    let topic = Topic::create("latency", 1).await;
    let mut reading = Reading::open(&config(), &[&topic], &Ledger::default());
    let producer = producer();
    producer.send(&topic.message("first")).await.unwrap();
    reading.until(&topic, 1).await;
    // Nothing else is sent: what waited for more to come would never be there.
    for number in 2..=20 {
        producer.send(&topic.message("next")).await.unwrap();
        reading.until(&topic, number).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_is_committed_at_the_end() {
    let topic = Topic::create("commit", 1).await;
    topic.send(texts(0..100)).await;
    let mut config = config();
    let mut reading = Reading::open(&config, &[&topic], &Ledger::default());
    reading.until(&topic, 100).await;
    reading.close().await;
    topic.send(texts(100..110)).await;
    // Another store that trusts the commit sees only what came later.
    config.start = "committed".parse().unwrap();
    let ledger = Ledger::default();
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until(&topic, 10).await;
    assert_eq!(ledger.values(&topic.name), texts(100..110));
}
