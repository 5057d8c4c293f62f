//! Opening waits, crediting matches to them, and completing them.
//!
//! A wait has a business date and an end of what it counts (`until`, the same date where its window is a day). A match
//! of a wanted message counts for it when it lies in the same window of the wanted message's frequency, not after
//! `until`, and, where it came before the wait's business date, its rendering has the text that is in force on that date.
//! (On a later date its text is the one in force there: the index held no other.) So the outcome is one of the facts and
//! not of the order in which they came, nor of when the service was down. Start at [`credit`].

mod opening;

use std::collections::HashSet;

use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    columns,
    error::StoreError,
    marks::{self, Task},
    reader::rows,
    record::Books,
    shape::{Shape, WantedShape},
};
use crate::domain::{
    mark::TaskState,
    recording::Sighting,
    sensor::{Opening, Require, SensorId},
    wait::WaitId,
    wanted::WantedId,
    window::{Frequency, Window},
};

pub use opening::WaitsToOpen;
pub(super) use opening::open_current;

/// The waits that a request knows to be open.
pub(super) type Known = HashSet<(SensorId, Date)>;

/// A wait that is waiting.
struct Wait {
    id: WaitId,
    name: String,
    business_date: Date,
    until: Date,
    /// One of the wanted messages that are not here yet: nothing can be complete before that one is.
    lacks: Option<WantedId>,
}

impl Wait {
    /// Whether a match with this business date counts.
    fn counts(&self, frequency: Frequency, date: Date) -> bool {
        frequency.first_day(date) == frequency.first_day(self.business_date) && date <= self.until
    }

    fn task<'a>(&'a self, shape: &'a Shape, task_id: &'a str) -> Task<'a> {
        Task { sensor: &shape.name, wait: &self.name, wait_id: self.id, task_id }
    }
}

/// The dates whose matches of a frequency count for a business date: from the window's first day to `until`.
pub(super) fn reach(frequency: Frequency, business_date: Date, until: Date) -> (Date, Date) {
    let last = frequency.next_first_day(business_date).yesterday().unwrap_or(Date::MAX);
    (frequency.first_day(business_date), until.min(last))
}

/// Lets a new match do what it can: opens its window's wait where it is missing, and marks.
pub(super) fn credit(
    books: &mut Books<'_, '_>,
    shape: &Shape,
    sighting: &Sighting,
    found: i64,
) -> Result<(), StoreError> {
    let Some(place) = shape.wanted.iter().position(|wanted| wanted.id == sighting.wanted) else {
        return Ok(());
    };
    if !shape.active {
        return Ok(());
    }
    ensure_open(books, shape, sighting.business_date)?;
    let wanted = &shape.wanted[place];
    for wait in waiting_from(books.db(), shape.id, sighting.business_date)? {
        if !wait.counts(wanted.frequency, sighting.business_date) || !still_wanted(books.db(), &wait, wanted, sighting)?
        {
            continue;
        }
        mark_when_all_in(books, shape, &wait, &wanted.task_id, found)?;
        complete_when_due(books, shape, &wait, place)?;
    }
    Ok(())
}

/// Makes sure that the wait of the window around a business date is there, where waits open with windows.
fn ensure_open(books: &mut Books<'_, '_>, shape: &Shape, date: Date) -> Result<(), StoreError> {
    let Some(leading) = shape.leading().filter(|_| shape.opening == Opening::Window) else {
        return Ok(());
    };
    if !books.waits.insert((shape.id, leading.frequency.first_day(date))) {
        return Ok(());
    }
    match missing(books.db(), shape, leading, date)? {
        Some(window) => open(books, shape, leading, &window),
        None => Ok(()),
    }
}

/// The window around a business date, if its wait is not there. One that had closed before the sensor was there has none:
/// nobody waited, whatever a backlog says.
fn missing(db: &Connection, shape: &Shape, leading: &WantedShape, date: Date) -> Result<Option<Window>, StoreError> {
    let known = "SELECT count(*) FROM waits WHERE sensor_id = ?1 AND name = ?2";
    let name = columns::date(leading.frequency.first_day(date));
    let known: i64 = db.prepare_cached(known)?.query_row(params![shape.id.0, name], |row| row.get(0))?;
    if known > 0 {
        return Ok(None);
    }
    let window = Window::on(leading.frequency, date, &shape.calendar(leading));
    Ok(Some(window).filter(|window| shape.active_since < window.closes))
}

