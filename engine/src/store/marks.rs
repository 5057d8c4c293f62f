//! The outbox: marks recorded with what they follow from, delivered by somebody else, or settled at once.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{MarkMode, columns, error::StoreError, ordering, reader::Reader, writer::Session};
use crate::domain::{
    change::Change,
    mark::{Evidence, Mark, MarkId, MarkKind, Outcome, TaskState},
    ordering::OrderingKey,
    recording::Carried,
    wait::WaitId,
};

/// One task of one wait.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) sensor: &'a str,
    pub(super) wait: &'a str,
    pub(super) wait_id: WaitId,
    pub(super) task_id: &'a str,
    pub(super) kind: MarkKind,
}

/// Shows a task of a wait that has just opened as pending, where the tasks are ours.
pub(super) fn await_task(session: &Session<'_>, task: Task<'_>, now: &str) -> Result<(), StoreError> {
    if session.mode == MarkMode::Local {
        let insert = "INSERT INTO tasks (sensor, wait, task_id, state, updated_at) VALUES (?1, ?2, ?3, 'pending', ?4)
                      ON CONFLICT DO NOTHING";
        session.db.prepare_cached(insert)?.execute([task.sensor, task.wait, task.task_id, now])?;
    }
    Ok(())
}

/// Marks a task once: the same state of the same task again changes nothing.
pub(super) fn mark(
    session: &mut Session<'_>,
    task: Task<'_>,
    state: TaskState,
    evidence: Option<i64>,
    now: &str,
) -> Result<(), StoreError> {
    let (status, resolved_at, key) = match session.mode {
        MarkMode::Local => ("delivered", Some(now), None),
        MarkMode::Outbox(_) if task.kind != MarkKind::Task => ("pending", None, None),
        MarkMode::Outbox(order) => ("pending", None, ordering::key(session.db, order, evidence)?),
    };
    let insert = "INSERT INTO marks (wait_id, task_id, state, match_id, status, created_at, resolved_at, kind,
                                     ordering_key, behind)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?9, ?8,
                          EXISTS (SELECT 1 FROM marks WHERE status = 'pending' AND ordering_key = ?8))
                  ON CONFLICT DO NOTHING";
    let key = key.map(|key| key.0);
    let kind = task.kind.word();
    let values = params![task.wait_id.0, task.task_id, state.word(), evidence, status, now, resolved_at, key, kind];
    if session.db.prepare_cached(insert)?.execute(values)? == 0 {
        return Ok(());
    }
    let (sensor, wait, task_id) = (task.sensor.to_owned(), task.wait.to_owned(), task.task_id.to_owned());
    session.tell(Change::TaskMarked { sensor, wait, task_id, state });
    match session.mode {
        MarkMode::Local => settle(session, task, state, now),
        MarkMode::Outbox(_) => {
            session.marks_appeared = true;
            supersede(session, task, state, now)
        }
    }
}

fn settle(session: &Session<'_>, task: Task<'_>, state: TaskState, now: &str) -> Result<(), StoreError> {
    let upsert = "INSERT INTO tasks (sensor, wait, task_id, state, updated_at) VALUES (?1, ?2, ?3, ?4, ?5)
                  ON CONFLICT DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at";
    session.db.prepare_cached(upsert)?.execute([task.sensor, task.wait, task.task_id, state.word(), now])?;
    Ok(())
}

/// Where the tasks are ours now and were not before: what was still to be delivered is settled.
pub(super) fn settle_left_over(db: &Connection) -> Result<(), StoreError> {
    let now = columns::now();
    let transaction = db.unchecked_transaction()?;
    let tasks = "INSERT INTO tasks (sensor, wait, task_id, state, updated_at)
                 SELECT sensors.name, waits.name, marks.task_id, marks.state, ?1
                   FROM marks JOIN waits ON waits.id = marks.wait_id JOIN sensors ON sensors.id = waits.sensor_id
                  WHERE marks.status = 'pending'
                 ON CONFLICT DO UPDATE SET state = excluded.state, updated_at = excluded.updated_at";
    transaction.execute(tasks, [&now])?;
    let marks = "UPDATE marks SET status = 'delivered', resolved_at = ?1 WHERE status = 'pending'";
    transaction.execute(marks, [&now])?;
    Ok(transaction.commit()?)
}

fn supersede(session: &Session<'_>, task: Task<'_>, state: TaskState, now: &str) -> Result<(), StoreError> {
    let update = "UPDATE marks SET status = 'superseded', resolved_at = ?4
                   WHERE wait_id = ?1 AND task_id = ?2 AND state <> ?3 AND status = 'pending'";
    session.db.prepare_cached(update)?.execute(params![task.wait_id.0, task.task_id, state.word(), now])?;
    Ok(())
}

/// Notes what came of attempts. A mark that was superseded meanwhile stays so.
pub(super) fn resolve(session: &mut Session<'_>, outcomes: &[(MarkId, Outcome)]) -> Result<(), StoreError> {
    let now = columns::now();
    let update = "UPDATE marks SET attempts = attempts + 1, status = ?2, next_attempt_at = ?3, last_error = ?4,
                                   resolved_at = ?5
                   WHERE id = ?1 AND status = 'pending'";
    let mut update = session.db.prepare_cached(update)?;
    for (id, outcome) in outcomes {
        let (status, next, error, resolved) = match outcome {
            Outcome::Delivered => ("delivered", None, None, Some(&now)),
            Outcome::Retry { at, reason } => ("pending", Some(columns::instant(*at)), Some(reason), None),
            Outcome::Rejected { reason } => ("rejected", None, Some(reason), Some(&now)),
        };
        if update.execute(params![id.0, status, next, error, resolved])? > 0 && resolved.is_some() {
            tell_if_settled(session, wait_of(session.db, *id)?)?;
        }
    }
    Ok(())
}

