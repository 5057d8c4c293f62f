//! Windows: the spans in which a fulfilment counts.

use std::{fmt, str::FromStr};

use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use super::calendar::{Calendar, next};

/// How often a wanted message is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Frequency {
    /// A civil hour of the zone, whatever the shift of the business day. One that the clock repeats is two windows.
    Hour,
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
    /// From its registration on, for ever.
    Once,
}

const NAMES: [(Frequency, &str); 7] = [
    (Frequency::Hour, "H"),
    (Frequency::Day, "D"),
    (Frequency::Week, "W"),
    (Frequency::Month, "M"),
    (Frequency::Quarter, "Q"),
    (Frequency::Year, "Y"),
    (Frequency::Once, "once"),
];

impl Frequency {
    /// Those whose windows are made of whole business days.
    pub const OF_DAYS: [Self; 5] = [Self::Day, Self::Week, Self::Month, Self::Quarter, Self::Year];

    /// What stands for it in a sensor file.
    pub fn letter(self) -> &'static str {
        NAMES.iter().find(|(frequency, _)| *frequency == self).map_or("D", |(_, name)| name)
    }

    /// The first business day of the window that holds `date`; of an hour, the day that it is in.
    pub fn first_day(self, date: Date) -> Date {
        match self {
            Self::Hour | Self::Day => date,
            Self::Once => BEGINNING,
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
            Self::Hour | Self::Day => return next(first),
            Self::Once => return Date::MAX,
            Self::Week => first.checked_add(1.week()),
            Self::Month => first.checked_add(1.month()),
            Self::Quarter => first.checked_add(3.months()),
            Self::Year => first.checked_add(1.year()),
        };
        after.unwrap_or(Date::MAX)
    }
}

/// Before everything; as text it sorts before all other dates.
const BEGINNING: Date = jiff::civil::date(1, 1, 1);

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
#[error(
    "`{0}` is not a frequency: write \"H\" (hour), \"D\" (business day), \"W\", \"M\" (month), \"Q\", \"Y\" or \"once\""
)]
pub struct NotAFrequency(String);

impl FromStr for Frequency {
    type Err = NotAFrequency;

    fn from_str(text: &str) -> Result<Self, NotAFrequency> {
        let known = NAMES.iter().find(|(_, name)| *name == text);
        known.map(|(frequency, _)| *frequency).ok_or_else(|| NotAFrequency(text.to_owned()))
    }
}

/// A half-open span of time, [`opens`, `closes`): whole business days, an hour, or all time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    pub frequency: Frequency,
    /// Its first business day; of an hour, the day on which it begins.
    pub first_day: Date,
    pub opens: Timestamp,
    pub closes: Timestamp,
}

impl Window {
    /// The window that holds a business date. (Of hours, which are many: the first that begins on it.)
    pub fn on(frequency: Frequency, date: Date, calendar: &Calendar) -> Self {
        match frequency {
            Frequency::Hour => Self::hour(calendar.start_of(date), calendar),
            Frequency::Once => Self::ever(),
            _ => Self::of_days(frequency, date, calendar),
        }
    }

    fn of_days(frequency: Frequency, date: Date, calendar: &Calendar) -> Self {
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
        match frequency {
            Frequency::Hour => Self::hour(instant, calendar),
            _ => Self::on(frequency, calendar.business_date(instant), calendar),
        }
    }

    fn hour(instant: Timestamp, calendar: &Calendar) -> Self {
        let (opens, closes) = calendar.hour_of(instant);
        Self { frequency: Frequency::Hour, first_day: calendar.business_date(opens), opens, closes }
    }

    fn ever() -> Self {
        let opens = BEGINNING.to_zoned(TimeZone::UTC).map_or(Timestamp::MIN, |it| it.timestamp());
        Self { frequency: Frequency::Once, first_day: BEGINNING, opens, closes: Timestamp::MAX }
    }

    /// The window after this one.
    pub fn following(&self, calendar: &Calendar) -> Self {
        match self.frequency {
            Frequency::Hour => Self::hour(self.closes, calendar),
            frequency => Self::on(frequency, frequency.next_first_day(self.first_day), calendar),
        }
    }

    pub fn contains(&self, instant: Timestamp) -> bool {
        self.opens <= instant && instant < self.closes
    }

