//! The end of waits: at a deadline that has taken effect, by hand, or with their sensor.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::{Wait, judging, named, select_waits, wait};
use crate::{
    domain::{
        change::Change,
        dead_letter::Actor,
        sensor::SensorId,
        wait::{WaitId, WaitState},
    },
    store::{
        columns,
        error::StoreError,
        marks, modules,
        reader::{Reader, rows},
        record::Books,
        sensors,
        writer::Session,
    },
};

/// A wait whose deadline has come, and what has to be read before it takes effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueWait {
    pub id: WaitId,
    pub deadline: Timestamp,
    pub topics: Vec<String>,
}

const OF_LIVING: &str = "waits.state = 'waiting' AND deadline IS NOT NULL AND sensors.state = 'active' AND paused = 0";

impl Reader {
    /// The earliest deadline of a wait.
    pub fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT deadline FROM waits CROSS JOIN sensors ON sensors.id = sensor_id
                    WHERE {} ORDER BY deadline LIMIT 1";
        self.with(|db| {
            let mut statement = db.prepare_cached(&sql.replace("{}", OF_LIVING))?;
            Ok(statement.query_row([], |row| columns::read_instant(row, 0)).optional()?)
        })
    }

    /// The waits whose deadline has come, the earliest first, after one of them.
    pub fn due_waits(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, WaitId)>,
        limit: usize,
    ) -> Result<Vec<DueWait>, StoreError> {
        let (instant, id) = after.map_or((String::new(), 0), |(instant, id)| (columns::instant(instant), id.0));
        let now = columns::instant(now);
        // A hundred thousand may be due at one instant: a comparison of both at once would walk through all of it.
        let at_once =
            self.due("deadline <= ?1 AND deadline = ?2 AND waits.id > ?3", params![now, instant, id, limit as i64]);
        let mut found = at_once?;
        let left = (limit - found.len()) as i64;
        found.extend(self.due("deadline <= ?1 AND deadline > ?2", params![now, instant, id, left])?);
        Ok(found)
    }

    fn due(&self, which: &str, values: impl Params) -> Result<Vec<DueWait>, StoreError> {
        let sql = format!(
            "SELECT waits.id, deadline, (SELECT json_group_array(DISTINCT topic) FROM wanted
                                          WHERE sensor_id = sensors.id AND state = 'active')
               FROM waits CROSS JOIN sensors ON sensors.id = waits.sensor_id
              WHERE {OF_LIVING} AND {which} ORDER BY deadline, waits.id LIMIT ?4"
        );
        self.rows(&sql, values, due)
    }
}

fn due(row: &Row<'_>) -> rusqlite::Result<DueWait> {
    let topics = serde_json::from_str(row.get_ref(2)?.as_str()?);
    let topics = topics.map_err(|error| columns::unreadable(2, &error.to_string()))?;
    Ok(DueWait { id: WaitId(row.get(0)?), deadline: columns::read_instant(row, 1)?, topics })
}

/// Ends waits whose deadline has taken effect. The answer is how many ended.
pub(in crate::store) fn end(session: &mut Session<'_>, now: Timestamp, ids: &[WaitId]) -> Result<usize, StoreError> {
    let mut books = Books::open(session);
    let mut ended = 0;
    for id in ids {
        let sensor = "SELECT sensor_id FROM waits WHERE id = ?1 AND state = 'waiting'";
        let mut sensor = books.db().prepare_cached(sensor)?;
        let Some(sensor) = sensor.query_row([id.0], |row| row.get(0).map(SensorId)).optional()? else { continue };
        let wait = by_id(books.db(), *id)?;
        let shape = books.shapes.get(books.session.db, sensor)?;
        if wait.deadline.is_some_and(|deadline| deadline <= now) && shape.active && !shape.paused {
            judging::end(&mut books, &shape, &wait)?;
            ended += 1;
        }
    }
    Ok(ended)
}

pub(in crate::store) fn by_id(db: &Connection, id: WaitId) -> Result<Wait, StoreError> {
    Ok(db.prepare_cached(select_waits!("WHERE id = ?1"))?.query_row([id.0], wait)?)
}

/// Cancels a wait: its pending tasks are told nothing. The answer is how it stood; none: there is none of that name.
pub(in crate::store) fn cancel(
    session: &mut Session<'_>,
    sensor: &str,
    name: &str,
    actor: Actor,
    reason: Option<&str>,
) -> Result<Option<WaitState>, StoreError> {
    let Some(id) = sensors::active(session, sensor)? else { return Ok(None) };
    let Some(wait) = named(session.db, id, name)? else { return Ok(None) };
    if wait.state != WaitState::Waiting {
        return Ok(Some(wait.state));
    }
    let sql = "UPDATE waits SET state = 'cancelled', ended_at = ?2, ended_by = ?3, lacks = NULL WHERE id = ?1";
    let now = columns::now();
    session.db.prepare_cached(sql)?.execute(params![wait.id.0, now, actor.word()])?;
    session.tell(Change::WaitEnded { sensor: sensor.to_owned(), wait: name.to_owned(), state: WaitState::Cancelled });
    skip_tasks(session, sensor, Some(name), &now)?;
    marks::tell_if_settled(session, wait.id)?;
    modules::audit(session, actor, "wait cancel", &format!("{sensor}/{name}"), reason)?;
    Ok(Some(wait.state))
}

/// Cancels the waits of a sensor that is retired.
pub(in crate::store) fn cancel_all(session: &Session<'_>, sensor: SensorId, name: &str) -> Result<(), StoreError> {
    let sql = "UPDATE waits SET state = 'cancelled', ended_at = ?2, ended_by = 'retired'
                WHERE sensor_id = ?1 AND state = 'waiting' RETURNING id, name";
    let now = columns::now();
    let cancelled = rows(session.db, sql, params![sensor.0, now], |row| Ok((WaitId(row.get(0)?), row.get(1)?)))?;
    for (id, wait) in &cancelled {
        let (sensor, wait) = (name.to_owned(), String::clone(wait));
        session.tell(Change::WaitEnded { sensor, wait, state: WaitState::Cancelled });
        marks::tell_if_settled(session, *id)?;
    }
    if !cancelled.is_empty() {
        skip_tasks(session, name, None, &now)?;
    }
    Ok(())
}

fn skip_tasks(session: &Session<'_>, sensor: &str, wait: Option<&str>, now: &str) -> Result<(), StoreError> {
    let sql = "UPDATE tasks SET state = 'skipped', updated_at = ?3
                WHERE sensor = ?1 AND (?2 IS NULL OR wait = ?2) AND state = 'pending'";
    session.db.prepare_cached(sql)?.execute(params![sensor, wait, now])?;
    Ok(())
}
