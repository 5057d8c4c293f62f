//! Waits: runs that wait on a sensor, and what their facts come to.
//!
//! A wait has a deadline, fixed or moving. What a wanted message received before it counts, what comes at it or later is
//! late. So where a wait stands follows from the arrivals alone, in whatever order they are read. Start at [`Standing`].

mod detail;

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
};

use super::{
    sensor::{Late, Timeout},
    target::{Target, WrongTarget},
};

pub use detail::{TaskDetail, WaitDetail, WaitFilter};

/// The store's number of a wait.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
pub struct WaitId(pub i64);

/// Where a wait stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WaitState {
    Waiting,
    Complete,
    Failed,
    Skipped,
    /// Nobody waits any more.
    Cancelled,
}

impl WaitState {
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Complete, Self::Failed, Self::Skipped, Self::Cancelled];

    /// The word for it in the database and on the terminal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Complete => "complete",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What becomes of pending tasks when a deadline passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnTimeout {
    Fail,
    Skip,
}

/// A wait that somebody wants to be opened. What is not said is as the sensor says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WaitRequest {
    pub sensor: String,
    /// One of its own among the waits of the sensor.
    pub name: String,
    /// Which windows count. None: those of now.
    pub business_date: Option<BusinessTime>,
    pub timeout: Option<Timeout>,
    pub on_timeout: Option<OnTimeout>,
    pub late: Option<Late>,
    /// Laid over the sensor's.
    pub target: Target,
}

/// Why a wait was not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("there is no sensor `{0}` (hint: `eventlatch status`)")]
    NoSuchSensor(String),
    #[error("the sensor `{sensor}` has a wait `{wait}` already (hint: take another name)")]
    Taken { sensor: String, wait: String },
    #[error(
        "the sensor `{0}` wants messages hourly, and a date does not say which hour \
         (hint: write \"2019-07-07T05:00\")"
    )]
    HourNeeded(String),
    #[error("the sensor `{0}` is paused (hint: resume it first)")]
    Paused(String),
    #[error("the cron expression `{0}` does not come any more")]
    NeverEnds(String),
    #[error(transparent)]
    Target(#[from] WrongTarget),
}

/// Says which windows count for a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BusinessTime {
    Date(Date),
    /// An hour too, where messages are wanted hourly: a time on the sensor's clock.
    Civil(DateTime),
    Instant(Timestamp),
}

/// A text that names no date and no time.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no date: write \"2019-07-07\", or with an hour \"2019-07-07T05:00\"")]
pub struct NotABusinessTime(String);

impl FromStr for BusinessTime {
    type Err = NotABusinessTime;

    fn from_str(text: &str) -> Result<Self, NotABusinessTime> {
        if text.len() <= 10 {
            return text.parse().map(Self::Date).map_err(|_| NotABusinessTime(text.to_owned()));
        }
        let instant = text.parse().map(Self::Instant);
        instant.or_else(|_| text.parse().map(Self::Civil)).map_err(|_| NotABusinessTime(text.to_owned()))
    }
}

impl fmt::Display for BusinessTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(f, "{date}"),
            Self::Civil(time) => write!(f, "{time}"),
            Self::Instant(instant) => write!(f, "{instant}"),
        }
    }
}

/// One wanted message of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Awaited {
    /// When the last message that it needs arrived. None: not all are here.
    pub received: Option<Timestamp>,
    /// The end of its window. None: it never ends.
    pub closes: Option<Timestamp>,
    /// Whether the wait needs it at all.
    pub required: bool,
}

/// When a wait gives up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    At(Timestamp),
    /// At the earliest end of a window with something pending.
    Moving,
    /// Never: nobody asks.
    Never,
}

/// Where a wait stands by its facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Of each wanted message, whether it was received in time.
    pub received: Vec<bool>,
    /// Of the required ones that were not, the one whose window ends first.
    pub lacks: Option<usize>,
    pub deadline: Option<Timestamp>,
    pub complete: bool,
}

