//! Catching up: which wanted messages it is for, how far it has come, and what followed.
//!
//! That a rendering is to be caught up is noted in the transaction that makes it so ([`want`]), and forgotten when the scan
//! is over: whatever happens in between, the next start goes on. Progress moves with the matches.

mod asking;
mod looking;
mod wanting;

use rusqlite::{OptionalExtension, params};

use super::{
    columns,
    error::StoreError,
    record::{self, Books},
    writer::Session,
};
use crate::domain::{
    catch_up::{CaughtUp, ScanId, Stretch},
    wanted::WantedId,
};

pub use wanting::Occasion;
pub(super) use wanting::{came, changed, want};

/// So many rows change in one transaction: messages are recorded in between.
const AT_ONCE: i64 = 5_000;

/// The rows of so many finished scans are kept.
const SCANS_KEPT: i64 = 100;

/// A scan of a topic.
struct Begun {
    scan: ScanId,
    is_new: bool,
}

/// The scan of a topic that is planned, or a number for a new one.
fn begin(session: &mut Session<'_>, topic: &str) -> Result<Begun, StoreError> {
    let planned = "SELECT max(scan) FROM to_catch_up WHERE topic = ?1 AND scan IN (SELECT scan FROM catch_ups)";
    if let Some(scan) = session.db.prepare_cached(planned)?.query_row([topic], |row| row.get(0))? {
        return Ok(Begun { scan: ScanId(scan), is_new: false });
    }
    // Nobody waits any more for what such a scan would bring.
    let end = "UPDATE catch_ups SET state = 'done' WHERE topic = ?1 AND state = 'running'";
    session.db.prepare_cached(end)?.execute([topic])?;
    let gathered = "SELECT max(scan) FROM to_catch_up WHERE topic = ?1";
    let gathered: Option<i64> = session.db.prepare_cached(gathered)?.query_row([topic], |row| row.get(0))?;
    let new = "SELECT 1 + max(ifnull((SELECT max(scan) FROM to_catch_up), 0),
                              ifnull((SELECT max(scan) FROM catch_ups), 0))";
    let scan = gathered.map_or_else(|| session.db.prepare_cached(new)?.query_row([], |row| row.get(0)), Ok)?;
    Ok(Begun { scan: ScanId(scan), is_new: true })
}

/// Takes some of what waits into a scan, behind a wanted message. The answer says where to go on, if there is more.
fn gather(
    session: &mut Session<'_>,
    scan: ScanId,
    topic: &str,
    now: &str,
    after: WantedId,
) -> Result<Option<WantedId>, StoreError> {
    let last = "SELECT wanted_id FROM to_catch_up
                 WHERE topic = ?1 AND wanted_id > ?2 ORDER BY wanted_id LIMIT 1 OFFSET ?3";
    let last: Option<i64> =
        session.db.prepare_cached(last)?.query_row(params![topic, after.0, AT_ONCE], |row| row.get(0)).optional()?;
    let take = "UPDATE to_catch_up SET scan = ?1
                 WHERE topic = ?2 AND wanted_id > ?4 AND wanted_id <= ?5 AND scan IS NULL AND due_at <= ?3";
    let values = params![scan.0, topic, now, after.0, last.unwrap_or(i64::MAX)];
    session.db.prepare_cached(take)?.execute(values)?;
    Ok(last.map(WantedId))
}

/// Notes what a scan reads.
fn plan(session: &mut Session<'_>, scan: ScanId, stretches: &[Stretch]) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO catch_ups (scan, cluster, topic, \"partition\", epoch, since, first, next, cut, wanted, state,
                                      lacking, created_at, updated_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, 'running', ?10, ?11, ?11)";
    let now = columns::now();
    for Stretch { partition, since, first, cut, wanted, lacking } in stretches {
        session.db.prepare_cached(sql)?.execute(params![
            scan.0,
            partition.cluster,
            partition.topic,
            partition.number,
            partition.epoch,
            columns::instant(*since),
            first,
            cut,
            *wanted as i64,
            lacking,
            now,
        ])?;
    }
    Ok(())
}

