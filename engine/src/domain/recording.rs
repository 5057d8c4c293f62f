//! What a slice of messages came to: recorded as one, or not at all.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};

use super::{
    dead_letter::DeadLetter,
    message::{Message, Partition, Span},
    trace::TraceContext,
    wanted::{RenderingId, WantedId},
    window::Window,
};

/// Everything that follows from one slice. The store takes it whole and moves the partition's offset with it.
#[derive(Debug, Clone)]
pub struct Recording {
    pub partition: Partition,
    pub span: Span,
    /// In offset order, as are the others.
    pub matches: Vec<Match>,
    pub near_misses: Vec<NearMiss>,
    pub dead_letters: Vec<DeadLetter>,
    /// Messages on which a matcher failed, and of which nothing is kept.
    pub skipped: Vec<DeadLetter>,
    /// Why it ends before its slice does.
    pub halt: Option<Halt>,
}

/// The message before which a recording ends: its partition does not go on with it.
#[derive(Debug, Clone)]
pub struct Halt {
    pub how: HaltKind,
    /// What else would be set aside of it.
    pub letter: DeadLetter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HaltKind {
    /// The partition stands still until somebody releases it. What could be judged of the message is recorded all the
    /// same, as if it were set aside.
    Freeze,
    /// The service ends. Nothing of the message is recorded.
    Stop,
}

/// What became of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    Stored,
    /// Somebody moved the partition in between, or it is frozen: nothing was written, go on reading at `next`.
    Superseded {
        next: Option<i64>,
    },
}

/// Which build of which matcher judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedBy {
    pub matcher: Arc<str>,
    /// Lower-case hexadecimal, of the file as it was given.
    pub sha256: Arc<str>,
}

/// A message whose key equals that of a rendering, and when.
#[derive(Debug, Clone)]
pub struct Sighting {
    pub offset: i64,
    pub arrival: Timestamp,
    pub event_time: Option<Timestamp>,
    pub wanted: WantedId,
    pub rendering: RenderingId,
    /// The business date of its arrival, and the wanted message's window around it.
    pub business_date: Date,
    pub window: Window,
}

/// The fact that a message fulfilled a rendering in a window.
#[derive(Debug, Clone)]
pub struct Match {
    pub sighting: Sighting,
    /// JSON: the values of the fields by which its wanted message counts messages, where it does.
    pub distinct: Option<String>,
    pub carried: Carried,
    pub by: JudgedBy,
}

/// What of a message goes along with the marks that rest on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    pub key: Option<Vec<u8>>,
    pub trace: Option<TraceContext>,
}

impl Carried {
    pub fn by(message: &Message) -> Self {
        Self { key: message.key.as_deref().map(<[u8]>::to_vec), trace: TraceContext::of(message) }
    }
}

/// The fact that a message had the right key and was refused all the same.
#[derive(Debug, Clone)]
pub struct NearMiss {
    pub sighting: Sighting,
    pub by: JudgedBy,
    pub reason: String,
}
