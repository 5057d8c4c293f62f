//! What is to be caught up, and from when on.

use jiff::{Timestamp, civil::Date};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::{columns, error::StoreError, shape, writer::Session};
use crate::domain::{
    calendar::Calendar,
    catch_up::Target,
    wanted::WantedId,
    window::{Frequency, Window},
};

/// On what occasion a wanted message is rendered, which says what follows where the text is a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// No message met the date's text so far: those of earlier days of an open window did not meet it.
    NewDay,
    /// Messages of the date met another text.
    Anew,
    /// Messages are read back: nothing more follows.
    CatchUp,
}

/// What is known of a wanted message.
struct Known {
    topic: String,
    frequency: Frequency,
    calendar: Calendar,
    active_since: Timestamp,
}

/// Notes wanted messages that are awaited from now on: what came before in their windows is to be caught up.
pub(in crate::store) fn came(session: &Session<'_>, now: Timestamp, came: &[WantedId]) -> Result<(), StoreError> {
    for wanted in came {
        let Some(known) = known(session.db, *wanted)? else { continue };
        // A window that opens with the registration holds nothing from before; one that is back may have missed something.
        if known.frequency != Frequency::Once || was_rendered(session.db, *wanted)? {
            insert(session.db, *wanted, known.calendar.business_date(now), &known)?;
        }
    }
    Ok(())
}

/// Notes renderings of business dates that are to be caught up.
pub(in crate::store) fn want(session: &Session<'_>, targets: &[Target]) -> Result<(), StoreError> {
    for (wanted, date) in targets {
        if let Some(known) = known(session.db, *wanted)? {
            insert(session.db, *wanted, *date, &known)?;
        }
    }
    Ok(())
}

/// Notes what follows from a text that is another one than was in force on a date, or on the day before.
pub(in crate::store) fn changed(
    db: &Connection,
    wanted: WantedId,
    date: Date,
    occasion: Occasion,
) -> Result<(), StoreError> {
    let Some(known) = known(db, wanted)? else { return Ok(()) };
    let follows = match occasion {
        Occasion::Anew => true,
        Occasion::NewDay => known.looks_back(date) && known.calendar.business_date(known.active_since) <= date,
        Occasion::CatchUp => false,
    };
    if follows { insert(db, wanted, date, &known) } else { Ok(()) }
}

impl Known {
    /// Whether a window began before one of its dates.
    fn looks_back(&self, date: Date) -> bool {
        Window::on(self.frequency, date, &self.calendar).first_day < date
    }
}

fn known(db: &Connection, wanted: WantedId) -> Result<Option<Known>, StoreError> {
    let sql = "SELECT sensors.name, timezone, topic, frequency, day_shift_seconds, active_since
                 FROM wanted JOIN sensors ON sensors.id = sensor_id WHERE wanted.id = ?1";
    let row = db.prepare_cached(sql)?.query_row([wanted.0], |row| {
        let (name, zone): (String, String) = (row.get(0)?, row.get(1)?);
        let frequency = columns::read_frequency(row, 3)?;
        Ok((name, zone, row.get(2)?, frequency, row.get(4)?, columns::read_instant(row, 5)?))
    });
    let Some((name, zone, topic, frequency, day_shift_seconds, active_since)) = row.optional()? else {
        return Ok(None);
    };
    let calendar = Calendar::new(shape::zone(&name, &zone)?, day_shift_seconds);
    Ok(Some(Known { topic, frequency, calendar, active_since }))
}

fn was_rendered(db: &Connection, wanted: WantedId) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM renderings WHERE wanted_id = ?1)";
    Ok(db.prepare_cached(sql)?.query_row([wanted.0], |row| row.get(0))?)
}

/// What is wanted while a scan for it runs is caught up once more.
fn insert(db: &Connection, wanted: WantedId, date: Date, known: &Known) -> Result<(), StoreError> {
    let sql = "INSERT INTO to_catch_up (topic, wanted_id, business_date, due_at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET scan = NULL";
    let due_at = columns::instant(known.calendar.start_of(date));
    db.prepare_cached(sql)?.execute(params![known.topic, wanted.0, columns::date(date), due_at])?;
    Ok(())
}
