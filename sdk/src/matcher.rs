//! The trait a matcher implements, and what it is given.

use std::ops::BitOr;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{EventTime, Key, Keys, Moment, Problem, Problems, Reject};

/// A matcher over typed messages.
///
/// The service calls [`configure`](Matcher::configure) once, then the rest any number of times and in any order. All of
/// them must be pure: the same input gives the same result, whenever it is asked for.
///
/// A message and a wanted message meet where they have an equal [`Key`]. Only then is
/// [`confirm`](Matcher::confirm) asked, so its cost hardly matters; that of [`extract`](Matcher::extract) does, it sees
/// every message of its topics.
///
/// For messages that are told by some of their fields, [`FieldMatcher`](crate::FieldMatcher) takes fewer lines and less
/// time.
pub trait Matcher: Sized + 'static {
    /// The configuration, the table `[matchers.NAME.config]` of the service. [`NoConfig`] where there is none.
    type Config: DeserializeOwned + JsonSchema;

    /// The own fields of a wanted message: those without topic, frequency and `task_id`.
    ///
    /// A `#[serde(default)]` is known to the service too: a wanted message with a field's default and one without the
    /// field are the same. Fields that the type does not know are refused.
    type Wanted: DeserializeOwned + Serialize + JsonSchema;

    /// A message's value, decoded from JSON unless [`decode`](Matcher::decode) says otherwise.
    type Message: DeserializeOwned + JsonSchema;

    /// The matcher's name: lower-case letters, digits and dashes.
    const NAME: &'static str;

    /// One line: what message this matcher knows.
    const SUMMARY: &'static str;

    /// The topics it serves, unless [`settings`](Matcher::settings) names others.
    const TOPICS: &'static [&'static str];

    /// The matcher's own version, for people; empty: that of the crate which exports it.
    const VERSION: &'static str = "";

    /// What it wants to see of a message besides value and arrival.
    const NEEDS: Needs = Needs::NOTHING;

    /// A matcher with this configuration. Called once, before all else.
    ///
    /// Types and unknown settings have been checked. What else can be wrong with a value is a [`Problem`], best with the
    /// name of the setting: the service then does not load the matcher, or keeps the one it has, and says why.
    fn configure(config: Self::Config) -> Result<Self, Problems>;

    /// What follows from the configuration for the service.
    ///
    /// By default the topics are [`TOPICS`](Matcher::TOPICS) and business days begin at midnight.
    fn settings(&self) -> Settings {
        Settings::default()
    }

    /// The keys of a wanted message on a business date: a message must carry one of them.
    ///
    /// Fill in what depends on the date in place; the service shows the result, and awaits it afresh when it differs
    /// from the day before's. What [`confirm`](Matcher::confirm) sees is this result.
    ///
    /// Called for every wanted message and date, so keep it cheap. A wanted message that cannot be fulfilled, because of
    /// a value that no message can have, is better told as a [`Problem`] now than waited for in vain.
    fn prepare(&self, wanted: &mut Self::Wanted, on: Date) -> Result<Keys, Problem>;

    /// The message that a value is: JSON, unless told otherwise.
    ///
    /// For topics in another format, such as Avro or Protobuf; see [`registry`](crate::registry) for the bytes that a
    /// schema registry puts before them. What cannot be read is a [`Reject`].
    fn decode(&self, value: &[u8]) -> Result<Self::Message, Reject> {
        crate::adapter::decode_json(value)
    }

    /// The keys of a message, and when it happened what the message tells of.
    ///
    /// A message of no interest to anyone is [`Extract::nothing`]; a malformed one is a [`Reject`].
    ///
    /// Whatever can be compared for equality belongs into the key; a matcher that gives all messages one key makes every
    /// message a candidate for every wanted message.
    fn extract(&self, message: &Self::Message, envelope: &Envelope<'_>) -> Result<Extract, Reject>;

    /// The keys of a message without a value, which only a matcher that [needs](Needs::TOMBSTONES) them gets to see.
    fn extract_tombstone(&self, _envelope: &Envelope<'_>) -> Result<Extract, Reject> {
        Ok(Extract::nothing())
    }

    /// The last word on a message and a wanted message whose keys are equal.
    ///
    /// By default what happened must have happened on the business day on which the message arrived; without an event
    /// time it is fulfilled.
    fn confirm(&self, candidate: &Candidate<'_, Self>) -> Verdict {
        same_business_day(candidate.event_time.as_ref(), &candidate.arrival)
    }
}

/// A configuration without any settings.
#[derive(Clone, Copy, Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoConfig {}

