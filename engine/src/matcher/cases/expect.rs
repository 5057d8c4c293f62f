//! What a case expects, and how that differs from what a matcher says. Only what is given is compared.

use std::fmt;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use serde_json::{Map, Value};

use crate::matcher::{
    batch::EventTime,
    judgement::{Judgement, Outcome},
    key,
};

/// What a case expects.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Keys")]
pub(super) struct Expected {
    outcome: Option<ExpectedOutcome>,
    /// As they are shown to people, in any order.
    keys: Option<Vec<Value>>,
    /// Some(None): there is none.
    event_time: Option<Option<Time>>,
}

/// Reasons are parts of what the matcher says.
#[derive(Debug, Clone)]
enum ExpectedOutcome {
    Fulfilled,
    Refused(String),
    Other,
    Rejected(String),
    Problem(String),
}

/// A civil time, in the zone of whoever asks, or an instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time(EventTime);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    verdict: Option<Verdict>,
    reason: Option<String>,
    reject: Option<String>,
    problem: Option<String>,
    keys: Option<Vec<Value>>,
    #[serde(default, deserialize_with = "present")]
    event_time: Option<Option<Time>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Fulfilled,
    Refused,
    Other,
}

/// Tells `null` from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Time>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl TryFrom<Keys> for Expected {
    type Error = &'static str;

    fn try_from(keys: Keys) -> Result<Self, Self::Error> {
        let Keys { verdict, reason, reject, problem, keys, event_time } = keys;
        if reason.is_some() && verdict != Some(Verdict::Refused) {
            return Err("a `reason` goes with the verdict \"refused\"");
        }
        let is_read = verdict.is_some() || keys.is_some() || event_time.is_some();
        let outcome = match (verdict, reject, problem) {
            (None, None, None) if !is_read => {
                return Err("`expect` is empty: give a `verdict`, a `reject`, a `problem`, `keys` or an `event_time`");
            }
            (None, None, None) => None,
            (None, Some(reason), None) if !is_read => Some(ExpectedOutcome::Rejected(reason)),
            (_, Some(_), _) => return Err("a `reject` stands alone: nothing else is said of a malformed message"),
            (None, None, Some(problem)) => Some(ExpectedOutcome::Problem(problem)),
            (Some(_), None, Some(_)) => return Err("what is wanted is either a `problem` or gets a `verdict`"),
            (Some(Verdict::Fulfilled), None, None) => Some(ExpectedOutcome::Fulfilled),
            (Some(Verdict::Refused), None, None) => Some(ExpectedOutcome::Refused(reason.unwrap_or_default())),
            (Some(Verdict::Other), None, None) => Some(ExpectedOutcome::Other),
        };
        Ok(Self { outcome, keys, event_time })
    }
}

/// An expectation that does not hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The key in `expect`, or what else went wrong: `config`, `fault`.
    pub field: String,
    pub expected: Value,
    pub actual: Value,
    /// What may explain it.
    pub note: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, actual {}", self.field, self.expected, self.actual)?;
        self.note.as_ref().map_or(Ok(()), |note| write!(f, " ({note})"))
    }
}

impl Difference {
    fn of(field: &str, expected: impl Into<Value>, actual: impl Into<Value>) -> Self {
        Self { field: field.to_owned(), expected: expected.into(), actual: actual.into(), note: None }
    }

    pub(super) fn of_config(config: &Map<String, Value>, reason: String) -> Self {
        Self { note: Some(reason), ..Self::of("config", config.clone(), Value::Null) }
    }
}

impl Expected {
    /// Whether it says something of a wanted message.
    pub(super) fn needs_wanted(&self) -> bool {
        self.outcome.is_some() && !self.is_reject()
    }

    pub(super) fn is_reject(&self) -> bool {
        matches!(self.outcome, Some(ExpectedOutcome::Rejected(_)))
    }

