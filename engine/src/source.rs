//! Where messages come from: Kafka, or a file of JSON lines for runs without one.
//!
//! The only room that names librdkafka's properties. It knows nothing of matchers, sensors or databases: what is
//! stored about a partition it asks through [`Bookmarks`]; what comes back to Kafka comes through a [`Receipt`].
//!
//! Start at [`open`], which gives a [`Source`] to steer with and the [`Deliveries`] to read. Behind them one thread
//! owns the consumer (`reader`), a rebalance asks `assignment` where to begin, and `batch` makes slices of messages.

mod assignment;
mod batch;
mod client;
mod committing;
mod config;
mod context;
mod deliveries;
mod desk;
mod ends;
mod error;
mod fetch;
mod gap;
mod group;
mod incoming;
mod kafka_log;
mod lines;
mod lines_log;
mod lives;
mod log;
mod looking;
mod mock;
mod native;
mod outgoing;
mod patience;
mod probe;
mod producer;
mod properties;
mod reach;
mod reader;
mod reason;
mod receipt;
mod reset;
mod starting;
mod topics;

use std::error::Error;

pub use config::{Guarantee, KafkaConfig, OnGap, Protocol, Start, Tombstones};
pub use deliveries::{Deliveries, Delivery};
pub use desk::{Health, Source, State};
pub use ends::{End, Ends};
pub use error::SourceError;
pub use fetch::{Fetched, NotThere, fetch};
pub use gap::Gap;
pub use kafka_log::KafkaLog;
pub use lines::{Lines, open_lines};
pub use lines_log::LinesLog;
pub use lives::{Change, OtherLife};
pub use log::{Extent, Log, Piece};
pub use mock::Mock;
pub use outgoing::{LineError, Outgoing};
pub use probe::{Probed, probe};
pub use producer::{Producer, SendError};
pub use properties::Properties;
pub use reader::open;
pub use receipt::Receipt;
pub use reset::{Place, ResetTo};
pub use topics::Topics;

/// What is stored about the partitions of a topic.
///
/// Asked on the source's own thread at every assignment, so it may block, for as long as a query takes.
pub trait Bookmarks: Send + Sync {
    /// The name of the store. It is written into the group, so that no other store reads in it.
    fn store(&self) -> &str;

    /// All that is stored for a topic of a cluster, also for partitions that are read elsewhere.
    fn stored(&self, cluster: &str, topic: &str) -> Result<Vec<Bookmark>, Unavailable>;

    /// Which life of a topic that is of.
    fn life(&self, cluster: &str, topic: &str) -> Result<Life, Unavailable>;

    /// Notes Kafka's id of a topic that had none.
    fn note_id(&self, cluster: &str, topic: &str, id: &str) -> Result<(), Unavailable>;

    /// Begins a new epoch of partitions, at these offsets; with another id where the topic has one.
    fn begin_epoch(
        &self,
        cluster: &str,
        topic: &str,
        id: Option<&str>,
        starts: &[(i32, i64)],
    ) -> Result<(), Unavailable>;
}

/// Why a store does not answer.
pub type Unavailable = Box<dyn Error + Send + Sync>;

/// Which life of a topic something is stored of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Life {
    /// Kafka's id of the topic, where it was known.
    pub id: Option<String>,
    /// Another Kafka cluster that the topic was read from, where nothing is stored of this one.
    pub elsewhere: Option<String>,
}

/// Where reading goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bookmark {
    pub partition: i32,
    pub epoch: i64,
    /// The offset to be read next. None: the epoch has begun, and nothing of it is stored.
    pub next: Option<i64>,
    /// Whether nothing of it is to be read until it is put back.
    pub frozen: bool,
}