/// A wait opens when its window does, or its sensor: so it is the same wait whenever it comes into being.
fn open(books: &mut Books<'_, '_>, shape: &Shape, leading: &WantedShape, window: &Window) -> Result<(), StoreError> {
    let (db, name) = (books.db(), columns::date(window.first_day));
    let window_id = books.windows.id(db, &shape.timezone, leading.day_shift_seconds, window)?;
    let (business_date, until) = reach(window.frequency, window.first_day, Date::MAX);
    let opened_at = shape.active_since.max(window.opens);
    let sql = "INSERT INTO waits (sensor_id, name, business_date, until, window_id, state, opened_at, on_timeout, late,
                                  revision)
               VALUES (?1, ?2, ?3, ?4, ?5, 'waiting', ?6, ?7, ?8, ?9)";
    let id = db.prepare_cached(sql)?.insert(params![
        shape.id.0,
        name,
        columns::date(business_date),
        columns::date(until),
        window_id,
        columns::instant(opened_at),
        shape.on_timeout,
        shape.late,
        shape.revision,
    ])?;
    judge(books, shape, &Wait { id: WaitId(id), name, business_date, until, lacks: None })
}

/// Looks at everything that a wait rests on: when it opens, and when its sensor was redefined.
fn judge(books: &mut Books<'_, '_>, shape: &Shape, wait: &Wait) -> Result<(), StoreError> {
    for task_id in shape.tasks() {
        marks::await_task(books.session, wait.task(shape, task_id), &books.now)?;
        let mut evidence = None;
        let mut all_in = true;
        for wanted in shape.sharing(task_id) {
            let found = fulfilled(books.db(), wanted, wait)?;
            all_in &= found.is_some();
            evidence = evidence.max(found);
        }
        if all_in {
            marks::mark(books.session, wait.task(shape, task_id), TaskState::Success, evidence, &books.now)?;
        }
    }
    let judged = "UPDATE waits SET revision = ?2 WHERE id = ?1";
    books.db().prepare_cached(judged)?.execute(params![wait.id.0, shape.revision])?;
    settle(books, shape, wait, 0)
}

/// Several wanted messages may share a task: it is marked when the last of them is in.
fn mark_when_all_in(
    books: &mut Books<'_, '_>,
    shape: &Shape,
    wait: &Wait,
    task_id: &str,
    found: i64,
) -> Result<(), StoreError> {
    if shape.sharing(task_id).nth(1).is_some() {
        for wanted in shape.sharing(task_id) {
            if fulfilled(books.db(), wanted, wait)?.is_none() {
                return Ok(());
            }
        }
    }
    marks::mark(books.session, wait.task(shape, task_id), TaskState::Success, Some(found), &books.now)
}

/// After the wanted message at `place` was fulfilled: is the wait complete now?
fn complete_when_due(books: &mut Books<'_, '_>, shape: &Shape, wait: &Wait, place: usize) -> Result<(), StoreError> {
    let awaited = wait.lacks.filter(|lacks| shape.wanted.iter().any(|wanted| wanted.id == *lacks));
    if shape.require == Require::All && awaited.is_some_and(|lacks| lacks != shape.wanted[place].id) {
        return Ok(());
    }
    settle(books, shape, wait, place + 1)
}

/// Completes a wait, or notes what it lacks. The search begins at `from`, so that a wait on many messages does not
/// look at all of them with each.
fn settle(books: &mut Books<'_, '_>, shape: &Shape, wait: &Wait, from: usize) -> Result<(), StoreError> {
    let required = shape.required().count();
    let may_lack = required - shape.needed();
    let mut lacking = Vec::new();
    let (before, after) = shape.wanted.split_at(from);
    for wanted in after.iter().chain(before).filter(|wanted| !wanted.optional) {
        if lacking.len() > may_lack {
            break;
        }
        if fulfilled(books.db(), wanted, wait)?.is_none() {
            lacking.push(wanted.id);
        }
    }
    match lacking.first().filter(|_| lacking.len() > may_lack) {
        Some(first) => note_lack(books.db(), wait, *first),
        None => complete(books, shape, wait),
    }
}

