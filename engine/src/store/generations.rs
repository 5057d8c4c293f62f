//! The builds of matchers that were loaded, or refused: which one judged when.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::{columns, error::StoreError, reader::Reader, writer::Session};

/// One build of a matcher.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Generation {
    pub matcher: String,
    /// Lower-case hexadecimal, of the file as it was given.
    pub sha256: String,
    /// The matcher's own version.
    pub version: String,
    /// The version of the contract that it was built for.
    pub interface: String,
    /// A path, or `built-in`.
    pub origin: String,
    pub loaded_at: Timestamp,
    pub state: GenerationState,
    /// Why it was refused, is quarantined, or serves no longer.
    pub reason: Option<String>,
    /// When it ceased to serve.
    pub ended_at: Option<Timestamp>,
}

/// What became of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum GenerationState {
    Serving,
    /// It kept failing: its topics wait.
    Quarantined,
    /// Another one took its place, or its file went.
    Retired,
    /// It failed while it was on probation.
    RolledBack,
    /// It never served.
    Refused,
}

impl GenerationState {
    const ALL: [Self; 5] = [Self::Serving, Self::Quarantined, Self::Retired, Self::RolledBack, Self::Refused];

    /// The word for it in the database and on the terminal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Quarantined => "quarantined",
            Self::Retired => "retired",
            Self::RolledBack => "rolled-back",
            Self::Refused => "refused",
        }
    }
}

pub(super) fn save(session: &mut Session<'_>, generation: &Generation) -> Result<(), StoreError> {
    if generation.state == GenerationState::Serving {
        let serves = "SELECT count(*) FROM generations WHERE matcher = ?1 AND state IN ('serving', 'quarantined') AND sha256 = ?2
                         AND origin = ?3 AND version = ?4 AND interface = ?5";
        let same =
            params![generation.matcher, generation.sha256, generation.origin, generation.version, generation.interface];
        if session.db.prepare_cached(serves)?.query_row(same, |row| row.get::<_, i64>(0))? > 0 {
            return Ok(());
        }
        retire(session, &generation.matcher)?;
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
    Ok(())
}

/// Whichever serves under the name serves no longer.
fn retire(session: &Session<'_>, matcher: &str) -> Result<(), StoreError> {
    let retire = "UPDATE generations SET state = 'retired', ended_at = ?2
                   WHERE matcher = ?1 AND state IN ('serving', 'quarantined')";
    session.db.prepare_cached(retire)?.execute(params![matcher, columns::now()])?;
    Ok(())
}

/// Notes what became of the generation that serves. Does nothing if another one does.
pub(super) fn note(
    session: &mut Session<'_>,
    matcher: &str,
    sha256: &str,
    state: GenerationState,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    let serves = matches!(state, GenerationState::Serving | GenerationState::Quarantined);
    let ended_at = (!serves).then(columns::now);
    let note = "UPDATE generations SET state = ?3, reason = ?4, ended_at = ?5
                 WHERE matcher = ?1 AND sha256 = ?2 AND state IN ('serving', 'quarantined')";
    session.db.prepare_cached(note)?.execute(params![matcher, sha256, state.word(), reason, ended_at])?;
    Ok(())
}

impl Reader {
    /// The builds of matchers, the newest first.
    pub fn generations(&self) -> Result<Vec<Generation>, StoreError> {
        let sql = "SELECT matcher, sha256, version, interface, origin, loaded_at, state, reason, ended_at
                     FROM generations ORDER BY id DESC";
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
    })
}
