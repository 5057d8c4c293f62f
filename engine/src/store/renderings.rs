//! How wanted messages render, kept as changes: a row says from which date on a text is in force.

use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    catch_ups::{self, Occasion},
    columns,
    error::StoreError,
    writer::Session,
};
use crate::domain::wanted::{RenderingId, WantedId};

/// A rendering in force on some date.
struct InForce {
    id: i64,
    since: String,
    rendered: String,
}

/// The rendering in force on a date from now on.
struct Saved {
    id: i64,
    /// Another text was in force on that date, by what was known.
    is_another: bool,
}

pub(super) fn save(
    session: &mut Session<'_>,
    rendered: &[(WantedId, Date, String)],
    occasion: Occasion,
) -> Result<Vec<RenderingId>, StoreError> {
    let db = session.db;
    let until: Option<String> =
        db.prepare_cached("SELECT rendered_until FROM store")?.query_row([], |row| row.get(0))?;
    let mut ids = Vec::with_capacity(rendered.len());
    for (wanted, date, text) in rendered {
        let looked_beyond = until.as_ref().is_some_and(|until| columns::date(*date) < *until);
        let Saved { id, is_another } = save_one(db, *wanted, *date, text, looked_beyond)?;
        if is_another {
            catch_ups::changed(db, *wanted, *date, occasion)?;
        }
        ids.push(RenderingId(id));
    }
    let newest = rendered.iter().map(|(_, date, _)| columns::date(*date)).max();
    if newest > until {
        db.prepare_cached("UPDATE store SET rendered_until = ?1")?.execute([newest])?;
    }
    Ok(ids)
}

/// `looked_beyond`: something may have been rendered for a later date already, found as it was, and left no row.
fn save_one(
    db: &Connection,
    wanted: WantedId,
    date: Date,
    text: &str,
    looked_beyond: bool,
) -> Result<Saved, StoreError> {
    let since = columns::date(date);
    let Some(before) = in_force(db, wanted, &since)? else {
        let earlier = begin_earlier(db, wanted, &since, text)?;
        let id = earlier.map_or_else(|| insert(db, wanted, &since, text), Ok)?;
        return Ok(Saved { id, is_another: false });
    };
    if before.rendered == text {
        return Ok(Saved { id: before.id, is_another: false });
    }
    if looked_beyond {
        keep_from_next_day(db, wanted, date, &before.rendered)?;
    }
    let id = match before.since == since {
        true => replace(db, wanted, &since, before.id, text)?,
        false => insert(db, wanted, &since, text)?,
    };
    Ok(Saved { id, is_another: true })
}

fn in_force(db: &Connection, wanted: WantedId, date: &str) -> Result<Option<InForce>, StoreError> {
    let sql = "SELECT id, since, rendered FROM renderings
                WHERE wanted_id = ?1 AND since <= ?2 AND replaced = 0 ORDER BY since DESC LIMIT 1";
    let mut statement = db.prepare_cached(sql)?;
    let found = statement.query_row(params![wanted.0, date], |row| {
        Ok(InForce { id: row.get(0)?, since: row.get(1)?, rendered: row.get(2)? })
    });
    Ok(found.optional()?)
}

fn insert(db: &Connection, wanted: WantedId, since: &str, text: &str) -> Result<i64, StoreError> {
    let sql = "INSERT INTO renderings (wanted_id, since, rendered) VALUES (?1, ?2, ?3)";
    Ok(db.prepare_cached(sql)?.insert(params![wanted.0, since, text])?)
}

/// A date between two known ones changes that date alone: the next one was good with what was in force before.
fn keep_from_next_day(db: &Connection, wanted: WantedId, date: Date, text: &str) -> Result<(), StoreError> {
    let Ok(next) = date.tomorrow() else {
        return Ok(());
    };
    let sql = "INSERT INTO renderings (wanted_id, since, rendered)
               SELECT ?1, ?2, ?3 WHERE NOT EXISTS
                   (SELECT 1 FROM renderings WHERE wanted_id = ?1 AND since = ?2 AND replaced = 0)";
    db.prepare_cached(sql)?.execute(params![wanted.0, columns::date(next), text])?;
    Ok(())
}

/// The same date renders differently than it did: the old row stays, for the matches that rest on it.
fn replace(db: &Connection, wanted: WantedId, since: &str, old: i64, text: &str) -> Result<i64, StoreError> {
    let sql = "UPDATE renderings SET replaced = 1 + (SELECT max(replaced) FROM renderings
                                                      WHERE wanted_id = ?2 AND since = ?3)
                WHERE id = ?1";
    db.prepare_cached(sql)?.execute(params![old, wanted.0, since])?;
    match in_force(db, wanted, since)? {
        Some(earlier) if earlier.rendered == text => Ok(earlier.id),
        _ => insert(db, wanted, since, text),
    }
}

/// A date before all known ones: where the first of them has the same text, it simply began earlier.
fn begin_earlier(db: &Connection, wanted: WantedId, since: &str, text: &str) -> Result<Option<i64>, StoreError> {
    let first = "SELECT id, rendered FROM renderings WHERE wanted_id = ?1 AND replaced = 0 ORDER BY since LIMIT 1";
    let mut first = db.prepare_cached(first)?;
    let found: Option<(i64, String)> = first.query_row([wanted.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((id, _)) = found.filter(|(_, rendered)| rendered == text) else {
        return Ok(None);
    };
    db.prepare_cached("UPDATE renderings SET since = ?2 WHERE id = ?1")?.execute(params![id, since])?;
    Ok(Some(id))
}
