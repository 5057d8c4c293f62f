//! Offsets that are no longer in the log.

use eventlatch::source::{KafkaConfig, OnGap, SourceError};
use eventlatch_tests::{
    ledger::Ledger,
    topic::{Topic, config},
};

use super::reading::{Reading, texts};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_made_anew_is_a_gap_too() {
    let (config, ledger) = (config(), Ledger::default());
    let topic = Topic::create("anew", 1).await;
    topic.send(texts(0..100)).await;
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.until(&topic, 100).await;
    reading.close().await;
    topic.delete().await;
    eventlatch_tests::waiting::wait_until("the topic to be gone", super::reading::DEADLINE, async || {
        let probed = eventlatch::source::probe(&config, std::slice::from_ref(&topic.name), super::reading::DEADLINE);
        match probed {
            Ok(probed) if probed.missing.is_empty() => Err("still there".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await;
    topic.make(1).await;
    topic.send(texts(0..10)).await;
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    let error = reading.step().await.unwrap_err();
    assert!(error.to_string().contains("the log holds 0 to 9: the topic was created anew"), "{error}");
}
