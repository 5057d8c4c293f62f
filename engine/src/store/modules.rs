//! The files of builds that served, and which of them are pinned.

use rusqlite::{OptionalExtension, params};

use super::{columns, error::StoreError, reader::Reader, writer::Session};
use crate::domain::dead_letter::Actor;

/// Of each matcher the files of so many builds are kept.
const KEPT: i64 = 10;

/// Keeps a build's file, and forgets those of builds long past.
pub(super) fn keep(session: &Session<'_>, sha256: &str, wasm: &[u8]) -> Result<(), StoreError> {
    let known = "SELECT count(*) FROM modules WHERE sha256 = ?1";
    if session.db.prepare_cached(known)?.query_row([sha256], |row| row.get::<_, i64>(0))? > 0 {
        return Ok(());
    }
    let keep = "INSERT INTO modules (sha256, wasm, kept_at) VALUES (?1, ?2, ?3)";
    session.db.prepare_cached(keep)?.execute(params![sha256, wasm, columns::now()])?;
    let forget = "DELETE FROM modules
                   WHERE sha256 <> ?1 AND sha256 NOT IN (SELECT sha256 FROM pins)
                     AND sha256 NOT IN (SELECT sha256 FROM candidates) AND sha256 NOT IN
                         (SELECT sha256 FROM
                             (SELECT sha256, row_number() OVER (PARTITION BY matcher ORDER BY max(id) DESC) AS age
                                FROM generations WHERE state <> 'refused' GROUP BY matcher, sha256)
                           WHERE age <= ?2)";
    session.db.prepare_cached(forget)?.execute(params![sha256, KEPT])?;
    Ok(())
}

/// Pins a matcher to a build whose file is kept, or unpins it.
pub(super) fn pin(session: &Session<'_>, matcher: &str, sha256: Option<&str>) -> Result<(), StoreError> {
    match sha256 {
        None => session.db.prepare_cached("DELETE FROM pins WHERE matcher = ?1")?.execute([matcher])?,
        Some(sha256) => {
            let pin = "INSERT INTO pins (matcher, sha256, pinned_at) VALUES (?1, ?2, ?3)
                       ON CONFLICT (matcher) DO UPDATE SET sha256 = excluded.sha256, pinned_at = excluded.pinned_at";
            session.db.prepare_cached(pin)?.execute(params![matcher, sha256, columns::now()])?
        }
    };
    Ok(())
}

/// Has a pin follow from a build that failed to the one that serves in its place; one that is built in needs none.
pub(super) fn pin_instead(session: &Session<'_>, matcher: &str, failed: &str, now: &str) -> Result<(), StoreError> {
    let pin = "UPDATE pins SET sha256 = ?3
                WHERE matcher = ?1 AND sha256 = ?2 AND ?3 IN (SELECT sha256 FROM modules)";
    session.db.prepare_cached(pin)?.execute([matcher, failed, now])?;
    let unpin = "DELETE FROM pins WHERE matcher = ?1 AND sha256 = ?2 AND sha256 <> ?3";
    session.db.prepare_cached(unpin)?.execute([matcher, failed, now])?;
    Ok(())
}

/// Notes who did what with a matcher by hand.
pub(super) fn audit(
    session: &Session<'_>,
    actor: Actor,
    action: &str,
    subject: &str,
    detail: Option<&str>,
) -> Result<(), StoreError> {
    let audit = "INSERT INTO audit (at, actor, action, subject, detail) VALUES (?1, ?2, ?3, ?4, json_quote(?5))";
    session.db.prepare_cached(audit)?.execute(params![columns::now(), actor.word(), action, subject, detail])?;
    Ok(())
}

impl Reader {
    /// A build's file, if it is kept.
    pub fn module(&self, sha256: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|db| {
            let mut statement = db.prepare_cached("SELECT wasm FROM modules WHERE sha256 = ?1")?;
            Ok(statement.query_row([sha256], |row| row.get(0)).optional()?)
        })
    }

    /// The pinned matchers with the sha256 of their builds.
    pub fn pins(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.rows("SELECT matcher, sha256 FROM pins ORDER BY matcher", [], |row| Ok((row.get(0)?, row.get(1)?)))
    }
}