    /// When it closes, if it ever does.
    pub fn end(&self) -> Option<Timestamp> {
        Some(self.closes).filter(|_| self.frequency != Frequency::Once)
    }

    /// What people are shown as the end: the last whole second, on the clock of the zone.
    pub fn last_second(&self, calendar: &Calendar) -> Option<DateTime> {
        let end = self.end()?;
        let last = end.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(end);
        let civil = calendar.civil_of(last);
        Some(civil.with().subsec_nanosecond(0).build().unwrap_or(civil))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(frequency: Frequency, shift: i32, instant: &str, last_second: &str) {
        let calendar = Calendar::new(TimeZone::UTC, shift);
        let window = Window::at(frequency, instant.parse().unwrap(), &calendar);
        assert_eq!(window.last_second(&calendar).unwrap().to_string(), last_second);
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

    fn check_hours(zone: &str, from: &str, ends: &[&str]) {
        let calendar = Calendar::new(TimeZone::get(zone).unwrap(), 7200);
        let mut window = Window::at(Frequency::Hour, from.parse().unwrap(), &calendar);
        for end in ends {
            assert_eq!(window.closes, end.parse::<Timestamp>().unwrap(), "{zone} from {from}: {window:?}");
            window = window.following(&calendar);
        }
    }

    #[test]
    fn a_repeated_hour_is_two_windows_and_a_skipped_one_is_none() {
        let ends = ["2024-10-27T00:00:00Z", "2024-10-27T01:00:00Z", "2024-10-27T02:00:00Z"];
        check_hours("Europe/Berlin", "2024-10-26T23:59:59Z", &ends);
        check_hours("Europe/Berlin", "2024-03-31T00:30:00Z", &["2024-03-31T01:00:00Z", "2024-03-31T02:00:00Z"]);
        // Half an hour is repeated, or skipped: 02:00 is 01:30 again, and 02:30 follows on 02:00.
        let ends = ["2024-04-06T14:00:00Z", "2024-04-06T15:00:00Z", "2024-04-06T15:30:00Z", "2024-04-06T16:30:00Z"];
        check_hours("Australia/Lord_Howe", "2024-04-06T13:30:00Z", &ends);
        let ends = ["2024-10-05T15:30:00Z", "2024-10-05T16:00:00Z", "2024-10-05T17:00:00Z"];
        check_hours("Australia/Lord_Howe", "2024-10-05T15:00:00Z", &ends);
        check_hours("Asia/Kathmandu", "2024-10-05T15:00:00Z", &["2024-10-05T15:15:00Z", "2024-10-05T16:15:00Z"]);
    }

    #[test]
    fn once_never_ends() {
        let calendar = Calendar::new(TimeZone::UTC, 7200);
        let window = Window::at(Frequency::Once, Timestamp::UNIX_EPOCH, &calendar);
        assert!(window.contains(Timestamp::UNIX_EPOCH) && window.contains("9999-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!((window.end(), window.last_second(&calendar)), (None, None));
    }

    /// Walks from an instant over the next windows: each begins where the one before ended, and holds what it should.
    fn walk(frequency: Frequency, calendar: &Calendar, from: Timestamp) {
        let mut window = Window::at(frequency, from, calendar);
        assert!(window.contains(from), "{from} is not in {window:?} of {calendar:?}");
        for _ in 0..4 {
            let following = window.following(calendar);
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
                for frequency in Frequency::OF_DAYS {
                    walk(frequency, &calendar, at - SignedDuration::from_hours(30));
                }
                walk(Frequency::Hour, &calendar, at - SignedDuration::from_mins(100));
            }
        }
    }

    proptest! {
        #[test]
        fn an_instant_is_in_exactly_one_window(
            zone in prop::sample::select(jiff::tz::db().available().map(|name| name.to_string()).collect::<Vec<_>>()),
            shift in -86_399i32..86_399,
            second in -2_208_988_800i64..4_102_444_800,
            frequency in prop::sample::select([Frequency::OF_DAYS.as_slice(), &[Frequency::Hour]].concat()),
        ) {
            let calendar = Calendar::new(TimeZone::get(&zone).unwrap(), shift);
            walk(frequency, &calendar, Timestamp::from_second(second).unwrap());
        }
    }
}
