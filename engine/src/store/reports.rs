//! What is to be told of waits that ended with something missing: recorded with the end, sent by somebody else.
//!
//! Like marks, but what goes out together stays together: whoever gets it twice can tell by its number.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use super::{
    Store, columns,
    error::StoreError,
    reader::{Reader, rows},
    record::Books,
    writer::Session,
};
use crate::domain::{
    mark::Outcome,
    report::{Batch, ReportId, ReportKind},
    wait::WaitId,
};

/// So many waits are told of at once.
const TOGETHER: i64 = 200;

/// A wait ended at its deadline with something missing.
pub(super) fn missing(books: &Books<'_, '_>, wait: WaitId) -> Result<(), StoreError> {
    let sql = "INSERT INTO reports (wait_id, kind, channel, state, created_at)
               SELECT ?1, 'missing', name, 'pending', ?2 FROM report_channels WHERE true ON CONFLICT DO NOTHING";
    books.db().prepare_cached(sql)?.execute(params![wait.0, books.now])?;
    Ok(())
}

/// What was missing came after all: told to those who were told that it was missing.
pub(super) fn healed(books: &Books<'_, '_>, wait: WaitId) -> Result<(), StoreError> {
    let sql = "INSERT INTO reports (wait_id, kind, channel, state, created_at)
               SELECT wait_id, 'healed', channel, 'pending', ?2 FROM reports
                WHERE wait_id = ?1 AND kind = 'missing' AND channel IN (SELECT name FROM report_channels)
               ON CONFLICT DO NOTHING";
    books.db().prepare_cached(sql)?.execute(params![wait.0, books.now])?;
    Ok(())
}

impl Store {
    /// Says who is told from now on. What others were to be told nobody is any more.
    pub async fn report_to(&self, channels: Vec<&'static str>) -> Result<(), StoreError> {
        self.writer.call(move |session| set_channels(session, &channels)).await
    }

    /// Gathers what was not gathered yet, where the first of it came about before an instant.
    pub async fn gather_reports(&self, channel: &'static str, before: Timestamp) -> Result<(), StoreError> {
        self.writer.call(move |session| gather(session, channel, before)).await
    }

    /// Whether something is to be gathered for a channel.
    pub async fn has_reports_to_gather(&self, channel: &'static str) -> Result<bool, StoreError> {
        self.read(move |reader| reader.has_reports_to_gather(channel)).await
    }

    /// What is to be sent to a channel next, if it is due.
    pub async fn due_report(&self, channel: &'static str, now: Timestamp) -> Result<Option<Batch>, StoreError> {
        self.read(move |reader| reader.due_report(channel, now)).await
    }

    /// Notes what came of an attempt to send a batch.
    pub async fn resolve_report(&self, batch: ReportId, outcome: Outcome) -> Result<(), StoreError> {
        self.writer.call(move |session| resolve(session, batch, &outcome)).await
    }
}

fn set_channels(session: &mut Session<'_>, channels: &[&str]) -> Result<(), StoreError> {
    session.db.prepare_cached("DELETE FROM report_channels")?.execute([])?;
    for channel in channels {
        session.db.prepare_cached("INSERT INTO report_channels VALUES (?1)")?.execute([channel])?;
    }
    let sql =
        "UPDATE reports SET state = 'failed', last_error = 'its channel is not configured any more', resolved_at = ?1
                WHERE state = 'pending' AND channel NOT IN (SELECT name FROM report_channels)";
    session.db.prepare_cached(sql)?.execute([columns::now()])?;
    Ok(())
}

fn gather(session: &mut Session<'_>, channel: &str, before: Timestamp) -> Result<(), StoreError> {
    let sql = "WITH gathered AS (SELECT id FROM reports
                                  WHERE channel = ?1 AND state = 'pending' AND batch IS NULL
                                  ORDER BY id LIMIT ?3)
               UPDATE reports SET batch = (SELECT min(id) FROM gathered) WHERE id IN (SELECT id FROM gathered)
                  AND (SELECT min(created_at) FROM reports WHERE channel = ?1 AND state = 'pending' AND batch IS NULL) <= ?2";
    session.db.prepare_cached(sql)?.execute(params![channel, columns::instant(before), TOGETHER])?;
    Ok(())
}

fn resolve(session: &mut Session<'_>, batch: ReportId, outcome: &Outcome) -> Result<(), StoreError> {
    let now = columns::now();
    let (state, next, error, resolved) = match outcome {
        Outcome::Delivered => ("sent", None, None, Some(&now)),
        Outcome::Retry { at, reason } => ("pending", Some(columns::instant(*at)), Some(reason), None),
        Outcome::Rejected { reason } => ("failed", None, Some(reason), Some(&now)),
    };
    let sql = "UPDATE reports SET attempts = attempts + 1, state = ?2, next_attempt_at = ?3, last_error = ?4,
                                  resolved_at = ?5
                WHERE batch = ?1 AND state = 'pending'";
    session.db.prepare_cached(sql)?.execute(params![batch.0, state, next, error, resolved])?;
    Ok(())
}

impl Reader {
    /// Whether something is to be gathered for a channel.
    pub fn has_reports_to_gather(&self, channel: &str) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM reports WHERE channel = ?1 AND state = 'pending' AND batch IS NULL)";
        self.with(|db| Ok(db.prepare_cached(sql)?.query_row([channel], |row| row.get(0))?))
    }

    /// What is to be sent to a channel next, if it is due.
    pub fn due_report(&self, channel: &str, now: Timestamp) -> Result<Option<Batch>, StoreError> {
        let sql = "SELECT batch, attempts FROM reports
                    WHERE channel = ?1 AND state = 'pending' AND batch IS NOT NULL
                      AND ifnull(next_attempt_at, '') <= ?2
                    ORDER BY ifnull(next_attempt_at, ''), id LIMIT 1";
        self.with(|db| {
            let first = |row: &Row<'_>| Ok((ReportId(row.get(0)?), row.get(1)?));
            let found = db.prepare_cached(sql)?.query_row(params![channel, columns::instant(now)], first).optional()?;
            let Some((id, attempts)) = found else { return Ok(None) };
            let sql = "SELECT kind, wait_id FROM reports WHERE batch = ?1 AND state = 'pending' ORDER BY id";
            Ok(Some(Batch { id, attempts, entries: rows(db, sql, [id.0], entry)? }))
        })
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<(ReportKind, WaitId)> {
    Ok((columns::read_word(row, 0, ReportKind::ALL, ReportKind::word)?, WaitId(row.get(1)?)))
}