/// What follows from a configuration for the service.
///
/// ```
/// use eventlatch_sdk::Settings;
///
/// let from_ten_in_the_evening = Settings { day_shift_seconds: 7200, ..Settings::default() };
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The topics served; empty: those of the matcher's description.
    pub topics: Vec<String>,
    /// Seconds by which the business day begins before midnight (7200: at 22:00 of the day before).
    pub day_shift_seconds: i32,
}

/// What a matcher wants to see of a message besides its value and arrival.
///
/// ```
/// use eventlatch_sdk::Needs;
///
/// const NEEDS: Needs = Needs::KEYS.and(Needs::TOMBSTONES);
/// assert!(NEEDS.include(Needs::KEYS) && !NEEDS.include(Needs::HEADERS));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs(u8);

impl Needs {
    /// Value and arrival are enough.
    pub const NOTHING: Self = Self(0);
    /// Message keys.
    pub const KEYS: Self = Self(1);
    /// Message headers.
    pub const HEADERS: Self = Self(2);
    /// Messages without a value. Without this the service passes over them.
    pub const TOMBSTONES: Self = Self(4);

    /// Both these and the other ones.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all the other ones are among these.
    pub const fn include(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Needs {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}

/// What comes with a message besides its value.
///
/// The message key and headers are there only for a matcher that [needs](Matcher::NEEDS) them; to fetch them costs time.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// The topic it came on.
    pub topic: &'a str,
    /// When it arrived, in milliseconds since the Unix epoch.
    pub arrival: i64,
    /// The message key, if [needed](Needs::KEYS) and there.
    pub key: Option<&'a [u8]>,
    /// The headers, if [needed](Needs::HEADERS).
    pub headers: Vec<Header<'a>>,
}

/// A header of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Its name; a message may have several of one name.
    pub name: &'a str,
    /// Its value.
    pub value: &'a [u8],
}

/// What a message is: its keys and its event time.
///
/// ```
/// use eventlatch_sdk::{EventTime, Extract, key};
///
/// let simple = Extract::from(key!["invoice-7"]);
/// let dated = key!["invoice-7"].at(EventTime::from_millis(1_562_486_400_000));
/// let several = Extract::from(key!["invoice-7"]).or(key!["any invoice"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extract {
    pub(crate) keys: Vec<Key>,
    pub(crate) time: Option<EventTime>,
}

impl Extract {
    /// A message that nobody could want.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// With another key.
    pub fn or(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    /// With an event time.
    pub fn at(mut self, time: EventTime) -> Self {
        self.time = Some(time);
        self
    }
}

impl From<Key> for Extract {
    fn from(key: Key) -> Self {
        Self { keys: vec![key], time: None }
    }
}

impl From<Keys> for Extract {
    fn from(keys: Keys) -> Self {
        Self { keys: keys.0, time: None }
    }
}

/// A message whose key equals that of a wanted message.
///
/// Both moments have been resolved for the zone of the sensor and the shift of the matcher: dates can be compared as they
/// are. The same message may be a candidate for sensors in several zones.
pub struct Candidate<'a, M: Matcher> {
    /// The wanted message, as [`Matcher::prepare`] left it.
    pub wanted: M::Wanted,
    /// The message; `None` is a tombstone.
    pub message: Option<M::Message>,
    /// What came with the message.
    pub envelope: Envelope<'a>,
    /// When it happened what the message tells of.
    pub event_time: Option<Moment>,
    /// When the message arrived.
    pub arrival: Moment,
}

/// Whether a message fulfils a wanted message.
///
/// ```
/// use eventlatch_sdk::Verdict;
///
/// let verdict = Verdict::refused("a total of 99 is not enough");
/// assert_ne!(verdict, Verdict::Fulfilled);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Fulfilled,
    /// It does not, for this reason: a lower-case fragment for whoever asks what is still missing.
    Refused(String),
}

impl Verdict {
    /// A refusal.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused(reason.into())
    }
}

/// The rule of most messages: what happened must have happened on the business day on which the message arrived.
///
/// For a [`confirm`](Matcher::confirm) of one's own that wants this too. Without an event time there is nothing to
/// compare, and the message fulfils.
pub fn same_business_day(event_time: Option<&Moment>, arrival: &Moment) -> Verdict {
    match event_time {
        Some(event) if event.business_date != arrival.business_date => Verdict::Refused(format!(
            "the event's business date is {}, that of its arrival {}",
            event.business_date, arrival.business_date
        )),
        _ => Verdict::Fulfilled,
    }
}
