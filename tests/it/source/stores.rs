//! One group, one store.

use eventlatch::source::{KafkaConfig, SourceError};
use eventlatch_tests::{
    ledger::Ledger,
    topic::{Topic, config},
    waiting::wait_until,
};

use super::reading::{DEADLINE, Reading, sorted, texts};

#[tokio::test(flavor = "multi_thread")]
async fn another_store_is_refused_and_the_first_reads_on() {
    let topic = Topic::create("claimed", 3).await;
    topic.send(texts(0..30)).await;
    let (config, ours) = (config(), Ledger::named("ours"));
    let mut reading = Reading::open(&config, &[&topic], &ours);
    reading.until(&topic, 30).await;
    let theirs = Ledger::named("theirs");
    let mut intruder = Reading::open(&config, &[&topic], &theirs);
    let error = intruder.step().await.unwrap_err();
    let SourceError::OtherStore { group, theirs: of, .. } = &error else { panic!("{error}") };
    assert_eq!((group, of.as_str()), (&config.group, "ours"));
    assert!(error.is_configuration());
    for part in ["is read for the store ours", "this store is theirs", "another `group`", "--delete --group"] {
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
    intruder.close().await;
    topic.send(texts(30..60)).await;
    reading.until(&topic, 60).await;
    assert_eq!(sorted(&ours, &topic), texts(0..60));
    assert!(theirs.values(&topic.name).is_empty(), "it has read nothing");
    reading.close().await;
    // Nor when the first one is not there.
    let error = Reading::open(&config, &[&topic], &theirs).step().await.unwrap_err();
    assert!(matches!(error, SourceError::OtherStore { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_named_with_every_commit() {
    let topic = Topic::create("named", 2).await;
    topic.send(texts(0..100)).await;
    let config = KafkaConfig { commit_interval_seconds: 0, ..config() };
    let mut reading = Reading::open(&config, &[&topic], &Ledger::named("ours"));
    reading.until(&topic, 100).await;
    // The first commit is of the beginning; the later ones are lazy, and the last one is made at the end.
    let named = |offsets: i64| {
        let committed = topic.committed(&config.group, 2);
        let all = committed.iter().all(|(_, _, metadata)| metadata == "eventlatch store ours");
        (all && committed.iter().map(|it| it.1).sum::<i64>() == offsets).then_some(()).ok_or(format!("{committed:?}"))
    };
    wait_until("the lazy commit", DEADLINE, async || named(100)).await;
    topic.send(texts(100..150)).await;
    reading.until(&topic, 150).await;
    reading.close().await;
    named(150).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_that_was_set_by_hand_is_seen_and_the_store_decides() {
    let topic = Topic::create("drift", 1).await;
    topic.send(texts(0..10)).await;
    let (config, ledger) = (config(), Ledger::named("ours"));
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until(&topic, 10).await;
    reading.close().await;
    topic.set_committed(&config.group, 0, 4);
    topic.send(texts(10..12)).await;
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until(&topic, 12).await;
    assert_eq!(reading.source.health().drifted, 1);
    assert_eq!(ledger.values(&topic.name), texts(0..12));
    reading.close().await;
    assert_eq!(topic.committed(&config.group, 1), [(0, 12, "eventlatch store ours".to_owned())]);
}
