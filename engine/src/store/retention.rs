//! What is long past is forgotten, piece by piece, so that messages are recorded in between.
//!
//! A wait goes when it has ended and none of its windows is open; a match when no window that it lies in is open, and no
//! mark rests on it. Definitions, windows and the audit stay: they are small.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::{columns, error::StoreError, reader::rows, writer::Session};

/// So many rows are looked at in one transaction.
const PIECE: i64 = 1_000;

/// Where to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgetting {
    what: What,
    after: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Waits,
    Matches,
    NearMisses,
    DeadLetters,
}

impl Default for Forgetting {
    fn default() -> Self {
        // Waits first: their marks hold matches.
        Self::from_the_start(What::Waits)
    }
}

impl Forgetting {
    fn from_the_start(what: What) -> Self {
        Self { what, after: 0 }
    }

    /// The rows of a piece, from the oldest on; those that may go; and what goes with them.
    fn queries(self) -> (&'static str, &'static str) {
        match self.what {
            What::Waits => (
                "SELECT id, state <> 'waiting' AND ended_at < ?2 AND closes_at < ?2, opened_at >= ?2 FROM waits
                  WHERE id > ?1 ORDER BY id LIMIT ?3",
                "waits",
            ),
            What::Matches => (
                "SELECT matches.id, closes_at < ?2 AND NOT EXISTS (SELECT 1 FROM marks WHERE match_id = matches.id),
                        recorded_at >= ?2
                   FROM matches CROSS JOIN windows ON windows.id = window_id
                  WHERE matches.id > ?1 ORDER BY matches.id LIMIT ?3",
                "matches",
            ),
            What::NearMisses => (
                "SELECT near_misses.id, closes_at < ?2, recorded_at >= ?2
                   FROM near_misses CROSS JOIN windows ON windows.id = window_id
                  WHERE near_misses.id > ?1 ORDER BY near_misses.id LIMIT ?3",
                "near_misses",
            ),
            What::DeadLetters => (
                "SELECT id, recorded_at < ?2, recorded_at >= ?2 FROM dead_letters WHERE id > ?1 ORDER BY id LIMIT ?3",
                "dead_letters",
            ),
        }
    }

    fn next(self, last: Option<i64>) -> Option<Self> {
        match (last, self.what) {
            (Some(after), _) => Some(Self { after, ..self }),
            (None, What::Waits) => Some(Self::from_the_start(What::Matches)),
            (None, What::Matches) => Some(Self::from_the_start(What::NearMisses)),
            (None, What::NearMisses) => Some(Self::from_the_start(What::DeadLetters)),
            (None, What::DeadLetters) => None,
        }
    }
}

/// Forgets a piece of what was over before an instant. The answer is how many rows went and where to go on; none: that was
/// all.
pub(super) fn forget(
    session: &mut Session<'_>,
    before: Timestamp,
    piece: Forgetting,
) -> Result<(usize, Option<Forgetting>), StoreError> {
    let (query, table) = piece.queries();
    let values = params![piece.after, columns::instant(before), PIECE];
    let looked_at = rows(session.db, query, values, looked_at)?;
    // Rows are about as old as their numbers say: behind one that is young nothing is looked for.
    let last = looked_at.last().filter(|last| !last.is_young).map(|last| last.id);
    let over = looked_at.iter().filter(|row| row.is_over).map(|row| row.id);
    let mut gone = 0;
    for id in over {
        if piece.what == What::Waits {
            forget_what_belongs_to(session, id)?;
        }
        gone += session.db.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?.execute([id])?;
    }
    Ok((gone, piece.next(last)))
}

/// A row of a piece.
struct LookedAt {
    id: i64,
    is_over: bool,
    is_young: bool,
}

fn looked_at(row: &Row<'_>) -> rusqlite::Result<LookedAt> {
    Ok(LookedAt { id: row.get(0)?, is_over: row.get::<_, Option<bool>>(1)?.unwrap_or(false), is_young: row.get(2)? })
}

fn forget_what_belongs_to(session: &Session<'_>, wait: i64) -> Result<(), StoreError> {
    let tasks = "DELETE FROM tasks WHERE (sensor, wait) =
                    (SELECT sensors.name, waits.name FROM waits JOIN sensors ON sensors.id = sensor_id
                      WHERE waits.id = ?1)";
    let marks = "DELETE FROM marks WHERE wait_id = ?1";
    let handled = "DELETE FROM handled WHERE wait_id = ?1";
    let reports = "DELETE FROM reports WHERE wait_id = ?1";
    for sql in [tasks, marks, handled, reports] {
        session.db.prepare_cached(sql)?.execute([wait])?;
    }
    Ok(())
}
