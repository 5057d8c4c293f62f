//! Reads event times. By hand, because every message has one and a general parser costs more than all the rest.

use super::EventTime;

/// From here on a number of seconds is taken for milliseconds: as seconds it would lie after the year 5138.
const MILLISECONDS_FROM: i64 = 100_000_000_000;

const EXPECTED: &str = "expected epoch seconds, `YYYY-MM-DD HH:MM:SS` or RFC 3339";

/// Seconds since the Unix epoch.
#[inline]
pub(crate) fn from_seconds(seconds: i64) -> Result<EventTime, String> {
    if seconds > -MILLISECONDS_FROM && seconds < MILLISECONDS_FROM {
        Ok(EventTime::from_millis(seconds * 1000))
    } else {
        Err(too_large(&seconds.to_string()))
    }
}

/// Seconds with a fraction; the result is exact to the millisecond.
pub(crate) fn from_float(seconds: f64) -> Result<EventTime, String> {
    if seconds.abs() < MILLISECONDS_FROM as f64 {
        // Floor, so that the last instant of a day stays in it; the addend is more than what a double cannot hold.
        Ok(EventTime::from_millis((seconds * 1000.0 + 5e-4).floor() as i64))
    } else {
        Err(too_large(&seconds.to_string()))
    }
}

#[cold]
fn too_large(number: &str) -> String {
    format!("{number} looks like milliseconds (or smaller units); expected seconds since the Unix epoch")
}

/// `YYYY-MM-DD HH:MM:SS` or RFC 3339.
pub(crate) fn from_text(text: &[u8]) -> Result<EventTime, String> {
    parse(text).ok_or_else(|| {
        let shown: String = String::from_utf8_lossy(text).chars().take(40).collect();
        format!("`{shown}` is not a time; {EXPECTED}")
    })
}

fn parse(text: &[u8]) -> Option<EventTime> {
    let (head, rest) = text.split_at_checked(19)?;
    let seconds = clock(head, rest.is_empty())?;
    if rest.is_empty() {
        return (head[10] == b' ').then_some(EventTime { millis: seconds * 1000, civil: true });
    }
    let (millis, rest) = fraction(rest)?;
    Some(EventTime::from_millis((seconds - offset(rest)?) * 1000 + millis))
}

/// Seconds since the epoch of `YYYY-MM-DD?HH:MM:SS`, as if in UTC.
fn clock(text: &[u8], civil: bool) -> Option<i64> {
    let separators = [text[4], text[7], text[13], text[16]] == *b"--::" && matches!(text[10], b' ' | b'T' | b't');
    if !separators {
        return None;
    }
    let year = number(&text[0..2])? * 100 + number(&text[2..4])?;
    let (month, day) = (number(&text[5..7])?, number(&text[8..10])?);
    let (hour, minute, second) = (number(&text[11..13])?, number(&text[14..16])?, number(&text[17..19])?);
    // RFC 3339 knows leap seconds; the second before stands for one.
    let second = if second == 60 && !civil { 59 } else { second };
    let valid = (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
    if !valid || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(days_since_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Two digits.
fn number(digits: &[u8]) -> Option<i64> {
    match digits {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(i64::from(a - b'0') * 10 + i64::from(b - b'0')),
        _ => None,
    }
}

/// An optional `.123…` in whole milliseconds, and what follows it.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let [b'.', digits @ ..] = text else {
        return Some((0, text));
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    let digit = |index: usize| {
        if index < count { i64::from(digits[index] - b'0') } else { 0 }
    };
    Some((digit(0) * 100 + digit(1) * 10 + digit(2), &digits[count..]))
}

/// `Z` or `+HH:MM`, in seconds.
fn offset(text: &[u8]) -> Option<i64> {
    match text {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            let seconds = hours * 3600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn days_of(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar.
pub(super) fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March: the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil;
    use proptest::prelude::*;

    fn check(text: &str, expect: Option<(i64, bool)>) {
        let found = from_text(text.as_bytes()).ok().map(|time| (time.millis(), time.is_civil()));
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn reads_civil_times() {
        check("2019-07-07 08:00:00", Some((1_562_486_400_000, true)));
        check("2020-02-29 23:59:59", Some((1_583_020_799_000, true)));
        for wrong in
            ["2019-07-07", "2019-07-07T08:00:00", "2019-07-07 08:00", "2019-02-29 00:00:00", "2019-07-07 24:00:00"]
        {
            check(wrong, None);
        }
        check("2019-07-07 08:00:60", None);
        check(" 2019-07-07 08:00:00", None);
    }

    #[test]
    fn reads_rfc_3339() {
        check("2019-07-07T08:00:00Z", Some((1_562_486_400_000, false)));
        check("2019-07-07t08:00:00.1239z", Some((1_562_486_400_123, false)));
        check("2019-07-07 16:00:00+08:00", Some((1_562_486_400_000, false)));
        check("2016-12-31T23:59:60Z", Some((1_483_228_799_000, false)));
        for wrong in
            ["2019-07-07T08:00:00+0800", "2019-07-07T08:00:00.Z", "2019-07-07T08:00:00ZZ", "2019-07-07T08:00:00+24:00"]
        {
            check(wrong, None);
        }
    }

    #[test]
    fn says_milliseconds_by_name() {
        let reason = from_seconds(1_562_486_400_000).unwrap_err();
        assert!(reason.contains("milliseconds") && reason.contains("seconds since the Unix epoch"), "{reason}");
        assert!(from_float(1e11).unwrap_err().contains("milliseconds"));
        assert!(from_seconds(i64::MIN).is_err());
        assert!(from_seconds(99_999_999_999).is_ok());
    }

    #[test]
    fn floats_are_exact_to_the_millisecond() {
        assert_eq!(from_float(1_562_486_400.123).map(EventTime::millis), Ok(1_562_486_400_123));
        assert_eq!(from_float(1_562_457_599.999_9).map(EventTime::millis), Ok(1_562_457_599_999));
        assert_eq!(from_float(-0.5).map(EventTime::millis), Ok(-500));
    }

    proptest! {
        #[test]
        fn agrees_with_jiff_on_the_calendar(days in -700_000..2_900_000i32) {
            let date = civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
            let found = days_since_epoch(i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
            prop_assert_eq!(found, i64::from(days));
        }

        #[test]
        fn never_panics(text in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = from_text(&text);
        }
    }
}