/// Takes a piece whole and moves the scan with it. False: it is not where the piece begins, and nothing was written.
fn record(session: &mut Session<'_>, piece: &CaughtUp) -> Result<bool, StoreError> {
    let mut books = Books::open(session);
    let sql = "UPDATE catch_ups SET next = ?3, messages = messages + ?4, reason = NULL, updated_at = ?5,
                                    lacking = ifnull(?6, lacking),
                                    state = CASE WHEN ?3 >= cut THEN 'done' ELSE 'running' END
                WHERE id = ?1 AND next = ?2 AND state = 'running'";
    let values = params![piece.id.0, piece.from, piece.to, piece.messages as i64, books.now, piece.lacking];
    if books.db().prepare_cached(sql)?.execute(values)? == 0 {
        return Ok(false);
    }
    for near in &piece.near_misses {
        record::record_near_miss_once(&mut books, &piece.partition, near)?;
    }
    for found in &piece.matches {
        record::record_match_once(&mut books, &piece.partition, found)?;
    }
    Ok(true)
}

/// Notes why a scan does not get on.
fn note(session: &mut Session<'_>, scan: ScanId, reason: &str) -> Result<(), StoreError> {
    let sql = "UPDATE catch_ups SET reason = ?2, updated_at = ?3 WHERE scan = ?1 AND state = 'running'";
    session.db.prepare_cached(sql)?.execute(params![scan.0, reason, columns::now()])?;
    Ok(())
}

/// Forgets some of what a scan was for; false when nothing is left, and the scan is over.
fn finish(session: &mut Session<'_>, scan: ScanId, topic: &str) -> Result<bool, StoreError> {
    let forget = "DELETE FROM to_catch_up
                   WHERE topic = ?2 AND (wanted_id, business_date) IN
                         (SELECT wanted_id, business_date FROM to_catch_up WHERE topic = ?2 AND scan = ?1 LIMIT ?3)";
    if session.db.prepare_cached(forget)?.execute(params![scan.0, topic, AT_ONCE])? as i64 == AT_ONCE {
        return Ok(true);
    }
    // One whose wanted messages have gone meanwhile ends before its cut.
    let end = "UPDATE catch_ups SET state = 'done', updated_at = ?2 WHERE scan = ?1 AND state = 'running'";
    session.db.prepare_cached(end)?.execute(params![scan.0, columns::now()])?;
    let prune = "DELETE FROM catch_ups WHERE state = 'done' AND scan <= ?1 - ?2";
    session.db.prepare_cached(prune)?.execute([scan.0, SCANS_KEPT])?;
    Ok(false)
}

/// Forgets some of what waits, where there is no log to read back; false when nothing is left.
fn give_up(session: &mut Session<'_>, now: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM to_catch_up WHERE (topic, wanted_id, business_date) IN
                      (SELECT topic, wanted_id, business_date FROM to_catch_up WHERE due_at <= ?1 LIMIT ?2)";
    Ok(session.db.prepare_cached(sql)?.execute(params![now, AT_ONCE])? as i64 == AT_ONCE)
}

/// Notes that a business date of a calendar was rendered whole.
fn note_rendered_day(
    session: &mut Session<'_>,
    timezone: &str,
    day_shift_seconds: i64,
    date: &str,
) -> Result<(), StoreError> {
    let note = "INSERT INTO rendered_days VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    session.db.prepare_cached(note)?.execute(params![timezone, day_shift_seconds, date])?;
    let prune = "DELETE FROM rendered_days
                  WHERE timezone = ?1 AND day_shift_seconds = ?2 AND business_date < date(?3, '-400 days')";
    session.db.prepare_cached(prune)?.execute(params![timezone, day_shift_seconds, date])?;
    Ok(())
}
