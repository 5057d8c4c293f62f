//! How values are written in columns, and read back.
//!
//! Instants are fixed-width text so that they sort; words are those that the schema's checks name.

use jiff::{Timestamp, civil::Date, fmt::temporal::DateTimePrinter};
use rusqlite::{Row, types::Type};

use crate::domain::{
    message::{Partition, Position},
    sensor::{Late, Opening, Owner, Require, Timeout},
    target::Target,
    trace::{TraceContext, TraceParent},
    wait::{OnTimeout, WaitState},
    window::Frequency,
};

const INSTANT: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// An instant as `2019-07-07T08:00:00.000Z`.
pub(super) fn instant(at: Timestamp) -> String {
    INSTANT.timestamp_to_string(&at)
}

/// The wall clock, for columns that say when something was written.
pub(super) fn now() -> String {
    instant(Timestamp::now())
}

pub(super) fn date(date: Date) -> String {
    date.to_string()
}

pub(super) fn opening(opening: Opening) -> &'static str {
    match opening {
        Opening::Window => "window",
        Opening::Request => "request",
    }
}

pub(super) fn require(require: Require) -> String {
    match require {
        Require::All => "all".to_owned(),
        Require::Any => "any".to_owned(),
        Require::Number(number) => number.to_string(),
    }
}

pub(super) fn timeout(timeout: &Timeout) -> String {
    match timeout {
        Timeout::WindowEnd => "window-end".to_owned(),
        Timeout::Seconds(seconds) => seconds.to_string(),
        Timeout::Cron(expression) => format!("cron:{expression}"),
    }
}

pub(super) fn on_timeout(on_timeout: OnTimeout) -> &'static str {
    match on_timeout {
        OnTimeout::Fail => "fail",
        OnTimeout::Skip => "skip",
    }
}

pub(super) fn late(late: Late) -> &'static str {
    match late {
        Late::Ignore => "ignore",
        Late::Heal => "heal",
    }
}

pub(super) fn target(target: &Target) -> String {
    serde_json::Value::Object(target.keys().clone()).to_string()
}

/// Reads a column whose text must make sense to `parse`.
fn parsed<T>(row: &Row<'_>, column: usize, parse: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text = row.get_ref(column)?.as_str()?;
    parse(text).ok_or_else(|| unreadable(column, text))
}

pub(super) fn unreadable(column: usize, text: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, format!("`{text}` makes no sense here").into())
}

pub(super) fn read_instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    parsed(row, column, |text| text.parse().ok())
}

pub(super) fn read_optional_instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let present = row.get_ref(column)?.as_str_or_null()?.is_some();
    present.then(|| read_instant(row, column)).transpose()
}

pub(super) fn read_date(row: &Row<'_>, column: usize) -> rusqlite::Result<Date> {
    parsed(row, column, |text| text.parse().ok())
}

pub(super) fn read_frequency(row: &Row<'_>, column: usize) -> rusqlite::Result<Frequency> {
    parsed(row, column, |text| text.parse().ok())
}

pub(super) fn read_owner(row: &Row<'_>, column: usize) -> rusqlite::Result<Owner> {
    parsed(row, column, |text| match text {
        "api" => Some(Owner::Api),
        file => file.strip_prefix("file:").map(|name| Owner::File(name.to_owned())),
    })
}

pub(super) fn read_opening(row: &Row<'_>, column: usize) -> rusqlite::Result<Opening> {
    read_word(row, column, [Opening::Window, Opening::Request], opening)
}

pub(super) fn read_require(row: &Row<'_>, column: usize) -> rusqlite::Result<Require> {
    parsed(row, column, |text| match text {
        "all" => Some(Require::All),
        "any" => Some(Require::Any),
        number => number.parse().ok().map(Require::Number),
    })
}

pub(super) fn read_timeout(row: &Row<'_>, column: usize) -> rusqlite::Result<Timeout> {
    parsed(row, column, |text| match text.strip_prefix("cron:") {
        Some(cron) => cron.parse().ok().map(Timeout::Cron),
        None if text == "window-end" => Some(Timeout::WindowEnd),
        None => text.parse().ok().map(Timeout::Seconds),
    })
}

pub(super) fn read_on_timeout(row: &Row<'_>, column: usize) -> rusqlite::Result<OnTimeout> {
    read_word(row, column, [OnTimeout::Fail, OnTimeout::Skip], on_timeout)
}

pub(super) fn read_late(row: &Row<'_>, column: usize) -> rusqlite::Result<Late> {
    read_word(row, column, [Late::Ignore, Late::Heal], late)
}

pub(super) fn read_target(row: &Row<'_>, column: usize) -> rusqlite::Result<Target> {
    parsed(row, column, |text| serde_json::from_str(text).ok())
}

pub(super) fn read_wait_state(row: &Row<'_>, column: usize) -> rusqlite::Result<WaitState> {
    read_word(row, column, WaitState::ALL, WaitState::word)
}

/// Reads the one of some values whose word stands in the column.
pub(super) fn read_word<T: Copy, const N: usize>(
    row: &Row<'_>,
    column: usize,
    all: [T; N],
    word: fn(T) -> &'static str,
) -> rusqlite::Result<T> {
    parsed(row, column, |text| all.into_iter().find(|each| word(*each) == text))
}

/// Reads a position from five columns: cluster, topic, partition, epoch, offset.
pub(super) fn read_position(row: &Row<'_>, first: usize) -> rusqlite::Result<Position> {
    let partition = Partition {
        cluster: row.get::<_, String>(first)?.into(),
        topic: row.get::<_, String>(first + 1)?.into(),
        number: row.get(first + 2)?,
        epoch: row.get(first + 3)?,
    };
    Ok(partition.at(row.get(first + 4)?))
}

/// Reads a trace from two columns: parent, state.
pub(super) fn read_trace(row: &Row<'_>, first: usize) -> rusqlite::Result<Option<TraceContext>> {
    let parent = row.get_ref(first)?.as_str_or_null()?.and_then(TraceParent::parse);
    parent.map(|parent| Ok(TraceContext { parent, state: row.get(first + 1)? })).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_of_one_width_and_cut_not_rounded() {
        let check = |given: &str, written: &str| assert_eq!(instant(given.parse().unwrap()), written);
        check("2019-07-07T08:00:00Z", "2019-07-07T08:00:00.000Z");
        check("2019-07-07T08:00:00.0019999Z", "2019-07-07T08:00:00.001Z");
        check("2019-07-07T16:00:00.5+08:00", "2019-07-07T08:00:00.500Z");
    }
}
