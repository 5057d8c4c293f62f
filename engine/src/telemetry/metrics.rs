//! What the rooms count, and what is looked up when somebody asks. Every name stands in [`names`].
//!
//! Counters and times are noted where things happen, once for a batch and not for each message; levels such as open waits
//! are set just before they are read (`levels`).

mod evaluating;
mod levels;
pub mod names;

use std::{sync::OnceLock, time::Duration};

use jiff::Timestamp;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;

use crate::domain::{
    change::Change,
    dead_letter::{Cause, DeadLetter},
    mark::Mark,
    recording::{Recorded, Recording},
};
pub use evaluating::{Evaluating, cpu_time};
pub use levels::{Levels, Standing, lag};
use names::{
    ALL, BATCH, BATCHES, COMMIT, DEAD_LETTERS, DELIVERIES, DELIVERY, ENDED, FAULTS, GROUP, IN_EVALUATION, Kind, MARKS,
    MATCHES, MESSAGES, Metric, NEAR_MISSES, PUT_BACKS, READ_BACK, REBALANCES, RETRIES, SHADOWED, SKIPPED, SPANS,
    STORE_FAILURES, TO_MARK, TO_MATCH,
};

/// From a quick commit to a matcher that takes all of its time.
const SECONDS: [f64; 14] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// From a message that is marked at once to one that lay in Kafka over the weekend.
const AGES: [f64; 14] = [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0, 21_600.0, 86_400.0];
const NUMBERS: [f64; 11] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0];

/// A level that nobody has set for so long is of something that is gone, such as a partition of a topic that is not read
/// any more.
const FORGOTTEN: Duration = Duration::from_secs(300);

static EXPORTER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to count. Only the first call of a process does anything.
pub fn start() {
    EXPORTER.get_or_init(|| {
        levels::started();
        // Buckets are wrong only where there are none.
        let recorder = builder().unwrap_or_default().build_recorder();
        let handle = recorder.handle();
        // Somebody else counts in this process already: they have the figures.
        drop(metrics::set_global_recorder(recorder));
        describe();
        handle
    });
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let full = |name: &str| Matcher::Full(name.to_owned());
    PrometheusBuilder::new()
        .idle_timeout(MetricKindMask::GAUGE, Some(FORGOTTEN))
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(full(TO_MATCH.name), &AGES)?
        .set_buckets_for_metric(full(TO_MARK.name), &AGES)?
        .set_buckets_for_metric(full(BATCHES.name), &NUMBERS)?
        .set_buckets_for_metric(full(GROUP.name), &NUMBERS)
}

/// All of it as Prometheus reads it.
pub fn rendered() -> String {
    EXPORTER.get().map(PrometheusHandle::render).unwrap_or_default()
}

/// What is to be done from time to time, so that times which nobody reads take no room.
pub fn tidy() {
    if let Some(exporter) = EXPORTER.get() {
        exporter.run_upkeep();
    }
}

fn describe() {
    for metric in ALL {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, metric.help),
            Kind::Histogram => describe_histogram!(metric.name, metric.help),
        }
    }
}

/// What has changed in the store.
pub fn changed(change: &Change) {
    match change {
        Change::TaskMarked { state, .. } => counter!(MARKS.name, "state" => state.word()).increment(1),
        Change::WaitEnded { state, .. } => counter!(ENDED.name, "state" => state.word()).increment(1),
        _ => {}
    }
}

/// What became of the slices of a batch of one topic: so many messages each, from its hand-over to its commit.
pub fn batch(recordings: &[Recording], messages: &[usize], outcomes: &[Recorded], took: Duration) {
    let Some(first) = recordings.first() else { return };
    let topic = first.partition.topic.to_string();
    histogram!(BATCH.name, "topic" => topic.clone()).record(took.as_secs_f64());
    histogram!(BATCHES.name, "topic" => topic.clone()).record(messages.iter().sum::<usize>() as f64);
    let slices = recordings.iter().zip(messages).zip(outcomes);
    let stored = slices.filter(|(_, outcome)| **outcome == Recorded::Stored).map(|(slice, _)| slice);
    let (stored, messages): (Vec<&Recording>, Vec<&usize>) = stored.unzip();
    counter!(MESSAGES.name, "topic" => topic.clone()).increment(messages.into_iter().sum::<usize>() as u64);
    let put_back = recordings.len() - stored.len();
    counter!(PUT_BACKS.name, "topic" => topic.clone()).increment(put_back as u64);
    recorded(topic, &stored);
}

