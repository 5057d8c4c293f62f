//! The builds of matchers that were loaded, or refused: which one judged when.

use rusqlite::{Row, params};

use super::{columns, error::StoreError, reader::Reader, writer::Session};
use crate::domain::{
    change::Change,
    generation::{Generation, GenerationState},
    usage::MatcherUsage,
};

pub(super) fn save(session: &mut Session<'_>, generation: &Generation) -> Result<(), StoreError> {
    if generation.state == GenerationState::Serving {
        if serves_again(session, generation)? {
            return Ok(());
        }
        retire(session, &generation.matcher)?;
    }
    if generation.state == GenerationState::Refused && is_refused(session, generation)? {
        return Ok(());
    }
    let insert = "INSERT INTO generations (matcher, sha256, version, interface, origin, loaded_at, state, reason,
                                           ended_at)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    session.db.prepare_cached(insert)?.execute(params![
        generation.matcher,
        generation.sha256,
        generation.version,
        generation.interface,
        generation.origin,
        columns::instant(generation.loaded_at),
        generation.state.word(),
        generation.reason,
        generation.ended_at.map(columns::instant),
    ])?;
    tell(session, &generation.matcher, &generation.sha256, generation.state);
    Ok(())
}

fn tell(session: &Session<'_>, matcher: &str, sha256: &str, state: GenerationState) {
    session.tell(Change::MatcherChanged { matcher: matcher.to_owned(), sha256: sha256.to_owned(), state });
}

/// Whether the build that serves is this one. Whatever kept it from judging was in the past.
fn serves_again(session: &Session<'_>, it: &Generation) -> Result<bool, StoreError> {
    let serves = "UPDATE generations SET state = 'serving', reason = NULL
                   WHERE matcher = ?1 AND state IN ('serving', 'quarantined') AND sha256 = ?2 AND origin = ?3
                     AND version = ?4 AND interface = ?5";
    let same = params![it.matcher, it.sha256, it.origin, it.version, it.interface];
    Ok(session.db.prepare_cached(serves)?.execute(same)? > 0)
}

/// Whether the last that is known of a file is that it was refused for the same reason.
fn is_refused(session: &Session<'_>, it: &Generation) -> Result<bool, StoreError> {
    let last = "SELECT count(*) FROM generations
                 WHERE id = (SELECT max(id) FROM generations WHERE matcher = ?1 AND origin = ?2)
                   AND sha256 = ?3 AND state = 'refused' AND reason IS ?4";
    let same = params![it.matcher, it.origin, it.sha256, it.reason];
    Ok(session.db.prepare_cached(last)?.query_row(same, |row| row.get::<_, i64>(0))? > 0)
}

/// Whichever serves under the name serves no longer.
fn retire(session: &Session<'_>, matcher: &str) -> Result<(), StoreError> {
    let retire = "UPDATE generations SET state = 'retired', ended_at = ?2
                   WHERE matcher = ?1 AND state IN ('serving', 'quarantined')";
    session.db.prepare_cached(retire)?.execute(params![matcher, columns::now()])?;
    Ok(())
}

/// Notes what became of the generation that serves, or served. Does nothing if another one does.
pub(super) fn note(
    session: &mut Session<'_>,
    matcher: &str,
    sha256: &str,
    state: GenerationState,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    let serves = matches!(state, GenerationState::Serving | GenerationState::Quarantined);
    let ended_at = (!serves).then(columns::now);
    // The newest of that name and file: one that was rolled back by hand has been retired already.
    let note = "UPDATE generations SET state = ?3, reason = ?4, ended_at = ifnull(ended_at, ?5)
                 WHERE id = (SELECT max(id) FROM generations WHERE matcher = ?1 AND sha256 = ?2 AND state <> 'refused')
                   AND (state IN ('serving', 'quarantined') OR ?3 = 'rolled-back')";
    if session.db.prepare_cached(note)?.execute(params![matcher, sha256, state.word(), reason, ended_at])? > 0 {
        tell(session, matcher, sha256, state);
    }
    Ok(())
}

impl Reader {
    /// The builds of matchers, the newest first.
    pub fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        let sql = "SELECT matcher, sha256, version, interface, origin, loaded_at, state, reason, ended_at,
                          ifnull(cpu_us, 0), ifnull(calls, 0), ifnull(messages, 0), ifnull(bytes, 0),
                          ifnull(peak_memory, 0)
                     FROM generations LEFT JOIN matcher_usage USING (matcher, sha256) ORDER BY id DESC";
        self.rows(sql, [], generation)
    }
}

fn generation(row: &Row<'_>) -> rusqlite::Result<Generation> {
    Ok(Generation {
        matcher: row.get(0)?,
        sha256: row.get(1)?,
        version: row.get(2)?,
        interface: row.get(3)?,
        origin: row.get(4)?,
        loaded_at: columns::read_instant(row, 5)?,
        state: columns::read_word(row, 6, GenerationState::ALL, GenerationState::word)?,
        reason: row.get(7)?,
        ended_at: columns::read_optional_instant(row, 8)?,
        usage: usage(row)?,
    })
}

fn usage(row: &Row<'_>) -> rusqlite::Result<MatcherUsage> {
    let figure = |column: usize| row.get::<_, i64>(column).map(i64::cast_unsigned);
    let (cpu_us, calls, messages, bytes) = (figure(9)?, figure(10)?, figure(11)?, figure(12)?);
    Ok(MatcherUsage { cpu_us, calls, messages, bytes, peak_memory: figure(13)? })
}
