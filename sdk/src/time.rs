//! Points in time: when something happened, and how a sensor sees it.

mod parse;
mod serde;

use jiff::civil;

pub(crate) use parse::{from_float, from_seconds, from_text};

/// When the thing happened that a message tells of.
///
/// Put it into a message type and the field accepts what eventlatch's own matchers accept: seconds since the Unix epoch
/// (whole or not), `YYYY-MM-DD HH:MM:SS` (a clock on the wall, read in the zone of the sensor) or RFC 3339. Anything
/// else, also milliseconds, makes the message a reject.
///
/// ```
/// use eventlatch_sdk::EventTime;
///
/// assert_eq!(serde_json::from_str::<EventTime>("1562486400").unwrap(), EventTime::from_millis(1_562_486_400_000));
/// assert_eq!("2019-07-07T08:00:00Z".parse(), Ok(EventTime::from_millis(1_562_486_400_000)));
/// assert!(serde_json::from_str::<EventTime>("1562486400000").unwrap_err().to_string().contains("milliseconds"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTime {
    /// Milliseconds since the Unix epoch; of a civil time as if its clock were UTC's.
    millis: i64,
    civil: bool,
}

impl EventTime {
    /// An instant, in milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self { millis, civil: false }
    }

    /// A clock on the wall, to be read in the zone of the sensor.
    pub fn from_civil(time: civil::DateTime) -> Self {
        let date = time.date();
        let days = parse::days_since_epoch(i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
        let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
        Self { millis: (days * 86_400 + seconds) * 1000 + i64::from(time.millisecond()), civil: true }
    }

    /// Milliseconds since the Unix epoch; of a civil time as if its clock were UTC's.
    pub(crate) const fn millis(self) -> i64 {
        self.millis
    }

    pub(crate) const fn is_civil(self) -> bool {
        self.civil
    }
}

impl std::str::FromStr for EventTime {
    type Err = crate::Reject;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_text(text.as_bytes()).map_err(crate::Reject::new)
    }
}

/// A point in time as the sensor sees it: resolved by the service for the sensor's zone and the matcher's shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub instant: i64,
    /// The clock on the wall in the sensor's zone.
    pub civil: civil::DateTime,
    /// The business day it belongs to. With a shift of two hours the day begins at 22:00 of the day before.
    pub business_date: civil::Date,
}
