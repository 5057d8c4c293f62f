//! Offsets that are no longer in the log.

use eventlatch::source::{Bookmarks, Change, Ends, Guarantee, KafkaConfig, OnGap, Place, ResetTo, SourceError, probe};
use eventlatch_tests::{
    ledger::Ledger,
    topic::{Topic, config},
    waiting::wait_until,
};

use super::reading::{DEADLINE, Reading, sorted, texts};

/// Reads ten messages, loses the next ten to retention, and comes back.
async fn with_a_hole(config: &KafkaConfig) -> (Topic, Ledger) {
    let (topic, ledger) = (Topic::create("gap", 2).await, Ledger::default());
    let filled = |from: usize| (from..).map(|n| format!("{n:06}"));
    topic.send(filled(0).take(10)).await;
    let mut reading = Reading::open(config, &[&topic], &ledger);
    reading.until(&topic, 10).await;
    reading.close().await;
    topic.send(filled(10).take(200)).await;
    let next = ledger.next(&topic.name, 1).unwrap();
    topic.cut(1, next + 10).await;
    (topic, ledger)
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_ends_with_an_error_that_says_what_is_missing() {
    let config = config();
    let (topic, ledger) = with_a_hole(&config).await;
    let next = ledger.next(&topic.name, 1).unwrap();
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    let error = loop {
        if let Err(error) = reading.step().await {
            break error;
        }
    };
    let SourceError::Gap(gap) = &error else { panic!("{error}") };
    assert_eq!((gap.partition.number, gap.next, gap.low), (1, next, next + 10));
    let told = format!("topic {}, partition 1: offset {next} is to be read next", topic.name);
    assert!(error.to_string().starts_with(&told), "{error}");
    assert!(error.to_string().contains("10 offsets were deleted before they were read"), "{error}");
    assert!(reading.deliveries.next().await.is_none(), "an error is the last thing");
}

#[tokio::test(flavor = "multi_thread")]
async fn earliest_goes_on_with_what_is_there() {
    let config = KafkaConfig { on_gap: OnGap::Earliest, ..config() };
    let (topic, ledger) = with_a_hole(&config).await;
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until(&topic, 200).await;
    assert_eq!(reading.superseded, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn latest_goes_on_at_the_end() {
    let config = KafkaConfig { on_gap: OnGap::Latest, ..config() };
    let (topic, ledger) = with_a_hole(&config).await;
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    let stored = ledger.next(&topic.name, 1);
    while ledger.next(&topic.name, 1) == stored {
        reading.step().await.unwrap();
    }
    let (count, moved) = (ledger.values(&topic.name).len(), ledger.next(&topic.name, 1));
    topic.send(texts(1000..1050)).await;
    while ledger.next(&topic.name, 1) == moved || ledger.values(&topic.name).len() < count + 50 {
        reading.step().await.unwrap();
    }
    assert_eq!(reading.superseded, 0);
}

/// Deletes a topic and makes it again with other messages: as many as there were, so that no offset is out of range.
async fn make_anew(topic: &Topic, config: &KafkaConfig) {
    topic.delete().await;
    wait_until("the topic to be gone", DEADLINE, async || {
        match probe(config, std::slice::from_ref(&topic.name), DEADLINE) {
            Ok(probed) if probed.missing.is_empty() => Err("still there".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await;
    topic.make(1).await;
    topic.send(texts(500..700)).await;
}

/// Reads a topic and ends.
async fn read_once(topic: &Topic, config: &KafkaConfig) -> Ledger {
    let ledger = Ledger::default();
    topic.send(texts(0..100)).await;
    let mut reading = Reading::open(config, &[topic], &ledger);
    reading.until(topic, 100).await;
    reading.close().await;
    ledger
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_anew_is_another_one_however_long_its_log_is() {
    let (config, topic) = (config(), Topic::create("anew", 1).await);
    let ledger = read_once(&topic, &config).await;
    make_anew(&topic, &config).await;
    let error = Reading::open(&config, &[&topic], &ledger).step().await.unwrap_err();
    let SourceError::OtherLife(other) = &error else { panic!("{error}") };
    assert!(matches!(other.change, Change::Recreated { .. }), "{error}");
    assert!(error.to_string().contains("was deleted and created anew since it was read"), "{error}");
    let config = KafkaConfig { on_gap: OnGap::Earliest, ..config };
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until(&topic, 300).await;
    assert_eq!(ledger.values(&topic.name), [texts(0..100), texts(500..700)].concat());
    assert_eq!((ledger.epoch(&topic.name, 0), reading.superseded), (Some(1), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_anew_while_it_is_read_is_noticed() {
    let (mut config, topic) = (config(), Topic::create("anew-live", 1).await);
    config.properties.set("topic.metadata.refresh.interval.ms", "500").unwrap();
    let config = KafkaConfig { on_gap: OnGap::Earliest, ..config };
    let ledger = Ledger::default();
    topic.send(texts(0..100)).await;
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until(&topic, 100).await;
    make_anew(&topic, &config).await;
    while !ledger.values(&topic.name).ends_with(&texts(500..700)) {
        reading.step().await.unwrap();
    }
    assert_eq!(ledger.epoch(&topic.name, 0), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_cluster_is_said_aloud() {
    let (config, topic) = (config(), Topic::create("moved", 2).await);
    let ledger = read_once(&topic, &config).await;
    ledger.move_to("the-old-one");
    let error = Reading::open(&config, &[&topic], &ledger).step().await.unwrap_err();
    assert!(matches!(error, SourceError::OtherLife(_)), "{error}");
    assert!(error.to_string().contains("was read from the cluster the-old-one so far"), "{error}");
    let config = KafkaConfig { on_gap: OnGap::Latest, ..config };
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    let begun = async || (reading.source.health().partitions == 2).then_some(()).ok_or("not yet".to_owned());
    wait_until("the partitions", DEADLINE, begun).await;
    topic.send(texts(100..110)).await;
    reading.until(&topic, 110).await;
    assert_eq!(sorted(&ledger, &topic), texts(0..110));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_ends_before_the_stored_offset_begins_a_new_epoch() {
    let (config, topic) = (config(), Topic::create("cut-short", 1).await);
    let ledger = read_once(&topic, &config).await;
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    let cluster =
        wait_until("the cluster", DEADLINE, async || reading.source.health().cluster.ok_or("no".into())).await;
    reading.close().await;
    ledger.set(&cluster, &topic.name, 0, Some(120));
    let error = Reading::open(&config, &[&topic], &ledger).step().await.unwrap_err();
    assert!(error.to_string().contains("the log holds 0 to 99: the topic was created anew"), "{error}");
    let config = KafkaConfig { on_gap: OnGap::Earliest, ..config };
    reading = Reading::open(&config, &[&topic], &ledger);
    reading.until(&topic, 200).await;
    assert_eq!((ledger.epoch(&topic.name, 0), ledger.next(&topic.name, 0)), (Some(1), Some(100)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_reset_is_read_again_in_another_epoch() {
    for delivery in [Guarantee::ExactlyOnce, Guarantee::AtLeastOnce] {
        let (config, topic) = (KafkaConfig { delivery, ..config() }, Topic::create("reset", 1).await);
        topic.send(texts(0..50)).await;
        let ledger = Ledger::default();
        let mut reading = Reading::open(&config, &[&topic], &ledger);
        reading.until(&topic, 50).await;
        let cluster = reading.source.health().cluster.unwrap();
        ledger.begin_epoch(&cluster, &topic.name, None, &[(0, 30)]).unwrap();
        reading.source.reset(&topic.name, 0);
        reading.until(&topic, 70).await;
        assert_eq!(ledger.values(&topic.name)[50..], texts(30..50));
        assert_eq!(ledger.epoch(&topic.name, 0), Some(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn places_in_a_log_are_found() {
    let topic = Topic::create("places", 1).await;
    topic.send(texts(0..20)).await;
    topic.cut(0, 5).await;
    let ends = Ends::new(&config()).unwrap();
    let place = |to: &str| ends.place(&topic.name, 0, to.parse().unwrap(), DEADLINE).unwrap();
    assert_eq!([place("earliest"), place("latest"), place("7")], [Place::At(5), Place::At(20), Place::At(7)]);
    assert_eq!(place("3"), Place::Outside { low: 5, high: 20 });
    assert_eq!(place("2100-01-01T00:00:00Z"), Place::At(20));
    assert_eq!(place("2001-01-01T00:00:00Z"), Place::At(5));
    assert_eq!(ends.place(&topic.name, 7, ResetTo::Latest, DEADLINE).unwrap(), Place::NoSuchPartition);
}
