//! The `[kafka]` part of the configuration.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{Topics, properties::Properties};

/// `[kafka]`: where messages come from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaConfig {
    /// Brokers to ask first, `host:port`, separated by commas. Default: `localhost:9092`.
    pub brokers: String,

    /// The consumer group. Instances with the same store share it; another store needs another group. Default:
    /// `eventlatch`.
    pub group: String,

    /// The name under which the brokers' logs, quotas and metrics know this client. Default: `eventlatch`.
    pub client_id: String,

    /// How often a message counts: `"exactly-once"` (the store decides where reading goes on), `"at-least-once"` or
    /// `"at-most-once"` (Kafka's committed offsets do, committed after or before messages are judged). Default:
    /// `"exactly-once"`.
    pub delivery: Guarantee,

    /// Where a topic starts of which nothing is stored yet: `"earliest"`, `"latest"`, `"committed"` (what Kafka holds
    /// for the group; the beginning where it holds nothing) or a time such as `"2026-01-31T00:00:00Z"` (the first
    /// message with this timestamp or a later one). Partitions that appear later start at their beginning. Default:
    /// `"earliest"`.
    pub start: Start,

    /// What to do when the offset to be read next is not in the log (deleted by retention before it was read, or
    /// beyond the end because the topic was created anew): `"stop"` ends the service with an error that says what is
    /// missing; `"earliest"` and `"latest"` say it as a warning and go on there. Default: `"stop"`.
    pub on_gap: OnGap,

    /// How many messages are handed on together at most. More are faster under load; a single message never waits for
    /// others. Default: 10000.
    pub max_messages: usize,

    /// How many bytes of keys and values are handed on together at most (one message may be larger). Default: 4194304.
    pub max_bytes: usize,

    /// How long a batch that is not full waits for more messages, from its first one on. Default: 0, not at all.
    pub max_wait_ms: u64,

    /// What becomes of messages without a value: `"deliver"` to matchers that take them, or `"skip"`. Default:
    /// `"deliver"`.
    pub tombstones: Tombstones,

    /// How often Kafka hears what is recorded, where it is for dashboards only (exactly-once). Default: 5.
    pub commit_interval_seconds: u64,

    /// A lasting name of this instance in the group (`group.instance.id`): after a quick restart it has its partitions
    /// again without a rebalance. Default: none.
    pub instance_id: String,

    /// How the group shares partitions: `"classic"`, or `"consumer"` with Kafka 4. Default: `"classic"`.
    pub protocol: Protocol,

    /// Any property of librdkafka, by its own name, for TLS, SASL and tuning. A value `"env:NAME"` or `"file:PATH"`
    /// is taken from there at start. Those that would break a guarantee are refused. Default: none.
    pub properties: Properties,

    /// `[topics]`: what topics are called in Kafka.
    #[serde(skip)]
    pub topics: Topics,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "localhost:9092".to_owned(),
            group: "eventlatch".to_owned(),
            client_id: "eventlatch".to_owned(),
            delivery: Guarantee::ExactlyOnce,
            start: Start::Earliest,
            on_gap: OnGap::Stop,
            max_messages: 10_000,
            max_bytes: 4 << 20,
            max_wait_ms: 0,
            tombstones: Tombstones::Deliver,
            commit_interval_seconds: 5,
            instance_id: String::new(),
            protocol: Protocol::Classic,
            properties: Properties::default(),
            topics: Topics::default(),
        }
    }
}

/// How often a message counts when something fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guarantee {
    /// The store decides where reading goes on. Kafka hears of it lazily, for dashboards.
    ExactlyOnce,
    /// Kafka decides, and hears of a slice once it is recorded.
    AtLeastOnce,
    /// Kafka decides, and hears of a slice before it is handed on.
    AtMostOnce,
}

/// What becomes of messages without a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tombstones {
    #[default]
    Deliver,
    Skip,
}

/// How a group shares its partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Among its members.
    Classic,
    /// The broker does it (KIP-848).
    Consumer,
}

/// Where a topic starts of which nothing is stored yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Earliest,
    Latest,
    Committed,
    At(Timestamp),
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Earliest => f.write_str("earliest"),
            Self::Latest => f.write_str("latest"),
            Self::Committed => f.write_str("committed"),
            Self::At(time) => time.fmt(f),
        }
    }
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            "committed" => Ok(Self::Committed),
            time => time.parse().map(Self::At).map_err(|_| {
                format!("`{time}` is not \"earliest\", \"latest\", \"committed\" or a time as \"2026-01-31T00:00:00Z\"")
            }),
        }
    }
}

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// What to do when the offset to be read next is not in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnGap {
    Stop,
    Earliest,
    Latest,
}
