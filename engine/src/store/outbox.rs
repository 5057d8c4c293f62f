//! The outbox as people look at it, and what they do with it by hand.

use rusqlite::{OptionalExtension, Row, params};

use super::{MarkMode, Store, columns, error::StoreError, modules, reader::Reader, writer::Session};
use crate::domain::{
    dead_letter::Actor,
    mark::{MarkId, TaskState},
    outbox::{MarkFilter, MarkStatus, StoredMark},
};

impl Reader {
    /// The newest of the marks that are meant, older than one.
    pub fn marks(
        &self,
        filter: &MarkFilter,
        before: Option<MarkId>,
        limit: usize,
    ) -> Result<Vec<StoredMark>, StoreError> {
        // The word stands in the statement itself, so that the index of open marks serves.
        let status = filter.status.map(|status| format!("marks.status = '{}' AND", status.word())).unwrap_or_default();
        let sql = format!(
            "SELECT marks.id, sensors.name, waits.name, task_id, marks.state, marks.status, attempts, next_attempt_at,
                    behind, last_error, created_at, resolved_at
               FROM marks
               CROSS JOIN waits ON waits.id = wait_id
               CROSS JOIN sensors ON sensors.id = sensor_id
              WHERE {status} marks.id < ?1 AND (?2 IS NULL OR sensors.name = ?2)
              ORDER BY marks.id DESC LIMIT ?3"
        );
        let before = before.map_or(i64::MAX, |id| id.0);
        self.rows(&sql, params![before, filter.sensor, limit as i64], stored)
    }
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredMark> {
    const STATES: [TaskState; 3] = [TaskState::Success, TaskState::Failed, TaskState::Skipped];
    Ok(StoredMark {
        id: MarkId(row.get(0)?),
        sensor: row.get(1)?,
        wait: row.get(2)?,
        task_id: row.get(3)?,
        state: columns::read_word(row, 4, STATES, TaskState::word)?,
        status: columns::read_word(row, 5, MarkStatus::ALL, MarkStatus::word)?,
        attempts: row.get(6)?,
        next_attempt_at: columns::read_optional_instant(row, 7)?,
        behind: row.get(8)?,
        last_error: row.get(9)?,
        created_at: columns::read_instant(row, 10)?,
        resolved_at: columns::read_optional_instant(row, 11)?,
    })
}

/// Has marks tried again at once, those that were rejected too. The answer are those that will be: what is delivered, or had
/// its place taken, is not.
pub(super) fn retry(session: &mut Session<'_>, ids: &[MarkId], actor: Actor) -> Result<Vec<MarkId>, StoreError> {
    let mut retried = Vec::new();
    for id in ids {
        if session.mode != MarkMode::Local && retry_one(session, *id)? {
            modules::audit(session, actor, "mark retry", &format!("mark {}", id.0), None)?;
            retried.push(*id);
        }
    }
    session.marks_appeared |= !retried.is_empty();
    Ok(retried)
}

fn retry_one(session: &Session<'_>, id: MarkId) -> Result<bool, StoreError> {
    let update = "UPDATE marks SET status = 'pending', next_attempt_at = NULL, resolved_at = NULL,
                         behind = EXISTS (SELECT 1 FROM marks AS earlier
                                           WHERE earlier.status = 'pending' AND earlier.ordering_key = marks.ordering_key
                                             AND earlier.id < marks.id)
                   WHERE id = ?1 AND status IN ('pending', 'rejected')
                     AND NOT EXISTS (SELECT 1 FROM marks AS newer
                                      WHERE newer.wait_id = marks.wait_id AND newer.task_id = marks.task_id
                                        AND newer.id > marks.id)
                  RETURNING ordering_key";
    let mut statement = session.db.prepare_cached(update)?;
    let found: Option<Option<i64>> = statement.query_row([id.0], |row| row.get(0)).optional()?;
    // It is in its old place again: whoever was first behind it is not any more.
    if let Some(Some(key)) = found {
        let behind = "UPDATE marks SET behind = 1
                       WHERE status = 'pending' AND ordering_key = ?1 AND id > ?2 AND behind = 0";
        session.db.prepare_cached(behind)?.execute([key, id.0])?;
    }
    Ok(found.is_some())
}

impl Store {
    /// The newest of the marks that are meant, older than one.
    pub async fn marks(
        &self,
        filter: MarkFilter,
        before: Option<MarkId>,
        limit: usize,
    ) -> Result<Vec<StoredMark>, StoreError> {
        self.report(move |reader| reader.marks(&filter, before, limit)).await
    }

    /// Has marks tried again at once, also rejected ones. The answer are those that will be.
    pub async fn retry_marks(&self, ids: Vec<MarkId>, actor: Actor) -> Result<Vec<MarkId>, StoreError> {
        self.writer.call(move |session| retry(session, &ids, actor)).await
    }
}