fn wait_of(db: &Connection, id: MarkId) -> Result<WaitId, StoreError> {
    let sql = "SELECT wait_id FROM marks WHERE id = ?1";
    Ok(db.prepare_cached(sql)?.query_row([id.0], |row| row.get(0).map(WaitId))?)
}

/// Tells that a wait has ended and that nothing of it is to be told to the outside any more, where that is so.
pub(super) fn tell_if_settled(session: &Session<'_>, wait: WaitId) -> Result<(), StoreError> {
    let sql = "SELECT sensors.name, waits.name, waits.state FROM waits JOIN sensors ON sensors.id = sensor_id
                WHERE waits.id = ?1 AND waits.state <> 'waiting'
                  AND NOT EXISTS (SELECT 1 FROM marks WHERE wait_id = waits.id AND status = 'pending')";
    let mut statement = session.db.prepare_cached(sql)?;
    let settled = statement.query_row([wait.0], |row| {
        Ok(Change::WaitSettled { sensor: row.get(0)?, wait: row.get(1)?, state: columns::read_wait_state(row, 2)? })
    });
    if let Some(settled) = settled.optional()? {
        session.tell(settled);
    }
    Ok(())
}

impl Reader {
    /// How many marks were tried in vain and are tried again, and why the newest of them was.
    pub fn marks_in_trouble(&self) -> Result<Option<(i64, String)>, StoreError> {
        let sql = "SELECT count(*), ifnull((SELECT last_error FROM marks WHERE status = 'pending' AND attempts > 0
                                             ORDER BY id DESC LIMIT 1), '')
                     FROM marks WHERE status = 'pending' AND attempts > 0";
        let found =
            self.with(|db| Ok(db.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?))?;
        Ok(Some(found).filter(|(number, _)| *number > 0))
    }

    /// The marks that are due, the longest due first.
    pub fn pending_marks(&self, now: Timestamp, limit: usize) -> Result<Vec<Mark>, StoreError> {
        let sql = "SELECT marks.id, sensors.name, waits.name, waits.business_date, marks.task_id, marks.state,
                          marks.attempts, marks.match_id IS NOT NULL,
                          matches.cluster, matches.topic, matches.\"partition\", matches.epoch, matches.\"offset\",
                          matches.matcher, matches.sha256, matches.event_time, matches.arrival,
                          matches.message_key, matches.traceparent, matches.tracestate, waits.id, marks.ordering_key,
                          marks.kind, waits.target, max(waits.closes_at, ifnull(waits.deadline, ''))
                     FROM marks
                     JOIN waits ON waits.id = marks.wait_id
                     JOIN sensors ON sensors.id = waits.sensor_id
                     LEFT JOIN matches ON matches.id = marks.match_id
                    WHERE marks.status = 'pending' AND marks.behind = 0 AND ifnull(marks.next_attempt_at, '') <= ?1
                      AND (marks.kind = 'task' OR NOT EXISTS (
                               SELECT 1 FROM marks AS others WHERE others.wait_id = marks.wait_id
                                  AND others.status = 'pending' AND others.kind = 'task'))
                    ORDER BY ifnull(marks.next_attempt_at, ''), marks.id LIMIT ?2";
        self.rows(sql, params![columns::instant(now), limit as i64], pending)
    }

    /// When the next mark that is not due yet will be.
    pub fn next_mark_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT next_attempt_at FROM marks
                    WHERE status = 'pending' AND behind = 0 AND ifnull(next_attempt_at, '') > ?1
                    ORDER BY ifnull(next_attempt_at, '') LIMIT 1";
        self.with(|db| {
            let mut statement = db.prepare_cached(sql)?;
            let next = statement.query_row([columns::instant(now)], |row| columns::read_instant(row, 0));
            Ok(next.optional()?)
        })
    }
}

fn pending(row: &Row<'_>) -> rusqlite::Result<Mark> {
    const STATES: [TaskState; 3] = [TaskState::Success, TaskState::Failed, TaskState::Skipped];
    let has_evidence: bool = row.get(7)?;
    Ok(Mark {
        id: MarkId(row.get(0)?),
        sensor: row.get(1)?,
        wait_id: WaitId(row.get(20)?),
        wait: row.get(2)?,
        business_date: columns::read_date(row, 3)?,
        task_id: row.get(4)?,
        kind: columns::read_word(row, 22, MarkKind::ALL, MarkKind::word)?,
        target: columns::read_target(row, 23)?,
        expected_until: columns::read_instant(row, 24)?,
        state: columns::read_word(row, 5, STATES, TaskState::word)?,
        evidence: has_evidence.then(|| evidence(row)).transpose()?,
        attempts: row.get(6)?,
        ordering_key: row.get::<_, Option<i64>>(21)?.map(OrderingKey),
    })
}

fn evidence(row: &Row<'_>) -> rusqlite::Result<Evidence> {
    Ok(Evidence {
        position: columns::read_position(row, 8)?,
        matcher: row.get(13)?,
        sha256: row.get(14)?,
        event_time: columns::read_optional_instant(row, 15)?,
        arrival: columns::read_instant(row, 16)?,
        carried: Carried { key: row.get(17)?, trace: columns::read_trace(row, 18)? },
    })
}