    /// All that differs. `zone` is that of the times without one.
    pub(super) fn differences(&self, judgement: &Judgement, zone: &TimeZone) -> Vec<Difference> {
        let outcome = match &self.outcome {
            Some(expected) => expected.difference(&judgement.outcome),
            None => unexpected(&judgement.outcome),
        };
        if matches!(judgement.outcome, Outcome::Rejected(_) | Outcome::Faulted(_)) {
            // It has neither keys nor a time, and that is no news.
            return outcome.into_iter().collect();
        }
        let keys = self.keys.as_ref().and_then(|keys| differing_keys(keys, &judgement.keys));
        let time = self.event_time.and_then(|time| differing_times(time, judgement.event_time, zone));
        [outcome, keys, time].into_iter().flatten().collect()
    }
}

impl ExpectedOutcome {
    fn difference(&self, actual: &Outcome) -> Option<Difference> {
        let (field, word, reason) = match self {
            Self::Fulfilled => ("verdict", "fulfilled", ""),
            Self::Refused(reason) => ("verdict", "refused", &**reason),
            Self::Other => ("verdict", "other", ""),
            Self::Rejected(reason) => ("reject", "reject", &**reason),
            Self::Problem(problem) => ("problem", "problem", &**problem),
        };
        let said = actual.reason();
        if actual.word() != word {
            return Some(Difference { note: said, ..Difference::of(field, word, actual.word()) });
        }
        let said = said.unwrap_or_default();
        let field = if field == "verdict" { "reason" } else { field };
        (!said.contains(reason)).then(|| Difference::of(field, reason, said))
    }
}

/// Whoever asks only for keys expects nothing to go wrong.
fn unexpected(actual: &Outcome) -> Option<Difference> {
    match actual {
        Outcome::Rejected(_) | Outcome::Problem(_) | Outcome::Faulted(_) => {
            Some(Difference::of(actual.word(), Value::Null, actual.reason()))
        }
        Outcome::Fulfilled | Outcome::Refused(_) | Outcome::Other | Outcome::NotAsked => None,
    }
}

fn differing_keys(expected: &[Value], actual: &[Vec<u8>]) -> Option<Difference> {
    let actual: Vec<Value> = actual.iter().map(|key| key::shown(key)).collect();
    let sorted = |keys: &[Value]| {
        let mut texts: Vec<_> = keys.iter().map(Value::to_string).collect();
        texts.sort();
        texts
    };
    (sorted(expected) != sorted(&actual)).then(|| Difference::of("keys", expected.to_vec(), actual))
}

fn differing_times(expected: Option<Time>, actual: Option<EventTime>, zone: &TimeZone) -> Option<Difference> {
    let actual = actual.map(Time);
    let instant = |time: Option<Time>| time.map(|time| time.instant(zone));
    let shown = |time: Option<Time>| time.map(|time| time.to_string());
    let differs = instant(expected).map(Timestamp::as_millisecond) != instant(actual).map(Timestamp::as_millisecond);
    differs.then(|| Difference::of("event_time", shown(expected), shown(actual)))
}

impl Time {
    /// A time that the clock shows twice is the first of the two.
    pub(super) fn instant(self, zone: &TimeZone) -> Timestamp {
        match self.0 {
            EventTime::Instant(instant) => instant,
            EventTime::Civil(civil) => zone.to_ambiguous_timestamp(civil).compatible().unwrap_or(Timestamp::MAX),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            EventTime::Instant(instant) => write!(f, "{instant}"),
            EventTime::Civil(civil) => write!(f, "{civil}"),
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let instant = text.parse().map(EventTime::Instant);
        instant.or_else(|_| text.parse::<DateTime>().map(EventTime::Civil)).map(Self).map_err(|_| {
            let hint = "write \"2019-07-07T08:00:00\", or RFC 3339 with an offset";
            D::Error::custom(format!("`{text}` is no time: {hint}"))
        })
    }
}