impl Standing {
    /// `may_lack`: so many of the required ones need not be there.
    pub fn of(awaited: &[Awaited], may_lack: usize, deadline: Deadline) -> Self {
        let missing = |one: &&Awaited| one.required && one.received.is_none();
        let earliest_end = || awaited.iter().filter(missing).filter_map(|one| one.closes).min();
        let deadline = match deadline {
            Deadline::At(instant) => Some(instant),
            Deadline::Moving => earliest_end(),
            Deadline::Never => None,
        };
        let in_time =
            |one: &Awaited| one.received.is_some_and(|received| deadline.is_none_or(|deadline| received < deadline));
        let received: Vec<_> = awaited.iter().map(in_time).collect();
        let lacking = || (0..awaited.len()).filter(|place| awaited[*place].required && !received[*place]);
        let ends = |place: &usize| awaited[*place].closes.unwrap_or(Timestamp::MAX);
        let (lacks, complete) = (lacking().min_by_key(ends), lacking().count() <= may_lack);
        Self { received, lacks: lacks.filter(|_| !complete), deadline: deadline.filter(|_| !complete), complete }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn awaited(received: Option<i64>, closes: i64) -> Awaited {
        Awaited { received: received.map(at), closes: Some(at(closes)), required: true }
    }

    #[test]
    fn what_comes_at_the_deadline_is_late() {
        let facts = [awaited(Some(9), 20), awaited(Some(10), 20)];
        let standing = Standing::of(&facts, 0, Deadline::At(at(10)));
        assert_eq!(
            (standing.received.as_slice(), standing.complete, standing.lacks),
            ([true, false].as_slice(), false, Some(1))
        );
        assert!(Standing::of(&facts, 0, Deadline::At(at(11))).complete);
        assert!(Standing::of(&facts, 0, Deadline::Never).complete);
        assert!(Standing::of(&facts, 1, Deadline::At(at(10))).complete);
    }

    #[test]
    fn a_moving_deadline_is_the_first_end_of_a_window_with_something_pending() {
        let (day, month) = (20, 100);
        let standing = Standing::of(&[awaited(None, day), awaited(None, month)], 0, Deadline::Moving);
        assert_eq!((standing.deadline, standing.lacks), (Some(at(day)), Some(0)));
        let standing = Standing::of(&[awaited(Some(5), day), awaited(None, month)], 0, Deadline::Moving);
        assert_eq!((standing.deadline, standing.lacks), (Some(at(month)), Some(1)));
        // What was received in time stays, though its window has ended; what came after the first end waits for it.
        let standing = Standing::of(&[awaited(Some(5), day), awaited(Some(50), month)], 0, Deadline::Moving);
        assert!(standing.complete);
        let standing = Standing::of(&[awaited(None, day), awaited(Some(50), month)], 0, Deadline::Moving);
        assert_eq!((standing.received.as_slice(), standing.deadline), ([false, false].as_slice(), Some(at(day))));
    }

    #[test]
    fn what_is_not_required_delays_nothing() {
        let optional = Awaited { required: false, ..awaited(None, 10) };
        let standing = Standing::of(&[optional, awaited(None, 20)], 0, Deadline::Moving);
        assert_eq!((standing.deadline, standing.lacks), (Some(at(20)), Some(1)));
        assert!(Standing::of(&[optional, awaited(Some(1), 20)], 0, Deadline::Moving).complete);
        let once = Awaited { closes: None, ..awaited(None, 0) };
        assert_eq!(Standing::of(&[once], 0, Deadline::Moving).deadline, None);
    }

    #[test]
    fn a_business_time_is_a_date_or_a_time() {
        assert_eq!("2019-07-07".parse::<BusinessTime>().unwrap(), BusinessTime::Date(jiff::civil::date(2019, 7, 7)));
        assert!(matches!("2019-07-07T05:00".parse::<BusinessTime>().unwrap(), BusinessTime::Civil(_)));
        assert!(matches!("2019-07-07T05:00Z".parse::<BusinessTime>().unwrap(), BusinessTime::Instant(_)));
        assert!("yesterday".parse::<BusinessTime>().is_err() && "2019-02-30".parse::<BusinessTime>().is_err());
    }
}
