//! Every metric there is, by name: what the rooms count, and what is looked up when somebody asks.
//!
//! Counters and times are noted where things happen (`Recorded`, `commit` …); levels such as open waits are
//! set just before they are read (`Levels`).

use std::{sync::OnceLock, time::Duration};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::domain::{
    change::Change,
    dead_letter::{DeadLetter, DeadLetterKind},
    recording::Recording,
};

const MESSAGES: &str = "eventlatch_messages_total";
const MATCHES: &str = "eventlatch_matches_total";
const NEAR_MISSES: &str = "eventlatch_near_misses_total";
const DEAD_LETTERS: &str = "eventlatch_dead_letters_total";
const SKIPPED: &str = "eventlatch_skipped_messages_total";
const RETRIES: &str = "eventlatch_matcher_retries_total";
const MATCHER_FAULTS: &str = "eventlatch_matcher_faults_total";
const DELIVERIES: &str = "eventlatch_mark_deliveries_total";
const BATCH: &str = "eventlatch_batch_seconds";
const COMMIT: &str = "eventlatch_store_commit_seconds";
const MARKS: &str = "eventlatch_marks_total";
const ENDED: &str = "eventlatch_waits_ended_total";
const PENDING: &str = "eventlatch_marks_pending";
const WAITING: &str = "eventlatch_waits_waiting";
const LAG: &str = "eventlatch_lag_messages";
const CATCH_UPS: &str = "eventlatch_catch_ups";
const EVALUATING: &str = "eventlatch_evaluating_messages";
const FROZEN: &str = "eventlatch_frozen_partitions";
const SENSORS: &str = "eventlatch_sensors";

/// From a quick commit to a matcher that takes all of its time.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

static EXPORTER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to count. Only the first call of a process does anything.
pub fn start() {
    EXPORTER.get_or_init(|| {
        let builder = ["_seconds"].into_iter().try_fold(PrometheusBuilder::new(), |builder, suffix| {
            builder.set_buckets_for_metric(Matcher::Suffix(suffix.to_owned()), &SECONDS)
        });
        // Buckets are wrong only where there are none.
        let recorder = builder.unwrap_or_default().build_recorder();
        let handle = recorder.handle();
        // Somebody else counts in this process already: they have the figures.
        drop(metrics::set_global_recorder(recorder));
        describe();
        handle
    });
}

/// All of it as Prometheus reads it.
pub fn rendered() -> String {
    EXPORTER.get().map(PrometheusHandle::render).unwrap_or_default()
}

fn describe() {
    describe_counter!(MESSAGES, "Messages that were judged and recorded, by topic.");
    describe_counter!(MATCHES, "Matches that were recorded, by topic.");
    describe_counter!(NEAR_MISSES, "Messages with the right key that were refused, by topic.");
    describe_counter!(DEAD_LETTERS, "Messages that were set aside, by topic, matcher and kind.");
    describe_counter!(SKIPPED, "Failures of matchers of which nothing was kept, by topic, matcher and kind.");
    describe_counter!(RETRIES, "Messages that were judged again because their matcher had failed, by matcher.");
    describe_counter!(MATCHER_FAULTS, "Messages on which a matcher failed, by matcher.");
    describe_counter!(DELIVERIES, "Attempts to deliver marks, by outcome.");
    describe_histogram!(BATCH, Unit::Seconds, "From the hand-over of a batch to its commit, by topic.");
    describe_histogram!(COMMIT, Unit::Seconds, "Transactions of the store, with their sync to disk.");
    describe_counter!(MARKS, "Tasks that were given a state, by state.");
    describe_counter!(ENDED, "Waits that ended, by state.");
    describe_gauge!(PENDING, "Marks that are not delivered yet.");
    describe_gauge!(WAITING, "Waits that have not ended.");
    describe_gauge!(LAG, "Messages in the logs that are not recorded yet, by topic.");
    describe_gauge!(CATCH_UPS, "Wanted messages and dates for which Kafka is still to be read again.");
    describe_gauge!(EVALUATING, "Messages that matchers evaluate now.");
    describe_gauge!(FROZEN, "Partitions that stand still until somebody releases them.");
    describe_gauge!(SENSORS, "Sensors that are active.");
}

/// What has changed in the store.
pub fn changed(change: &Change) {
    match change {
        Change::TaskMarked { state, .. } => counter!(MARKS, "state" => state.word()).increment(1),
        Change::WaitEnded { state, .. } => counter!(ENDED, "state" => state.word()).increment(1),
        _ => {}
    }
}

/// What was recorded of so many messages.
pub fn recorded(recording: &Recording, messages: usize) {
    let topic = recording.partition.topic.to_string();
    counter!(MESSAGES, "topic" => topic.clone()).increment(messages as u64);
    counter!(MATCHES, "topic" => topic.clone()).increment(recording.matches.len() as u64);
    counter!(NEAR_MISSES, "topic" => topic.clone()).increment(recording.near_misses.len() as u64);
    recording.dead_letters.iter().for_each(|letter| failed(DEAD_LETTERS, &topic, letter));
    recording.skipped.iter().for_each(|letter| failed(SKIPPED, &topic, letter));
}

fn failed(name: &'static str, topic: &str, letter: &DeadLetter) {
    let (kind, matcher) = (letter.cause.kind(), letter.by.matcher.to_string());
    if kind == DeadLetterKind::Fault {
        counter!(MATCHER_FAULTS, "matcher" => matcher.clone()).increment(1);
    }
    counter!(name, "topic" => topic.to_owned(), "matcher" => matcher, "kind" => kind.word()).increment(1);
}

/// So many more messages are evaluated now, or less.
pub fn evaluating(more: f64) {
    gauge!(EVALUATING).increment(more);
}

/// Messages are judged again because their matcher failed.
pub fn retried(matcher: &str, messages: usize) {
    counter!(RETRIES, "matcher" => matcher.to_owned()).increment(messages as u64);
}

/// A batch of a topic, from its hand-over to its commit.
pub fn batch(topic: &str, took: Duration) {
    histogram!(BATCH, "topic" => topic.to_owned()).record(took.as_secs_f64());
}

pub fn commit(took: Duration) {
    histogram!(COMMIT).record(took.as_secs_f64());
}

/// What came of an attempt to deliver a mark: `delivered`, `retry` or `rejected`.
pub fn delivery(outcome: &'static str) {
    counter!(DELIVERIES, "outcome" => outcome).increment(1);
}

/// What is so many now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levels {
    pub pending_marks: i64,
    pub waiting: i64,
    pub sensors: i64,
    pub catch_ups: i64,
    pub frozen: i64,
    /// By topic; those whose logs could not be asked for are left as they were.
    pub lag: Vec<(String, i64)>,
}

impl Levels {
    pub fn set(&self) {
        gauge!(PENDING).set(self.pending_marks as f64);
        gauge!(WAITING).set(self.waiting as f64);
        for (topic, number) in &self.lag {
            gauge!(LAG, "topic" => topic.clone()).set(*number as f64);
        }
        gauge!(SENSORS).set(self.sensors as f64);
        gauge!(FROZEN).set(self.frozen as f64);
        gauge!(CATCH_UPS).set(self.catch_ups as f64);
    }
}
