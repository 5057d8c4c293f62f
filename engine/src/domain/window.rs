//! Windows: the spans in which a fulfilment counts.

use std::{fmt, str::FromStr};

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime},
};

use super::calendar::{Calendar, next};

/// How often a wanted message is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Frequency {
    /// A business day.
    Day,
    /// An ISO week of business days, Monday to Sunday.
    Week,
    /// A calendar month of business days.
    Month,
    /// Three calendar months.
    Quarter,
    /// A calendar year.
    Year,
}

const LETTERS: [(Frequency, &str); 5] = [
    (Frequency::Day, "D"),
    (Frequency::Week, "W"),
    (Frequency::Month, "M"),
    (Frequency::Quarter, "Q"),
    (Frequency::Year, "Y"),
];

impl Frequency {
    pub const ALL: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// The letter that stands for it in a sensor file.
    pub fn letter(self) -> &'static str {
        LETTERS.iter().find(|(frequency, _)| *frequency == self).map_or("D", |(_, letter)| letter)
    }

    /// The first business day of the window that holds `date`.
    pub fn first_day(self, date: Date) -> Date {
        match self {
            Self::Day => date,
            Self::Week => {
                let since_monday = i64::from(date.weekday().to_monday_zero_offset());
                date.checked_sub(since_monday.days()).unwrap_or(Date::MIN)
            }
            Self::Month => date.first_of_month(),
            Self::Quarter => first_of(date.year(), (date.month() - 1) / 3 * 3 + 1),
            Self::Year => first_of(date.year(), 1),
        }
    }

    /// The first business day after the window that holds `date`.
    pub fn next_first_day(self, date: Date) -> Date {
        let first = self.first_day(date);
        let after = match self {
            Self::Day => return next(first),
            Self::Week => first.checked_add(1.week()),
            Self::Month => first.checked_add(1.month()),
            Self::Quarter => first.checked_add(3.months()),
            Self::Year => first.checked_add(1.year()),
        };
        after.unwrap_or(Date::MAX)
    }
}

fn first_of(year: i16, month: i8) -> Date {
    Date::new(year, month, 1).unwrap_or(Date::MIN)
}

impl fmt::Display for Frequency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.letter())
    }
}

/// A letter that is no frequency.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a frequency: write \"D\" (business day), \"W\", \"M\" (month), \"Q\" or \"Y\"")]
pub struct NotAFrequency(String);

impl FromStr for Frequency {
    type Err = NotAFrequency;

    fn from_str(text: &str) -> Result<Self, NotAFrequency> {
        let known = LETTERS.iter().find(|(_, letter)| *letter == text);
        known.map(|(frequency, _)| *frequency).ok_or_else(|| NotAFrequency(text.to_owned()))
    }
}

/// A half-open span of time, [`opens`, `closes`), made of whole business days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    pub frequency: Frequency,
    /// Its first business day.
    pub first_day: Date,
    pub opens: Timestamp,
    pub closes: Timestamp,
}

impl Window {
    /// The window that holds a business date.
    pub fn on(frequency: Frequency, date: Date, calendar: &Calendar) -> Self {
        let first_day = frequency.first_day(date);
        Self {
            frequency,
            first_day,
            opens: calendar.start_of(first_day),
            closes: calendar.start_of(frequency.next_first_day(date)),
        }
    }

    /// The window that holds an instant.
    pub fn at(frequency: Frequency, instant: Timestamp, calendar: &Calendar) -> Self {
        Self::on(frequency, calendar.business_date(instant), calendar)
    }

    pub fn contains(&self, instant: Timestamp) -> bool {
        self.opens <= instant && instant < self.closes
    }

    /// What people are shown as the end: the last whole second, on the clock of the zone.
    pub fn last_second(&self, calendar: &Calendar) -> DateTime {
        let last = self.closes.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(self.closes);
        let civil = calendar.civil_of(last);
        civil.with().subsec_nanosecond(0).build().unwrap_or(civil)
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn check(frequency: Frequency, shift: i32, instant: &str, last_second: &str) {
        let calendar = Calendar::new(TimeZone::UTC, shift);
        let window = Window::at(frequency, instant.parse().unwrap(), &calendar);
        assert_eq!(window.last_second(&calendar).to_string(), last_second);
    }

    #[test]
    fn ends_are_shown_as_their_last_whole_second() {
        check(Frequency::Day, 0, "2019-07-08T00:15:00Z", "2019-07-08T23:59:59");
        check(Frequency::Month, 0, "2019-07-08T00:15:00Z", "2019-07-31T23:59:59");
        check(Frequency::Day, 7200, "2019-07-07T21:00:00Z", "2019-07-07T21:59:59");
        check(Frequency::Day, 7200, "2019-07-07T22:00:01Z", "2019-07-08T21:59:59");
        check(Frequency::Month, 7200, "2019-07-31T22:00:00Z", "2019-08-31T21:59:59");
        check(Frequency::Week, 0, "2019-07-07T12:00:00Z", "2019-07-07T23:59:59");
        check(Frequency::Quarter, 0, "2020-02-29T12:00:00Z", "2020-03-31T23:59:59");
        check(Frequency::Year, 0, "2020-02-29T12:00:00Z", "2020-12-31T23:59:59");
    }

    /// Walks from an instant over the next windows: each begins where the one before ended, and holds what it should.
    fn walk(frequency: Frequency, calendar: &Calendar, from: Timestamp) {
        let mut window = Window::at(frequency, from, calendar);
        assert!(window.contains(from), "{from} is not in {window:?} of {calendar:?}");
        for _ in 0..4 {
            let following = Window::on(frequency, frequency.next_first_day(window.first_day), calendar);
            assert_eq!(window.closes, following.opens, "gap or overlap after {window:?} of {calendar:?}");
            assert!(following.opens <= following.closes);
            for inside in [following.opens, following.closes - SignedDuration::from_millis(1)] {
                if following.contains(inside) {
                    assert_eq!(Window::at(frequency, inside, calendar), following, "{inside} of {calendar:?}");
                }
            }
            window = following;
        }
    }

    #[test]
    fn windows_leave_no_gap_and_never_overlap_in_any_zone() {
        let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        assert!(names.len() > 400, "the tz database has only {} zones", names.len());
        let years = 1_900_i64..2_040;
        for (i, name) in names.iter().enumerate() {
            let zone = TimeZone::get(name).unwrap();
            let calendar = Calendar::new(zone.clone(), [0, 7200, -3600, 86_399][i % 4]);
            // Around every clock change of the zone since 1900, and at some plain instants.
            let start: Timestamp = "1900-01-01T00:00:00Z".parse().unwrap();
            let end: Timestamp = "2040-01-01T00:00:00Z".parse().unwrap();
            let changes = zone.following(start).map(|change| change.timestamp()).take_while(|at| *at < end);
            let plain = years.clone().step_by(20).map(|year| start + SignedDuration::from_hours((year - 1900) * 8766));
            for at in changes.chain(plain) {
                for frequency in Frequency::ALL {
                    walk(frequency, &calendar, at - SignedDuration::from_hours(30));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn an_instant_is_in_exactly_one_window(
            zone in prop::sample::select(jiff::tz::db().available().map(|name| name.to_string()).collect::<Vec<_>>()),
            shift in -86_399i32..86_399,
            second in -2_208_988_800i64..4_102_444_800,
            frequency in prop::sample::select(Frequency::ALL.to_vec()),
        ) {
            let calendar = Calendar::new(TimeZone::get(&zone).unwrap(), shift);
            walk(frequency, &calendar, Timestamp::from_second(second).unwrap());
        }
    }
}
