//! Brokers that are not there, and configurations that are not good.

use std::{sync::Arc, time::Duration};

use eventlatch::source::{self, KafkaConfig, SourceError, State};
use eventlatch_tests::{
    broker::Broker,
    ledger::Ledger,
    topic::{Topic, config},
    waiting::wait_for,
};

use super::reading::{DEADLINE, Reading, texts};

fn unreachable() -> KafkaConfig {
    KafkaConfig { brokers: "127.0.0.1:1".to_owned(), ..KafkaConfig::default() }
}

#[test]
fn a_probe_names_the_broker_and_the_reason() {
    let error = source::probe(&unreachable(), &[], Duration::from_secs(2)).unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1") && error.contains("refused") && error.contains("`brokers`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_says_which_topics_are_missing() {
    let (there, missing) = (Topic::create("there", 1).await, Topic::planned("missing"));
    let probed = source::probe(&config(), &[there.name, missing.name.clone()], DEADLINE).unwrap();
    assert_eq!((probed.brokers, probed.missing), (1, vec![missing.name]));
    assert!(probed.cluster.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ends_of_logs_are_known() {
    let topic = Topic::create("ends", 2).await;
    let sent = topic.send(texts(0..50)).await;
    topic.cut(0, 3).await;
    let ends = source::Ends::new(&config()).unwrap().of(&topic.name, DEADLINE).unwrap();
    assert_eq!(ends.iter().map(|end| (end.partition, end.low)).collect::<Vec<_>>(), [(0, 3), (1, 0)]);
    assert_eq!(ends.iter().map(|end| end.high).sum::<i64>(), sent as i64);
    assert!(source::Ends::new(&config()).unwrap().of("no-such-topic", DEADLINE).unwrap().is_empty());
}

#[test]
fn an_unknown_property_is_named() {
    let mut config = config();
    config.properties.set("no.such.property", "1").unwrap();
    let error = source::open(&config, Vec::new(), Arc::new(Ledger::default())).unwrap_err();
    assert!(error.to_string().contains("`no.such.property`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_broker_is_tried_on_and_can_be_given_up() {
    let (source, deliveries) = source::open(&unreachable(), vec!["t".to_owned()], Arc::new(Ledger::default())).unwrap();
    let problem = wait_for("the problem to be told", DEADLINE, || {
        source.health().problem.ok_or_else(|| format!("{:?}", source.health()))
    });
    assert!(problem.contains("127.0.0.1:1"), "{problem}");
    assert_eq!(source.health().state, State::Connecting);
    // Not after the time-outs of its requests, which add up to minutes.
    tokio::time::timeout(DEADLINE / 4, deliveries.close()).await.expect("it gives up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_read_ends_the_deliveries() {
    struct Broken;
    impl source::Bookmarks for Broken {
        fn store(&self) -> &str {
            "broken"
        }

        fn stored(&self, _: &str, _: &str) -> Result<Vec<source::Bookmark>, Box<dyn std::error::Error + Send + Sync>> {
            Err("the disk is gone".into())
        }

        fn life(&self, _: &str, _: &str) -> Result<source::Life, source::Unavailable> {
            Ok(source::Life::default())
        }

        fn note_id(&self, _: &str, _: &str, _: &str) -> Result<(), source::Unavailable> {
            Ok(())
        }

        fn begin_epoch(&self, _: &str, _: &str, _: Option<&str>, _: &[(i32, i64)]) -> Result<(), source::Unavailable> {
            Ok(())
        }
    }
    let topic = Topic::create("broken", 1).await;
    topic.send(texts(0..1)).await;
    let (_source, mut deliveries) = source::open(&config(), vec![topic.name.clone()], Arc::new(Broken)).unwrap();
    let error = deliveries.next().await.unwrap().unwrap_err();
    assert!(matches!(&error, SourceError::Bookmarks { topic: of, .. } if *of == topic.name), "{error}");
    assert!(deliveries.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_comes_back_is_read_on() {
    let mut broker = Broker::start();
    let config = KafkaConfig { brokers: broker.address(), ..config() };
    let (source, deliveries) = source::open(&config, vec!["t".to_owned()], Arc::new(Ledger::default())).unwrap();
    wait_for("the first connection", DEADLINE, || match source.health().state {
        State::Connecting => Err("connecting".to_owned()),
        _ => Ok(()),
    });
    broker.stop();
    wait_for("the loss to be told", DEADLINE, || source.health().problem.map(drop).ok_or("no problem".to_owned()));
    broker.restart();
    wait_for("the broker to be reached again", DEADLINE, || source.health().problem.map_or(Ok(()), Err));
    deliveries.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_read_after_it_was_stopped() {
    let topic = Topic::create("stopped", 1).await;
    topic.send(texts(0..10)).await;
    let mut reading = Reading::open(&config(), &[&topic], &Ledger::default());
    reading.until(&topic, 10).await;
    reading.source.stop();
    assert!(tokio::time::timeout(DEADLINE, reading.deliveries.next()).await.unwrap().is_none());
    reading.close().await;
}
