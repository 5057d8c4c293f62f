//! A message and the name of its place.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;

/// One life of one partition of a topic: offsets are comparable within it, and only within it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    /// The Kafka cluster's id, or what stands for it in a source without Kafka.
    pub cluster: Arc<str>,
    pub topic: Arc<str>,
    pub number: i32,
    /// Rises when the partition starts anew under the same name (a topic deleted and created again).
    pub epoch: i64,
}

impl Partition {
    pub fn at(&self, offset: i64) -> Position {
        Position { partition: self.clone(), offset }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.number)
    }
}

/// Names one message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    pub partition: Partition,
    pub offset: i64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.partition, self.offset)
    }
}

/// A message, without the partition it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub offset: i64,
    /// The record's timestamp, never later than the moment it was read; the wall clock where the record has none.
    pub arrival: Timestamp,
    pub key: Option<Bytes>,
    /// None is a tombstone; an empty value is not.
    pub value: Option<Bytes>,
    pub headers: Vec<Header>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub name: String,
    pub value: Vec<u8>,
}

/// Consecutive messages of one partition, as they came out of the source.
#[derive(Debug, Clone)]
pub struct Slice {
    pub partition: Partition,
    pub span: Span,
    pub messages: Vec<Message>,
}

/// The offsets that a slice covers. They may hold fewer messages than offsets: a compacted topic has gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: Before,
    /// The offset to be read next.
    pub to: i64,
}

/// What must be stored of a partition for a slice to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing yet, in this epoch.
    Nothing,
    /// The end of the slice before.
    At(i64),
    /// Whatever it is: not the store but Kafka decides where reading goes on.
    Anything,
}

impl From<Option<i64>> for Before {
    fn from(next: Option<i64>) -> Self {
        next.map_or(Self::Nothing, Self::At)
    }
}