fn recorded(topic: String, stored: &[&Recording]) {
    let number = |of: fn(&Recording) -> usize| stored.iter().map(|recording| of(recording)).sum::<usize>() as u64;
    counter!(MATCHES.name, "topic" => topic.clone()).increment(number(|it| it.matches.len()));
    counter!(NEAR_MISSES.name, "topic" => topic.clone()).increment(number(|it| it.near_misses.len()));
    let (now, to_match) = (Timestamp::now(), histogram!(TO_MATCH.name, "topic" => topic.clone()));
    for found in stored.iter().flat_map(|recording| &recording.matches) {
        to_match.record(since(now, found.sighting.arrival));
    }
    for recording in stored {
        recording.dead_letters.iter().for_each(|letter| failed(DEAD_LETTERS, &topic, letter));
        recording.skipped.iter().for_each(|letter| failed(SKIPPED, &topic, letter));
        recording.halt.iter().for_each(|halt| faulted(&halt.letter));
    }
}

fn failed(what: Metric, topic: &str, letter: &DeadLetter) {
    faulted(letter);
    let (kind, matcher) = (letter.cause.kind(), letter.by.matcher.to_string());
    counter!(what.name, "topic" => topic.to_owned(), "matcher" => matcher, "kind" => kind.word()).increment(1);
}

fn faulted(letter: &DeadLetter) {
    if let Cause::Fault { word, .. } = &letter.cause {
        let matcher = letter.by.matcher.to_string();
        counter!(FAULTS.name, "matcher" => matcher, "fault" => word.to_string()).increment(1);
    }
}

/// So many more messages are evaluated now, or less.
pub fn evaluating(more: f64) {
    gauge!(IN_EVALUATION.name).increment(more);
}

/// What a candidate did since the last time: so many messages by each outcome.
pub fn shadowed(matcher: &str, same: u64, different: u64, dropped: u64) {
    for (outcome, messages) in [("same", same), ("different", different), ("dropped", dropped)] {
        counter!(SHADOWED.name, "matcher" => matcher.to_owned(), "outcome" => outcome).increment(messages);
    }
}

/// Messages are judged again because their matcher failed.
pub fn retried(matcher: &str, messages: usize) {
    counter!(RETRIES.name, "matcher" => matcher.to_owned()).increment(messages as u64);
}

/// A transaction of so many requests was committed.
pub fn commit(took: Duration, requests: usize) {
    histogram!(COMMIT.name).record(took.as_secs_f64());
    histogram!(GROUP.name).record(requests as f64);
}

/// A transaction could not be committed.
pub fn commit_failed() {
    counter!(STORE_FAILURES.name).increment(1);
}

/// The assignment of partitions changes: `assigned` or `revoked`.
pub fn rebalanced(change: &'static str) {
    counter!(REBALANCES.name, "change" => change).increment(1);
}

/// An attempt to deliver a mark: what it failed with (`retry` or `rejected`), if it did.
pub fn attempted(adapter: &'static str, mark: &Mark, failed: Option<&'static str>, took: Duration) {
    counter!(DELIVERIES.name, "adapter" => adapter, "outcome" => failed.unwrap_or("delivered")).increment(1);
    histogram!(DELIVERY.name, "adapter" => adapter).record(took.as_secs_f64());
    if let (None, Some(evidence)) = (failed, &mark.evidence) {
        histogram!(TO_MARK.name, "adapter" => adapter).record(since(Timestamp::now(), evidence.arrival));
    }
}

/// So many messages of a topic were read back.
pub fn read_back(topic: &str, messages: usize) {
    counter!(READ_BACK.name, "topic" => topic.to_owned()).increment(messages as u64);
}

/// What became of so many spans: `sent`, `failed` or `dropped`.
pub fn spans(outcome: &'static str, number: usize) {
    counter!(SPANS.name, "outcome" => outcome).increment(number as u64);
}

fn since(now: Timestamp, arrival: Timestamp) -> f64 {
    now.duration_since(arrival).as_secs_f64().max(0.0)
}