fn note_lack(db: &Connection, wait: &Wait, lacks: WantedId) -> Result<(), StoreError> {
    let sql = "UPDATE waits SET state = 'waiting', ended_at = NULL, lacks = ?2 WHERE id = ?1";
    db.prepare_cached(sql)?.execute([wait.id.0, lacks.0])?;
    Ok(())
}

fn complete(books: &mut Books<'_, '_>, shape: &Shape, wait: &Wait) -> Result<(), StoreError> {
    let sql = "UPDATE waits SET state = 'complete', ended_at = ?2, lacks = NULL WHERE id = ?1";
    books.db().prepare_cached(sql)?.execute(params![wait.id.0, books.now])?;
    if shape.needed() == shape.wanted.len() {
        return Ok(());
    }
    let marked = "SELECT task_id FROM marks WHERE wait_id = ?1";
    let marked: HashSet<String> = rows(books.db(), marked, [wait.id.0], |row| row.get(0))?.into_iter().collect();
    for task_id in shape.tasks().into_iter().filter(|task| !marked.contains(*task)) {
        marks::mark(books.session, wait.task(shape, task_id), TaskState::Skipped, None, &books.now)?;
    }
    Ok(())
}

/// Whether the text that matched is the one that the wait wants.
fn still_wanted(db: &Connection, wait: &Wait, wanted: &WantedShape, sighting: &Sighting) -> Result<bool, StoreError> {
    if sighting.business_date >= wait.business_date {
        return Ok(true);
    }
    let sql = "SELECT (SELECT rendered FROM renderings WHERE id = ?1) IS
                      (SELECT rendered FROM renderings WHERE wanted_id = ?2 AND since <= ?3 AND replaced = 0
                        ORDER BY since DESC LIMIT 1)";
    let values = params![sighting.rendering.0, wanted.id.0, columns::date(wait.business_date)];
    Ok(db.prepare_cached(sql)?.query_row(values, |row| row.get(0))?)
}

fn fulfilled(db: &Connection, wanted: &WantedShape, wait: &Wait) -> Result<Option<i64>, StoreError> {
    first_match(db, wanted, wait.business_date, wait.until)
}

/// The first match that counts for a business date and what follows it up to `until`: one from then on, or an earlier one
/// of the text in force on the business date. Only the renderings of that span are looked at: a wanted message may have
/// hundreds.
pub(super) fn first_match(
    db: &Connection,
    wanted: &WantedShape,
    business_date: Date,
    until: Date,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT matches.id
                 FROM renderings CROSS JOIN matches
                   ON matches.rendering_id = renderings.id AND matches.business_date BETWEEN ?2 AND ?3
                WHERE renderings.wanted_id = ?1
                  AND renderings.since BETWEEN ifnull((SELECT max(since) FROM renderings
                                                        WHERE wanted_id = ?1 AND since <= ?2 AND replaced = 0), ?2)
                                           AND ?3
                  AND (matches.business_date >= ?4
                       OR renderings.rendered = (SELECT rendered FROM renderings
                                                  WHERE wanted_id = ?1 AND since <= ?4 AND replaced = 0
                                                  ORDER BY since DESC LIMIT 1))
                LIMIT 1";
    let (first, last) = reach(wanted.frequency, business_date, until);
    let dates = [first, last, business_date].map(columns::date);
    let values = params![wanted.id.0, dates[0], dates[1], dates[2]];
    Ok(db.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?)
}

fn waiting_from(db: &Connection, sensor: SensorId, date: Date) -> Result<Vec<Wait>, StoreError> {
    let sql = "SELECT id, name, business_date, until, lacks FROM waits
                WHERE sensor_id = ?1 AND until >= ?2 AND state = 'waiting' ORDER BY until";
    rows(db, sql, params![sensor.0, columns::date(date)], wait)
}

fn wait(row: &Row<'_>) -> rusqlite::Result<Wait> {
    Ok(Wait {
        id: WaitId(row.get(0)?),
        name: row.get(1)?,
        business_date: columns::read_date(row, 2)?,
        until: columns::read_date(row, 3)?,
        lacks: row.get::<_, Option<i64>>(4)?.map(WantedId),
    })
}
