//! Cron expressions: the instants that a wait may give up at.
//!
//! Five fields, or six with seconds first, read in the zone of a sensor. A time that a clock change skips is the moment of
//! the change; one that it repeats is the first of the two.

use std::{fmt, str::FromStr};

use jiff::{Timestamp, tz::TimeZone};

/// A cron expression that comes some time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cron(String);

/// A text that is no cron expression.
#[derive(Debug, thiserror::Error)]
pub enum NotACron {
    #[error("`{0}` is not a cron expression: write minute, hour, day, month and weekday, such as \"0 22 * * *\"")]
    Pattern(String, #[source] croner::errors::CronError),
    #[error("the cron expression `{0}` never comes")]
    Never(String),
}

impl Cron {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The next instant strictly after another one. None: there is none in the calendar.
    pub fn next_after(&self, instant: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let pattern = croner::Cron::from_str(&self.0).ok()?;
        let next = pattern.find_next_occurrence(&instant.to_zoned(zone.clone()), false).ok()?;
        Some(next.timestamp())
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Cron {
    type Err = NotACron;

    fn from_str(text: &str) -> Result<Self, NotACron> {
        croner::Cron::from_str(text).map_err(|error| NotACron::Pattern(text.to_owned(), error))?;
        let cron = Self(text.to_owned());
        match cron.next_after(Timestamp::UNIX_EPOCH, &TimeZone::UTC) {
            Some(_) => Ok(cron),
            None => Err(NotACron::Never(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cron: &str, zone: &str, after: &str, next: &str) {
        let zone = TimeZone::get(zone).unwrap();
        let found = cron.parse::<Cron>().unwrap().next_after(after.parse().unwrap(), &zone).unwrap();
        assert_eq!(found, next.parse::<Timestamp>().unwrap(), "{cron} after {after}: {found}");
    }

    #[test]
    fn the_next_instant_is_strictly_after_and_on_the_clock_of_the_zone() {
        check("0 22 * * *", "UTC", "2019-07-07T21:59:59Z", "2019-07-07T22:00:00Z");
        check("0 22 * * *", "UTC", "2019-07-07T22:00:00Z", "2019-07-08T22:00:00Z");
        check("0 22 * * *", "Asia/Taipei", "2019-07-07T13:00:00Z", "2019-07-07T14:00:00Z");
        check("*/15 * * * * *", "UTC", "2019-07-07T21:59:59.5Z", "2019-07-07T22:00:00Z");
        check("0 8 * * MON-FRI", "Europe/Berlin", "2019-07-05T06:00:00Z", "2019-07-08T06:00:00Z");
        check("0 12 29 2 *", "UTC", "2021-01-01T00:00:00Z", "2024-02-29T12:00:00Z");
    }

    #[test]
    fn a_skipped_time_is_the_change_itself_and_a_repeated_one_the_first() {
        check("30 2 * * *", "Europe/Berlin", "2024-03-30T12:00:00Z", "2024-03-31T01:00:00Z");
        check("30 2 * * *", "Europe/Berlin", "2024-10-26T12:00:00Z", "2024-10-27T00:30:00Z");
        check("30 2 * * *", "Europe/Berlin", "2024-10-27T00:30:00Z", "2024-10-28T01:30:00Z");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in ["", "every day", "61 * * * *", "* * * *"] {
            assert!(matches!(text.parse::<Cron>(), Err(NotACron::Pattern(..))), "{text}");
        }
        assert!(matches!("0 0 30 2 *".parse::<Cron>(), Err(NotACron::Never(_))));
    }
}
