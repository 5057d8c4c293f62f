//! Business days: which one an instant belongs to, and where one begins.
//!
//! Business day d is the half-open span [civil d 00:00 − shift, civil d+1 00:00 − shift), each end resolved in the
//! zone with the `Compatible` rule (a time that does not exist moves forward, one that exists twice is the first).

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

/// A zone and the shift of its business day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    pub zone: TimeZone,
    /// Seconds by which the business day begins before midnight.
    pub day_shift: SignedDuration,
}

impl Calendar {
    pub fn new(zone: TimeZone, day_shift_seconds: i32) -> Self {
        Self { zone, day_shift: SignedDuration::from_secs(day_shift_seconds.into()) }
    }

    pub fn day_shift_seconds(&self) -> i64 {
        self.day_shift.as_secs()
    }

    /// The instant at which a business day begins. Dates at the very edge of the calendar are clamped to it.
    pub fn start_of(&self, date: Date) -> Timestamp {
        let civil = date.at(0, 0, 0, 0).saturating_sub(self.day_shift);
        self.instant_of(civil)
    }

    /// The instant of a civil time in the zone.
    pub fn instant_of(&self, civil: DateTime) -> Timestamp {
        let edge = if civil.year() < 0 { Timestamp::MIN } else { Timestamp::MAX };
        self.zone.to_ambiguous_timestamp(civil).compatible().unwrap_or(edge)
    }

    /// The clock on the wall in the zone.
    pub fn civil_of(&self, instant: Timestamp) -> DateTime {
        self.zone.to_datetime(instant)
    }

    /// The civil hour that holds an instant: where the clock is changed, one hour ends and another begins.
    pub(crate) fn hour_of(&self, instant: Timestamp) -> (Timestamp, Timestamp) {
        let offset = i64::from(self.zone.to_offset(instant).seconds());
        let second = instant.as_millisecond().div_euclid(1000);
        let begins = (second + offset).div_euclid(3600) * 3600 - offset;
        let at = |second: i64| Timestamp::from_second(second).unwrap_or(instant);
        let changes =
            |at: Timestamp| self.zone.to_offset(at - SignedDuration::from_nanos(1)) != self.zone.to_offset(at);
        let (mut opens, mut closes) = (at(begins), at(begins + 3600));
        let before = self.zone.preceding(instant + SignedDuration::from_nanos(1)).map(|change| change.timestamp());
        if let Some(change) = before.take_while(|change| *change > opens).find(|change| changes(*change)) {
            opens = change;
        }
        let after = self.zone.following(instant).map(|change| change.timestamp());
        if let Some(change) = after.take_while(|change| *change < closes).find(|change| changes(*change)) {
            closes = change;
        }
        (opens, closes)
    }

    /// The business day that holds an instant.
    pub fn business_date(&self, instant: Timestamp) -> Date {
        let mut date = self.civil_of(instant).saturating_add(self.day_shift).date();
        // A clock change near the day's edge can put the guess a day off; a skipped day is an empty span.
        while self.start_of(date) > instant && date > Date::MIN {
            date = date.yesterday().unwrap_or(Date::MIN);
        }
        while self.start_of(next(date)) <= instant && date < Date::MAX {
            date = next(date);
        }
        date
    }
}

/// The day after, or the last day of the calendar.
pub(crate) fn next(date: Date) -> Date {
    date.tomorrow().unwrap_or(Date::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, shift: i32, instant: &str, date: &str) {
        let calendar = Calendar::new(TimeZone::get(zone).unwrap(), shift);
        assert_eq!(calendar.business_date(instant.parse().unwrap()).to_string(), date, "{instant} in {zone}");
    }

    #[test]
    fn a_shift_moves_the_evening_into_the_next_day() {
        check("UTC", 7200, "2019-07-07T21:59:59Z", "2019-07-07");
        check("UTC", 7200, "2019-07-07T22:00:00Z", "2019-07-08");
        check("UTC", -3600, "2019-07-08T00:59:59Z", "2019-07-07");
    }

    #[test]
    fn a_day_that_begins_at_one_o_clock_begins_there() {
        // In Cairo 2024-04-26 has no midnight.
        check("Africa/Cairo", 0, "2024-04-25T21:59:59Z", "2024-04-25");
        check("Africa/Cairo", 0, "2024-04-25T22:00:00Z", "2024-04-26");
    }

    #[test]
    fn a_skipped_day_holds_nothing() {
        check("Pacific/Apia", 0, "2011-12-30T09:59:59Z", "2011-12-29");
        check("Pacific/Apia", 0, "2011-12-30T10:00:00Z", "2011-12-31");
    }
}
