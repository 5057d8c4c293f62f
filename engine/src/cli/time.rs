//! Instants as people write them on a command line.

use std::str::FromStr;

use jiff::{Span, Timestamp, Zoned, civil::DateTime, tz::TimeZone};

/// An instant, some of whose spellings depend on where and when one asks.
#[derive(Debug, Clone)]
pub(super) enum Time {
    At(Timestamp),
    /// On the clock on the wall.
    Civil(DateTime),
    /// From now.
    FromNow(Span),
}

/// What no time is.
#[derive(Debug, thiserror::Error)]
#[error("write a time as 2026-01-31T08:00:00Z, 2026-01-31, 2026-01-31T08:00, `now`, or -2h for two hours ago")]
pub(super) struct NoTime;

impl FromStr for Time {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        if text == "now" {
            return Ok(Self::FromNow(Span::new()));
        }
        let at = text.parse().map(Self::At);
        let civil = || text.parse().map(Self::Civil);
        // Without its sign nobody can tell whether it is meant to be ago.
        let from_now = || text.parse().map(Self::FromNow).map_err(|_| NoTime);
        at.or_else(|_| civil()).or_else(|_| if text.starts_with(['-', '+']) { from_now() } else { Err(NoTime) })
    }
}

impl Time {
    /// Which instant it is, by the clocks of a zone. One beyond the calendar is its edge.
    pub(super) fn resolve(&self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        match self {
            Self::At(at) => *at,
            Self::Civil(civil) => zone.to_ambiguous_timestamp(*civil).compatible().unwrap_or(Timestamp::MAX),
            Self::FromNow(span) => Zoned::new(now, zone.clone()).saturating_add(*span).timestamp(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let now = "2026-03-29T12:00:00Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(text.parse::<Time>().unwrap().resolve(now, &zone).to_string(), expected, "{text}");
    }

    #[test]
    fn times_in_all_spellings() {
        check("2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z");
        check("2026-01-31T08:00:00+02:00", "2026-01-31T06:00:00Z");
        check("2026-01-31", "2026-01-30T23:00:00Z");
        check("2026-01-31T08:00", "2026-01-31T07:00:00Z");
        check("now", "2026-03-29T12:00:00Z");
        check("-90m", "2026-03-29T10:30:00Z");
        // The day in which the clocks go forward has 23 hours.
        check("-1d", "2026-03-28T13:00:00Z");
        for text in ["", "yesterday", "2h", "2026-13-01", "12:00"] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }
}
