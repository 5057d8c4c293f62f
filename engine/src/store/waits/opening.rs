//! Waits of current windows: found missing or outdated by a reader, opened and judged by the writer.
//!
//! With a hundred thousand sensors most have nothing to be done at a restart: to see that must not hold up messages.

use jiff::{Timestamp, civil::Date};
use rusqlite::{Connection, params};

use super::{Wait, ensure_open, judge, missing, wait};
use crate::{
    domain::sensor::{Opening, SensorId},
    store::{
        columns,
        error::StoreError,
        reader::{Reader, rows},
        record::Books,
        shape::{self, Shape},
        windows::Windows,
        writer::Session,
    },
};

/// What a look at a page of sensors found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WaitsToOpen {
    /// Those with something to be opened or judged.
    pub sensors: Vec<SensorId>,
    /// Where to look on; none is the end.
    pub next: Option<SensorId>,
}

impl Reader {
    /// Which of the next `limit` active sensors lack the wait of their current window, or have waits that were judged by
    /// an earlier definition.
    pub fn waits_to_open(
        &self,
        now: Timestamp,
        after: Option<SensorId>,
        limit: usize,
    ) -> Result<WaitsToOpen, StoreError> {
        let page = "SELECT id FROM sensors WHERE id > ?1 AND state = 'active' ORDER BY id LIMIT ?2";
        let after = after.map_or(i64::MIN, |sensor| sensor.0);
        self.with(|db| {
            let page = rows(db, page, params![after, limit as i64], |row| row.get(0).map(SensorId))?;
            let mut found =
                WaitsToOpen { next: page.last().copied().filter(|_| page.len() == limit), sensors: Vec::new() };
            let mut windows = Windows::default();
            for sensor in page {
                if is_behind(db, &mut windows, sensor, now)? {
                    found.sensors.push(sensor);
                }
            }
            Ok(found)
        })
    }
}

fn is_behind(db: &Connection, windows: &mut Windows, sensor: SensorId, now: Timestamp) -> Result<bool, StoreError> {
    let shape = shape::load(db, sensor)?;
    for wanted in &shape.wanted {
        if !windows.has_current(db, &shape, wanted, now)? {
            return Ok(true);
        }
    }
    let Some(leading) = shape.leading() else { return Ok(false) };
    let today = shape.calendar(leading).business_date(now);
    let lacks_wait = shape.opening == Opening::Window && missing(db, &shape, leading, today)?.is_some();
    Ok(lacks_wait || !outdated(db, &shape, today)?.is_empty())
}

/// Opens the waits of the current windows of some sensors, and judges anew where a definition changed.
pub(in crate::store) fn open_current(
    session: &mut Session<'_>,
    now: Timestamp,
    sensors: &[SensorId],
) -> Result<(), StoreError> {
    let mut books = Books::open(session);
    sensors.iter().try_for_each(|sensor| open_for(&mut books, now, *sensor))
}

fn open_for(books: &mut Books<'_, '_>, now: Timestamp, sensor: SensorId) -> Result<(), StoreError> {
    let shape = shape::load(books.db(), sensor)?;
    if !shape.active {
        return Ok(());
    }
    for wanted in &shape.wanted {
        let db = books.db();
        books.windows.ensure_current(db, &shape, wanted, now)?;
    }
    let Some(leading) = shape.leading() else { return Ok(()) };
    let today = shape.calendar(leading).business_date(now);
    for wait in outdated(books.db(), &shape, today)? {
        forget_tasks(books, &shape, &wait)?;
        judge(books, &shape, &wait)?;
    }
    ensure_open(books, &shape, today)
}

/// Tasks that nobody wants any more do not stay pending.
fn forget_tasks(books: &Books<'_, '_>, shape: &Shape, wait: &Wait) -> Result<(), StoreError> {
    let sql = "DELETE FROM tasks
                WHERE sensor = ?1 AND wait = ?2 AND state = 'pending' AND task_id NOT IN
                      (SELECT task_id FROM wanted WHERE sensor_id = ?3 AND state = 'active')";
    books.db().prepare_cached(sql)?.execute(params![shape.name, wait.name, shape.id.0])?;
    Ok(())
}

/// The waits that were last judged by an earlier definition of their sensor: those that wait, and those of the current
/// window that were complete before the sensor wanted more.
fn outdated(db: &Connection, shape: &Shape, today: Date) -> Result<Vec<Wait>, StoreError> {
    let sql = "SELECT id, name, business_date, until, lacks FROM waits
                WHERE sensor_id = ?1 AND revision < ?2 AND (state = 'waiting' OR state = 'complete' AND until >= ?3)
                ORDER BY until";
    rows(db, sql, params![shape.id.0, shape.revision, columns::date(today)], wait)
}
