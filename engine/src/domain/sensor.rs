//! Sensors: named sets of wanted messages that one downstream step needs.

use std::fmt;

use jiff::Timestamp;

use super::{cron::Cron, target::Target, wait::OnTimeout, wanted::WantedMessage, window::Frequency};

/// The store's number of a sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SensorId(pub i64);

/// A sensor as it was defined, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Sensor {
    pub name: String,
    /// IANA name of the zone whose calendar it follows.
    pub timezone: String,
    pub opening: Opening,
    pub require: Require,
    pub timeout: Timeout,
    pub on_timeout: OnTimeout,
    pub late: Late,
    /// Of its waits, with templates.
    pub target: Target,
    /// In the order of the definition. At least one.
    pub wanted: Vec<WantedMessage>,
}

impl Sensor {
    /// The frequency of the waits that open by themselves: the shortest of its wanted messages.
    pub fn shortest_frequency(&self) -> Frequency {
        self.wanted.iter().map(|wanted| wanted.frequency).min().unwrap_or(Frequency::Day)
    }
}

/// A sensor as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSensor {
    pub sensor: Sensor,
    pub owner: Owner,
    /// A paused one awaits messages, and none of its waits ends.
    pub paused: bool,
    /// When it was registered, or came back.
    pub active_since: Timestamp,
    pub updated_at: Timestamp,
}

/// Whose a sensor is: only its owner may change it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// A file of the sensor directory, by its name relative to it.
    File(String),
    Api,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(name) => write!(f, "file:{name}"),
            Self::Api => f.write_str("api"),
        }
    }
}

/// How waits on a sensor open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// By themselves, one for each window of the shortest frequency.
    Window,
    /// When somebody asks.
    Request,
}

/// How many of the wanted messages that are not optional complete a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Require {
    All,
    Any,
    Number(u32),
}

/// When a wait gives up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timeout {
    /// At the earliest end of a window with something pending.
    WindowEnd,
    /// Seconds after opening.
    Seconds(u64),
    /// At the next instant of a cron expression in the sensor's zone.
    Cron(Cron),
}

/// What a message after the deadline does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    Ignore,
    Heal,
}
