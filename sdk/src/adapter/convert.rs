//! From the interface's types to the SDK's and back.

use jiff::civil;

use crate::bindings::exports::eventlatch::matcher::guest;
use crate::matcher::{Envelope, Header, Needs, Settings, Verdict};
use crate::{Moment, Problem};

impl From<Problem> for guest::Problem {
    fn from(problem: Problem) -> Self {
        Self { field: problem.field().map(str::to_owned), message: problem.message().to_owned() }
    }
}

impl From<Settings> for guest::Settings {
    fn from(settings: Settings) -> Self {
        Self { topics: settings.topics, day_shift_seconds: settings.day_shift_seconds }
    }
}

impl From<Verdict> for guest::Verdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fulfilled => Self::Fulfilled,
            Verdict::Refused(reason) => Self::Refused(reason),
        }
    }
}

impl From<Needs> for guest::Needs {
    fn from(needs: Needs) -> Self {
        let flag = |one, flag| {
            if needs.include(one) { flag } else { Self::empty() }
        };
        flag(Needs::KEYS, Self::KEYS) | flag(Needs::HEADERS, Self::HEADERS) | flag(Needs::TOMBSTONES, Self::TOMBSTONES)
    }
}

/// A calendar day. The host sends none that does not exist; if it did, the epoch would stand for it.
pub(crate) fn date_from(date: guest::Date) -> civil::Date {
    civil::Date::new(date.year, date.month.cast_signed(), date.day.cast_signed()).unwrap_or(civil::date(1970, 1, 1))
}

pub(crate) fn moment_from(moment: &guest::Moment) -> Moment {
    let clock = moment.civil;
    let time = civil::Time::new(
        clock.hour.cast_signed(),
        clock.minute.cast_signed(),
        clock.second.cast_signed(),
        i32::from(clock.millisecond) * 1_000_000,
    );
    Moment {
        instant: moment.instant,
        civil: date_from(clock.date).to_datetime(time.unwrap_or(civil::Time::MIN)),
        business_date: date_from(moment.business_date),
    }
}

/// What comes with a candidate.
pub(crate) fn candidate_envelope(candidate: &guest::Candidate) -> Envelope<'_> {
    Envelope {
        topic: &candidate.topic,
        arrival: candidate.arrival.instant,
        key: candidate.key.as_deref(),
        headers: candidate.headers.iter().map(|it| Header { name: &it.name, value: &it.value }).collect(),
    }
}

/// The items of a column.
pub(crate) fn column(column: &guest::Column) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    column.ends.iter().map(move |end| {
        let end = *end as usize;
        let item = column.bytes.get(start..end).unwrap_or_default();
        start = end;
        item
    })
}
