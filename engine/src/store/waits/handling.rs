//! What people decide by hand on a task of a wait: that it is done, that it is not, or that nobody waits for it.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::{Wait, judging, named};
use crate::{
    domain::{
        dead_letter::Actor,
        handling::{HandledTask, Handling, HandlingError},
        wait::WaitState,
        wanted::WantedId,
    },
    store::{columns, error::StoreError, modules, reader::rows, record::Books, sensors, shape, writer::Session},
};

/// A decision on one wanted message of a wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Handled {
    pub(super) act: Handling,
    pub(super) at: Timestamp,
}

/// What was decided on a wait.
pub(super) fn of(db: &Connection, wait: &Wait) -> Result<HashMap<WantedId, Handled>, StoreError> {
    if !wait.handled {
        return Ok(HashMap::new());
    }
    let sql = "SELECT wanted_id, act, at FROM handled WHERE wait_id = ?1";
    Ok(rows(db, sql, [wait.id.0], handled)?.into_iter().collect())
}

fn handled(row: &Row<'_>) -> rusqlite::Result<(WantedId, Handled)> {
    let act = columns::read_word(row, 1, Handling::ALL, Handling::word)?;
    Ok((WantedId(row.get(0)?), Handled { act, at: columns::read_instant(row, 2)? }))
}

/// Takes a decision, and judges the wait by it.
pub(in crate::store) fn handle(
    session: &mut Session<'_>,
    now: Timestamp,
    task: &HandledTask,
    actor: Actor,
) -> Result<Result<(), HandlingError>, StoreError> {
    let HandledTask { sensor, wait: name, task_id, .. } = task;
    let Some(id) = sensors::active(session, sensor)? else {
        return Ok(Err(HandlingError::NoSuchSensor(sensor.clone())));
    };
    let shape = shape::load(session.db, id)?;
    let Some(wait) = named(session.db, id, name)? else {
        return Ok(Err(HandlingError::NoSuchWait { sensor: sensor.clone(), wait: name.clone() }));
    };
    if wait.state == WaitState::Cancelled {
        return Ok(Err(HandlingError::Cancelled { sensor: sensor.clone(), wait: name.clone() }));
    }
    if shape.sharing(task_id).next().is_none() {
        return Ok(Err(HandlingError::NoSuchTask { sensor: sensor.clone(), task_id: task_id.clone() }));
    }
    for wanted in shape.sharing(task_id) {
        save(session, &wait, wanted.id, now, task, actor)?;
    }
    if task.handling == Handling::Unmark {
        forget_marks(session, sensor, &wait, task_id)?;
    }
    let subject = format!("{sensor}/{name}/{task_id}");
    modules::audit(session, actor, task.handling.audited(), &subject, task.reason.as_deref())?;
    let wait = Wait { handled: true, ..wait };
    let mut books = Books::open(session);
    let has_ended = matches!(wait.state, WaitState::Failed | WaitState::Skipped);
    match has_ended {
        true => judging::heal(&mut books, &shape, &wait)?,
        false => judging::judge(&mut books, &shape, &wait)?,
    }
    Ok(Ok(()))
}

fn save(
    session: &Session<'_>,
    wait: &Wait,
    wanted: WantedId,
    now: Timestamp,
    task: &HandledTask,
    actor: Actor,
) -> Result<(), StoreError> {
    // What is marked by hand is in time.
    let at = if task.handling == Handling::Mark { wait.opened_at } else { now };
    let sql = "INSERT INTO handled (wait_id, wanted_id, act, at, actor, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT DO UPDATE SET act = excluded.act, at = excluded.at, actor = excluded.actor,
                                         reason = excluded.reason";
    let (act, at) = (task.handling.word(), columns::instant(at));
    session.db.prepare_cached(sql)?.execute(params![wait.id.0, wanted.0, act, at, actor.word(), task.reason])?;
    session.db.prepare_cached("UPDATE waits SET handled = 1 WHERE id = ?1")?.execute([wait.id.0])?;
    Ok(())
}

/// What was said of the task is not said any more: a mark that is to be delivered is not.
fn forget_marks(session: &Session<'_>, sensor: &str, wait: &Wait, task_id: &str) -> Result<(), StoreError> {
    let marks = "DELETE FROM marks WHERE wait_id = ?1 AND task_id = ?2";
    session.db.prepare_cached(marks)?.execute(params![wait.id.0, task_id])?;
    let task = "UPDATE tasks SET state = 'pending', updated_at = ?4 WHERE sensor = ?1 AND wait = ?2 AND task_id = ?3";
    session.db.prepare_cached(task)?.execute(params![sensor, wait.name, task_id, columns::now()])?;
    Ok(())
}
