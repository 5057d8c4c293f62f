//! Every metric there is: its name, its labels and what it tells. docs/metrics.md has the same table; a test compares them.
//!
//! Labels are topics, partitions, matchers, builds and words of ours: what a configuration names, and never what a message
//! says. There is none for sensors or tasks.

/// A metric as it is described to whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Declares metrics, and the list of all of them.
macro_rules! metrics {
    ($($id:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(super) const $id: Metric =
            Metric { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help };)*

        /// All metrics, in the order of a message's way.
        pub const ALL: &[Metric] = &[$($id),*];
    };
}

metrics! {
    BUILD = Gauge "eventlatch_build_info" ["version"] "1, with the version.";
    STARTED = Gauge "eventlatch_start_time_seconds" [] "When the service started, in seconds since 1970.";
    READY = Gauge "eventlatch_ready" [] "Whether `/readyz` says so: 1 or 0.";
    PARTS = Gauge "eventlatch_part_state" ["part"] "How a part of `/readyz` stands: 0 works, 1 is degraded, 2 fails.";

    ASSIGNED = Gauge "eventlatch_partitions_assigned" [] "Partitions that are read.";
    REBALANCES = Counter "eventlatch_rebalances_total" ["change"] "Changes of the assignment: `assigned` or `revoked`.";
    FROZEN = Gauge "eventlatch_frozen_partitions" [] "Partitions that stand still until somebody releases them.";
    COMMIT_FAILURES = Counter "eventlatch_kafka_commit_failures_total" []
        "Commits that Kafka did not take; each was tried again.";
    DRIFTED = Gauge "eventlatch_partitions_drifted" []
        "Partitions of which Kafka held another offset than the store when they were assigned; the store decides.";
    LAG = Gauge "eventlatch_lag_messages" ["topic", "partition"]
        "Offsets in the log that are not recorded yet, as of a few seconds ago.";
    MESSAGES = Counter "eventlatch_messages_total" ["topic"] "Messages that were judged and recorded.";
    BATCHES = Histogram "eventlatch_batch_messages" ["topic"] "Messages of a batch.";
    BATCH = Histogram "eventlatch_batch_seconds" ["topic"] "From the hand-over of a batch to its commit.";
    PUT_BACKS = Counter "eventlatch_put_backs_total" ["topic"]
        "Slices that lost their place in the store, so that their partition was read again from what is stored.";

    EVALUATION = Histogram "eventlatch_evaluation_seconds" ["matcher", "generation"]
        "Time on the clock in which a matcher judged a portion of a batch.";
    IN_EVALUATION = Gauge "eventlatch_evaluating_messages" [] "Messages that matchers judge now.";
    EVALUATION_CPU = Histogram "eventlatch_evaluation_cpu_seconds" ["matcher", "generation"]
        "CPU time of the same.";
    FAULTS = Counter "eventlatch_matcher_faults_total" ["matcher", "fault"]
        "Messages on which a matcher failed, by what it did.";
    DEAD_LETTERS = Counter "eventlatch_dead_letters_total" ["topic", "matcher", "kind"]
        "Messages that were set aside: `reject` (malformed) or `fault`.";
    SKIPPED = Counter "eventlatch_skipped_messages_total" ["topic", "matcher", "kind"]
        "Failures of matchers of which nothing was kept: `reject` or `fault`.";
    RETRIES = Counter "eventlatch_matcher_retries_total" ["matcher"]
        "Messages that were judged again because their matcher had failed.";
    SHADOWED = Counter "eventlatch_shadow_messages_total" ["matcher", "outcome"]
        "Messages for a candidate in the shadow of the build that serves: `same`, `different` or `dropped`.";
    INSTANCES = Gauge "eventlatch_matcher_instances" [] "Instances of matchers that are kept warm or at work.";
    TOPICS_WAITING = Gauge "eventlatch_topics_waiting" [] "Topics that wait for a matcher that is gone or keeps failing.";

    MATCHES = Counter "eventlatch_matches_total" ["topic"] "Matches that were recorded.";
    NEAR_MISSES = Counter "eventlatch_near_misses_total" ["topic"] "Messages with the right key that were refused.";
    TO_MATCH = Histogram "eventlatch_arrival_to_match_seconds" ["topic"]
        "From a message's arrival to the commit of its match: with `local` its task is marked then.";

    COMMIT = Histogram "eventlatch_store_commit_seconds" [] "Transactions of the store, with their sync to disk.";
    GROUP = Histogram "eventlatch_store_group_requests" [] "Requests that were committed together.";
    STORE_FAILURES = Counter "eventlatch_store_failures_total" [] "Transactions that could not be committed.";

    MARKS = Counter "eventlatch_marks_total" ["state"] "Tasks that were given a state.";
    PENDING = Gauge "eventlatch_marks_pending" [] "Marks that are not delivered yet: the outbox.";
    OLDEST = Gauge "eventlatch_marks_oldest_seconds" [] "Age of the oldest of them; 0: there is none.";
    DELIVERIES = Counter "eventlatch_mark_deliveries_total" ["adapter", "outcome"]
        "Attempts to deliver marks: `delivered`, `retry` or `rejected`.";
    DELIVERY = Histogram "eventlatch_mark_delivery_seconds" ["adapter"] "Time of one attempt.";
    TO_MARK = Histogram "eventlatch_arrival_to_mark_seconds" ["adapter"]
        "From a message's arrival to the delivery of the mark that rests on it.";

    WAITING = Gauge "eventlatch_waits_waiting" [] "Waits that have not ended.";
    ENDED = Counter "eventlatch_waits_ended_total" ["state"] "Waits that ended.";
    SENSORS = Gauge "eventlatch_sensors" [] "Sensors that are active.";
    CATCH_UPS = Gauge "eventlatch_catch_ups" [] "Wanted messages and dates for which Kafka is still to be read again.";
    READ_BACK = Counter "eventlatch_catch_up_messages_total" ["topic"] "Messages that were read back.";

    LOG_DROPPED = Counter "eventlatch_log_lines_dropped_total" []
        "Lines that did not get into the log's file because the disk was too slow.";
    SPANS = Counter "eventlatch_spans_total" ["outcome"]
        "Spans for OTLP: `sent`, `failed` (the collector took none) or `dropped` (too many were waiting).";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of the table in docs/metrics.md.
    fn row(metric: &Metric) -> String {
        let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        format!("| `{}` | {} | {} | {} |", metric.name, metric.kind.word(), labels.join(", "), metric.help)
    }

    #[test]
    fn the_page_has_all_metrics_and_no_others() {
        let page = include_str!("../../../../docs/metrics.md");
        let documented: Vec<_> = page.lines().filter(|line| line.starts_with("| `eventlatch_")).collect();
        assert_eq!(documented, ALL.iter().map(row).collect::<Vec<_>>());
    }
}
