//! A log that can be read back: what catching up needs of Kafka, or of whatever stands for it.

use std::sync::Arc;

use jiff::Timestamp;

use super::{SourceError, Start};
use crate::domain::message::Message;

/// Messages that were delivered, or will be, to be read once more. Calls may block.
pub trait Log: Send + Sync {
    /// What the log belongs to, as [`crate::domain::message::Partition`] has it.
    fn cluster(&mut self) -> Result<Arc<str>, SourceError>;

    /// Where deliveries start of a topic of which nothing is stored.
    fn start(&self) -> Start;

    /// Kafka's id of a topic, where it tells one: another topic of the same name has another.
    fn topic_id(&mut self, _topic: &str) -> Result<Option<String>, SourceError> {
        Ok(None)
    }

    /// Whether messages stand in the order of their arrival, as far as Kafka's do.
    fn is_ordered(&self) -> bool {
        true
    }

    /// The partitions of a topic as they are now; none if there is no such topic.
    fn extents(&mut self, topic: &str, since: Timestamp) -> Result<Vec<Extent>, SourceError>;

    /// The next messages of a partition from an offset on and before another one. Nothing may have come yet: then the
    /// piece ends where it begins.
    fn read(&mut self, topic: &str, partition: i32, from: i64, until: i64) -> Result<Piece, SourceError>;
}

/// What a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub partition: i32,
    /// The first offset that is not gone.
    pub low: i64,
    /// The first message that arrived at an instant or later; `high` where there is none.
    pub since: i64,
    /// The offset after the last; `i64::MAX` where nobody knows it.
    pub high: i64,
}

/// Consecutive messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Piece {
    pub messages: Vec<Message>,
    /// The offset to be read next. It may lie far behind the last message: logs have gaps.
    pub next: i64,
    /// Messages before this offset are gone that should have been read.
    pub gone_before: Option<i64>,
}
