//! Dead letters: messages that were set aside, what is kept of them, and what became of them later.

use std::{borrow::Cow, fmt, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    message::{Header, Partition, Position},
    recording::{JudgedBy, Match, NearMiss},
};

/// A message that is set aside now.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    pub offset: i64,
    pub arrival: Timestamp,
    pub kept: Kept,
    pub cause: Cause,
    pub reason: String,
    pub by: JudgedBy,
    /// What of it goes to a topic of dead letters; none: nothing does.
    pub forward: Option<Box<Forward>>,
}

/// What is kept of a message: never more than the configuration allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    pub key: Option<Sample>,
    pub payload: Option<Sample>,
    /// Of the whole payload. None is a tombstone.
    pub payload_size: Option<usize>,
}

/// A message that is to be published in a topic of dead letters: whole, but for what may not be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    pub topic: String,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    /// Those that it came with.
    pub headers: Vec<Header>,
}

/// A dead letter that is to be published, and what of its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueForward {
    pub letter: StoredDeadLetter,
    pub forward: Forward,
}

/// Why a message was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Its matcher finds it malformed.
    Reject,
    /// Its matcher trapped, took too long, used too much or answered nonsense.
    Fault {
        /// The kind of fault: `trap`, `timed-out` and so on.
        word: Cow<'static, str>,
        /// Where in the matcher, innermost first.
        backtrace: Option<String>,
    },
}

impl Cause {
    pub fn kind(&self) -> DeadLetterKind {
        match self {
            Self::Reject => DeadLetterKind::Reject,
            Self::Fault { .. } => DeadLetterKind::Fault,
        }
    }
}

/// Whose fault it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeadLetterKind {
    /// The message's.
    Reject,
    /// The matcher's.
    Fault,
}

impl DeadLetterKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Fault => "fault",
        }
    }
}

/// Names a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct DeadLetterId(pub i64);

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A dead letter as it is kept, and as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StoredDeadLetter {
    pub id: DeadLetterId,
    #[schema(value_type = String)]
    pub cluster: Arc<str>,
    #[schema(value_type = String)]
    pub topic: Arc<str>,
    pub partition: i32,
    pub epoch: i64,
    pub offset: i64,
    #[schema(value_type = String, format = DateTime)]
    pub arrival: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    pub kind: DeadLetterKind,
    /// Of a fault its kind.
    pub fault: Option<String>,
    pub reason: String,
    pub backtrace: Option<String>,
    pub matcher: String,
    pub sha256: String,
    #[schema(value_type = Option<Shown>)]
    pub key: Option<Sample>,
    #[schema(value_type = Option<Shown>)]
    pub payload: Option<Sample>,
    /// Of the whole payload. None is a tombstone.
    pub payload_size: Option<i64>,
    /// When it was published in the topic of dead letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub published_at: Option<Timestamp>,
    /// When it was last judged again.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub redriven_at: Option<Timestamp>,
    /// What came of that, in words.
    pub outcome: Option<String>,
}

impl StoredDeadLetter {
    pub fn position(&self) -> Position {
        let (cluster, topic) = (Arc::clone(&self.cluster), Arc::clone(&self.topic));
        Partition { cluster, topic, number: self.partition, epoch: self.epoch }.at(self.offset)
    }
}

/// Which dead letters are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeadLetterFilter {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matcher: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<DeadLetterKind>,
}

/// What came of judging a dead letter again: recorded as one, or not at all.
#[derive(Debug, Clone)]
pub struct Rejudged {
    pub id: DeadLetterId,
    pub partition: Partition,
    pub verdict: Rejudgement,
}

/// Whether a dead letter could be judged again.
#[derive(Debug, Clone)]
pub enum Rejudgement {
    Judged {
        matches: Vec<Match>,
        near_misses: Vec<NearMiss>,
        outcome: String,
    },
    /// It could not, for this reason: nothing follows.
    NotJudged(String),
}

impl Rejudgement {
    pub fn outcome(&self) -> &str {
        match self {
            Self::Judged { outcome, .. } | Self::NotJudged(outcome) => outcome,
        }
    }

    pub fn is_judged(&self) -> bool {
        matches!(self, Self::Judged { .. })
    }
}

/// Who asks for a change by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Somebody at a terminal.
    Cli,
    /// Whoever else calls the API.
    Api,
}

impl Actor {
    pub fn word(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Api => "api",
        }
    }
}

/// The beginning of a key or a payload. In JSON `{"text": …}`, or `{"base64": …}` where it is not text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Shown", try_from = "Shown")]
pub struct Sample(pub Vec<u8>);

/// The beginning of a key or a payload.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Sample)]
#[serde(rename_all = "lowercase")]
enum Shown {
    Text(String),
    Base64(String),
}

impl From<Sample> for Shown {
    fn from(sample: Sample) -> Self {
        String::from_utf8(sample.0)
            .map_or_else(|error| Self::Base64(BASE64_STANDARD.encode(error.as_bytes())), Self::Text)
    }
}

impl TryFrom<Shown> for Sample {
    type Error = base64::DecodeError;

    fn try_from(shown: Shown) -> Result<Self, Self::Error> {
        match shown {
            Shown::Text(text) => Ok(Self(text.into_bytes())),
            Shown::Base64(text) => BASE64_STANDARD.decode(text).map(Self),
        }
    }
}

impl Sample {
    /// The first bytes, at most so many, and no part of a character at the end of a text.
    pub fn of(bytes: &[u8], most: usize) -> Self {
        let cut = &bytes[..bytes.len().min(most)];
        match std::str::from_utf8(cut) {
            Err(error) if error.error_len().is_none() && cut.len() < bytes.len() => {
                Self(cut[..error.valid_up_to()].to_vec())
            }
            _ => Self(cut.to_vec()),
        }
    }
}

/// For a terminal: what is not text, or would move the cursor, is escaped.
impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_text_where_it_can_be() {
        let check = |bytes: &[u8], json: &str, shown: &str| {
            let sample = Sample(bytes.to_vec());
            assert_eq!(serde_json::to_string(&sample).unwrap(), json);
            assert_eq!(serde_json::from_str::<Sample>(json).unwrap(), sample);
            assert_eq!(sample.to_string(), shown);
        };
        check(b"{\"a\": 1}", r#"{"text":"{\"a\": 1}"}"#, "{\"a\": 1}");
        check(b"\0\0\x01a\xff", r#"{"base64":"AAABYf8="}"#, "\\u{0}\\u{0}\\u{1}a\\xff");
        check("é\n\x1b[2J".as_bytes(), "{\"text\":\"é\\n\\u001b[2J\"}", "é\\n\\u{1b}[2J");
    }

    #[test]
    fn a_sample_ends_with_a_whole_character() {
        assert_eq!(Sample::of("aé".as_bytes(), 2).0, b"a");
        assert_eq!(Sample::of("aé".as_bytes(), 3).0, "aé".as_bytes());
        assert_eq!(Sample::of(b"a\xff\xff", 2).0, b"a\xff");
        // What was cut before it came here is left as it is.
        assert_eq!(Sample::of(b"a\xc3", 9).0, b"a\xc3");
    }
}
