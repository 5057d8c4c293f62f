//! What matches there are for a wanted message, as far as they count.

use std::collections::HashSet;

use jiff::{Timestamp, civil::Date};
use rusqlite::{Connection, Row, params};

use super::Wait;
use crate::{
    domain::{
        recording::Sighting,
        window::{Frequency, Window},
    },
    store::{columns, error::StoreError, shape::WantedShape},
};

/// The messages that a wanted message needs are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Fulfilled {
    /// When the last of them arrived.
    pub(in crate::store) at: Timestamp,
    /// The number of its match. None: a person said so.
    pub(in crate::store) found: Option<i64>,
}

/// Which matches of a wanted message count.
pub(in crate::store) struct Span {
    pub(in crate::store) window: Window,
    pub(in crate::store) business_date: Date,
    /// None is meant that came before it.
    pub(in crate::store) after: Option<Timestamp>,
}

/// The dates whose renderings may matter in a window.
fn dates(window: &Window, business_date: Date) -> (Date, Date) {
    let first = window.first_day;
    match window.frequency {
        // An hour may reach into the next business day.
        Frequency::Hour => (first, first.tomorrow().unwrap_or(Date::MAX)),
        frequency => (first, frequency.next_first_day(business_date).yesterday().unwrap_or(Date::MAX)),
    }
}

/// Whether and when a wanted message was fulfilled.
pub(in crate::store) fn fulfilled(
    db: &Connection,
    wanted: &WantedShape,
    span: &Span,
) -> Result<Option<Fulfilled>, StoreError> {
    Ok(count(db, wanted, span)?.1)
}

/// How many of the messages that it needs are here.
pub(in crate::store) fn counted(db: &Connection, wanted: &WantedShape, span: &Span) -> Result<u32, StoreError> {
    Ok(count(db, wanted, span)?.0)
}

/// Counts until there are enough. Only the renderings of the window are looked at: a wanted message may have hundreds.
fn count(db: &Connection, wanted: &WantedShape, span: &Span) -> Result<(u32, Option<Fulfilled>), StoreError> {
    let sql =
        "SELECT matches.arrival, matches.id, matches.distinct_value, cluster, topic, \"partition\", epoch, \"offset\"
                 FROM renderings CROSS JOIN matches
                   ON matches.rendering_id = renderings.id AND matches.arrival >= ?4 AND matches.arrival < ?5
                WHERE renderings.wanted_id = ?1
                  AND renderings.since BETWEEN ifnull((SELECT max(since) FROM renderings
                                                        WHERE wanted_id = ?1 AND since <= ?2 AND replaced = 0), ?2)
                                           AND ?3
                  AND renderings.rendered = (SELECT rendered FROM renderings AS in_force
                                              WHERE wanted_id = ?1 AND since <= max(matches.business_date, ?6)
                                                AND replaced = 0
                                              ORDER BY since DESC LIMIT 1)
                ORDER BY matches.arrival, matches.id";
    let (first, last) = dates(&span.window, span.business_date);
    let from = span.after.map_or(span.window.opens, |after| after.max(span.window.opens));
    let instants = [from, span.window.closes].map(columns::instant);
    let dates = [first, last, span.business_date].map(columns::date);
    let values = params![wanted.id.0, dates[0], dates[1], instants[0], instants[1], dates[2]];
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let (mut counted, mut number) = (Counted::default(), 0);
    while let Some(row) = rows.next()? {
        number = counted.add(row)?;
        if number >= wanted.count {
            let fulfilled = Fulfilled { at: columns::read_instant(row, 0)?, found: Some(row.get(1)?) };
            return Ok((number, Some(fulfilled)));
        }
    }
    Ok((number, None))
}

/// How many messages are there so far, or how many different values of theirs. A message that matches two texts is one.
#[derive(Default)]
struct Counted(HashSet<String>);

impl Counted {
    fn add(&mut self, row: &Row<'_>) -> rusqlite::Result<u32> {
        let counted = match row.get::<_, Option<String>>(2)? {
            Some(value) => value,
            None => columns::read_position(row, 3)
                .map(|it| format!("{} {} {it}", it.partition.cluster, it.partition.epoch))?,
        };
        self.0.insert(counted);
        Ok(self.0.len() as u32)
    }
}

/// Whether the text that matched is the one that the wait wants: the one in force when the message came, or on the
/// business date where it came before.
pub(super) fn is_wanted_text(db: &Connection, wait: &Wait, sighting: &Sighting) -> Result<bool, StoreError> {
    let sql = "SELECT (SELECT rendered FROM renderings WHERE id = ?1) IS
                      (SELECT rendered FROM renderings WHERE wanted_id = ?2 AND since <= ?3 AND replaced = 0
                        ORDER BY since DESC LIMIT 1)";
    let date = sighting.business_date.max(wait.business_date);
    let values = params![sighting.rendering.0, sighting.wanted.0, columns::date(date)];
    Ok(db.prepare_cached(sql)?.query_row(values, |row| row.get(0))?)
}
