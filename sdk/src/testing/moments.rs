//! Moments in a zone of fixed offset: what the service resolves with a real one.

use jiff::civil::{Date, DateTime, date as civil_date};
use jiff::{SignedDuration, Unit};

use crate::bindings::exports::eventlatch::matcher::guest;

/// A zone and a business day.
pub(super) struct Zone {
    offset_millis: i64,
    shift_millis: i64,
}

impl Zone {
    pub(super) fn new(offset_seconds: i64, shift_seconds: i32) -> Self {
        Self { offset_millis: offset_seconds * 1000, shift_millis: i64::from(shift_seconds) * 1000 }
    }

    pub(super) fn at_instant(&self, instant: i64) -> guest::Moment {
        self.at_civil(instant + self.offset_millis)
    }

    /// The moment of a civil time, given as if its clock were UTC's.
    pub(super) fn at_civil(&self, millis: i64) -> guest::Moment {
        let clock = clock(millis);
        guest::Moment {
            instant: millis - self.offset_millis,
            civil: guest::Civil {
                date: date(clock.date()),
                hour: clock.hour().cast_unsigned(),
                minute: clock.minute().cast_unsigned(),
                second: clock.second().cast_unsigned(),
                millisecond: clock.millisecond().cast_unsigned(),
            },
            business_date: date(self::clock(millis + self.shift_millis).date()),
        }
    }
}

const EPOCH: DateTime = civil_date(1970, 1, 1).at(0, 0, 0, 0);

fn clock(millis: i64) -> DateTime {
    EPOCH.saturating_add(SignedDuration::from_millis(millis))
}

pub(super) fn millis(time: DateTime) -> i64 {
    // Without days and months a span of civil times is exact, and far from its limits.
    let since = time.since((Unit::Millisecond, EPOCH));
    since.map(|span| span.get_milliseconds()).unwrap_or_default()
}

pub(super) fn date(date: Date) -> guest::Date {
    guest::Date { year: date.year(), month: date.month().cast_unsigned(), day: date.day().cast_unsigned() }
}

pub(super) fn date_from(date: guest::Date) -> Date {
    crate::adapter::date_from(date)
}
