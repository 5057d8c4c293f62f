//! What is so many now: set just before somebody reads it.

use std::{collections::BTreeMap, sync::OnceLock};

use jiff::Timestamp;
use metrics::{counter, gauge};

use super::{
    super::file,
    names::{
        ASSIGNED, BUILD, CATCH_UPS, COMMIT_FAILURES, DRIFTED, FROZEN, INSTANCES, LAG, LOG_DROPPED, OLDEST, PARTS,
        PENDING, READY, SENSORS, STARTED, TOPICS_WAITING, WAITING,
    },
};

static STARTED_AT: OnceLock<Timestamp> = OnceLock::new();

/// The service starts now.
pub(super) fn started() {
    STARTED_AT.get_or_init(Timestamp::now);
}

/// What the store counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levels {
    pub pending_marks: i64,
    /// When the oldest of them was made.
    pub oldest_mark: Option<Timestamp>,
    pub waiting: i64,
    pub sensors: i64,
    pub catch_ups: i64,
    pub frozen: i64,
}

impl Levels {
    pub fn set(&self) {
        gauge!(PENDING.name).set(self.pending_marks as f64);
        let age = self.oldest_mark.map(|at| Timestamp::now().duration_since(at).as_secs_f64().max(0.0));
        gauge!(OLDEST.name).set(age.unwrap_or(0.0));
        gauge!(WAITING.name).set(self.waiting as f64);
        gauge!(SENSORS.name).set(self.sensors as f64);
        gauge!(CATCH_UPS.name).set(self.catch_ups as f64);
        gauge!(FROZEN.name).set(self.frozen as f64);
    }
}

/// What the process is, and how it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    pub ready: bool,
    /// By name: 0 works, 1 is degraded, 2 fails.
    pub parts: Vec<(String, u8)>,
    pub partitions: usize,
    /// How many commits to Kafka have failed since the start.
    pub failed_commits: u64,
    pub drifted: usize,
    pub topics_waiting: usize,
    /// None: they are not counted.
    pub instances: Option<u64>,
}

impl Standing {
    pub fn set(&self) {
        gauge!(BUILD.name, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        let started = STARTED_AT.get().map(|at| at.as_millisecond() as f64 / 1000.0);
        gauge!(STARTED.name).set(started.unwrap_or(0.0));
        gauge!(READY.name).set(f64::from(u8::from(self.ready)));
        for (part, state) in &self.parts {
            gauge!(PARTS.name, "part" => part.clone()).set(f64::from(*state));
        }
        gauge!(ASSIGNED.name).set(self.partitions as f64);
        counter!(LOG_DROPPED.name).absolute(file::dropped() as u64);
        counter!(COMMIT_FAILURES.name).absolute(self.failed_commits);
        gauge!(DRIFTED.name).set(self.drifted as f64);
        gauge!(TOPICS_WAITING.name).set(self.topics_waiting as f64);
        if let Some(instances) = self.instances {
            gauge!(INSTANCES.name).set(instances as f64);
        }
    }
}

/// Sets how far each partition's log is ahead of the store.
pub fn lag(partitions: &BTreeMap<(String, i32), i64>) {
    for ((topic, partition), messages) in partitions {
        gauge!(LAG.name, "topic" => topic.clone(), "partition" => partition.to_string()).set(*messages as f64);
    }
}
