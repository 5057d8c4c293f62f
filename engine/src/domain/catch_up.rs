//! Catching up: a rendering may be younger than its message, which is then read back from the log.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use super::{
    message::Partition,
    recording::{Match, NearMiss},
    wanted::WantedId,
    window::Frequency,
};

/// Belongs to all partitions of a topic that are read together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScanId(pub i64);

/// The store's number of one partition of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CatchUpId(pub i64);

/// Wanted messages that are caught up in the same way: those of one calendar and frequency, for one business date.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Block {
    pub timezone: String,
    pub day_shift_seconds: i32,
    pub frequency: Frequency,
    /// The date whose rendering may be younger than its messages.
    pub business_date: Date,
    pub matcher: String,
}

/// A wanted message, and the date whose rendering is caught up.
pub type Target = (WantedId, Date);

/// A stretch of a partition that is to be read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    pub partition: Partition,
    /// Messages are looked for that arrived from then on.
    pub since: Timestamp,
    pub first: i64,
    /// Where it ends: from that offset on messages meet the renderings anyway.
    pub cut: i64,
    /// For so many wanted messages.
    pub wanted: u64,
    /// What cannot be looked for, and why.
    pub lacking: Option<String>,
}

/// A stretch, and how far it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatchUp {
    pub id: CatchUpId,
    pub scan: ScanId,
    pub cluster: Arc<str>,
    pub topic: Arc<str>,
    pub partition: i32,
    pub epoch: i64,
    pub since: Timestamp,
    pub first: i64,
    /// The offset to be read next.
    pub next: i64,
    pub cut: i64,
    /// So many messages were read.
    pub messages: u64,
    pub wanted: u64,
    pub state: CatchUpState,
    /// Why it does not get on.
    pub reason: Option<String>,
    /// What could not be looked for, and why.
    pub lacking: Option<String>,
    pub updated_at: Timestamp,
}

impl CatchUp {
    pub fn partition(&self) -> Partition {
        let (cluster, topic) = (Arc::clone(&self.cluster), Arc::clone(&self.topic));
        Partition { cluster, topic, number: self.partition, epoch: self.epoch }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CatchUpState {
    Running,
    Done,
}

impl CatchUpState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
        }
    }
}

/// What a piece of a stretch came to: recorded as one, or not at all.
#[derive(Debug, Clone)]
pub struct CaughtUp {
    pub id: CatchUpId,
    pub partition: Partition,
    /// Where the piece before ended.
    pub from: i64,
    /// The offset to be read next.
    pub to: i64,
    /// So many messages were in it.
    pub messages: u64,
    pub matches: Vec<Match>,
    pub near_misses: Vec<NearMiss>,
    /// What turned out to be gone.
    pub lacking: Option<String>,
}
