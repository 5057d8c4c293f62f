//! Waits on sensors: opened, credited with matches, completed, ended at their deadlines.
//!
//! A wait has a business date, and counts the matches of the windows that hold it, one window of each wanted message's
//! frequency. Its rendering must have the text that was in force when it came, or on the business date where it came before.
//! What arrives at the deadline or later is late. So the outcome is one of the facts and not of the order in which they came, nor of when the service was down.
//!
//! Start at [`credit`], which lets one new match do what it can; [`judging`] looks at all that a wait rests on.

mod ending;
mod facts;
mod handling;
mod judging;
mod known;
mod looking;
mod opening;

use jiff::{
    Timestamp,
    civil::{Date, Time},
};
use rusqlite::{Connection, Row, params};

use super::{
    columns,
    error::StoreError,
    marks::Task,
    reader::rows,
    record::Books,
    shape::{Shape, WantedShape},
};
use crate::domain::{
    mark::MarkKind,
    recording::Sighting,
    sensor::{Late, SensorId},
    wait::{Deadline, OnTimeout, WaitId, WaitState},
    wanted::WantedId,
    window::{Frequency, Window},
};

pub use ending::DueWait;
pub(super) use ending::{by_id, cancel, cancel_all, end};
pub(super) use facts::{Span, counted, fulfilled};
pub(super) use handling::handle;
pub(super) use judging::{Stands, look};
pub(super) use known::Known;
pub use opening::{Accepts, WaitsToOpen};
pub(super) use opening::{name_of, open_current, open_requested};

/// A wait, as far as its judgement goes.
pub(super) struct Wait {
    pub(super) id: WaitId,
    pub(super) name: String,
    pub(super) business_date: Date,
    /// An instant in the hour that counts, where messages are wanted hourly.
    pub(super) hour: Option<Timestamp>,
    pub(super) state: WaitState,
    pub(super) opened_at: Timestamp,
    pub(super) deadline: Option<Timestamp>,
    /// The deadline is the earliest end of a window with something pending.
    pub(super) moving: bool,
    pub(super) on_timeout: OnTimeout,
    pub(super) late: Late,
    /// It opened with its window.
    pub(super) with_window: bool,
    /// One of the wanted messages that are not here yet: nothing can be complete before that one is.
    pub(super) lacks: Option<WantedId>,
    /// Somebody decided something on it by hand.
    pub(super) handled: bool,
}

/// Reads waits with [`wait`]; what follows says which.
macro_rules! select_waits {
    ($which:literal) => {
        concat!(
            "SELECT id, name, business_date, hour, state, opened_at, deadline, moving, on_timeout, late,
                    window_id IS NOT NULL, lacks, handled
               FROM waits ",
            $which
        )
    };
}
use select_waits;

impl Wait {
    /// The window of a wanted message that counts.
    pub(super) fn window(&self, shape: &Shape, wanted: &WantedShape) -> Window {
        let calendar = shape.calendar(wanted);
        match wanted.frequency {
            Frequency::Hour => {
                let start = || calendar.instant_of(self.business_date.to_datetime(Time::midnight()));
                Window::at(Frequency::Hour, self.hour.unwrap_or_else(start), &calendar)
            }
            Frequency::Once => {
                Window { opens: wanted.registered_at, ..Window::on(Frequency::Once, self.business_date, &calendar) }
            }
            frequency => Window::on(frequency, self.business_date, &calendar),
        }
    }

    pub(super) fn task<'a>(&'a self, shape: &'a Shape, task_id: &'a str) -> Task<'a> {
        Task { sensor: &shape.name, wait: &self.name, wait_id: self.id, task_id, kind: MarkKind::Task }
    }

    fn give_up(&self) -> Deadline {
        match self.deadline {
            _ if self.moving => Deadline::Moving,
            Some(deadline) => Deadline::At(deadline),
            None => Deadline::Never,
        }
    }
}

/// Lets a new match do what it can: opens its window's wait where it is missing, and marks.
pub(super) fn credit(
    books: &mut Books<'_, '_>,
    shape: &Shape,
    sighting: &Sighting,
    found: i64,
) -> Result<(), StoreError> {
    let Some(place) = shape.place(sighting.wanted) else { return Ok(()) };
    if !shape.active || shape.paused {
        return Ok(());
    }
    opening::ensure_open(books, shape, sighting.arrival)?;
    let (db, arrival) = (books.db(), sighting.arrival);
    let waits = books.waits.waits(shape.id, arrival, || open_to_matches(db, shape.id, arrival))?;
    for wait in waits.iter().filter(|wait| wait.window(shape, &shape.wanted[place]).contains(arrival)) {
        if !books.waits.is_credited(wait, sighting) && facts::is_wanted_text(db, wait, sighting)? {
            credit_one(books, shape, wait, place, sighting, found)?;
        }
    }
    Ok(())
}

fn credit_one(
    books: &mut Books<'_, '_>,
    shape: &Shape,
    wait: &Wait,
    place: usize,
    sighting: &Sighting,
    found: i64,
) -> Result<(), StoreError> {
    if wait.state != WaitState::Waiting {
        return judging::heal(books, shape, wait);
    }
    // What comes at the deadline or later is late; where the deadline can move it is looked at again when that does.
    if wait.deadline.is_some_and(|deadline| deadline <= sighting.arrival) {
        return Ok(());
    }
    if wait.handled {
        return judging::judge(books, shape, wait);
    }
    let found = match shape.wanted[place].count {
        // Those that follow it change nothing.
        1 => {
            books.waits.is_credited_now(wait, sighting);
            found
        }
        _ => match judging::counted_up(books, shape, wait, place)? {
            Some(last) => last,
            None => return Ok(()),
        },
    };
    judging::mark_when_all_in(books, shape, wait, place, found)?;
    judging::complete_when_due(books, shape, wait, place)
}

/// The waits that a message of an arrival may still do something for.
fn open_to_matches(db: &Connection, sensor: SensorId, arrival: Timestamp) -> Result<Vec<Wait>, StoreError> {
    let waiting = select_waits!("WHERE sensor_id = ?1 AND state = 'waiting' ORDER BY id");
    let mut waits = rows(db, waiting, [sensor.0], wait)?;
    let healing = select_waits!(
        "WHERE sensor_id = ?1 AND late = 'heal' AND state IN ('failed', 'skipped') AND closes_at > ?2 ORDER BY id"
    );
    waits.extend(rows(db, healing, params![sensor.0, columns::instant(arrival)], wait)?);
    Ok(waits)
}

/// A wait of a sensor, if it is there.
pub(super) fn named(db: &Connection, sensor: SensorId, name: &str) -> Result<Option<Wait>, StoreError> {
    let named = select_waits!("WHERE sensor_id = ?1 AND name = ?2");
    Ok(rows(db, named, params![sensor.0, name], wait)?.pop())
}

/// The wait of a sensor that is worth looking at where none is named: the newest, and one that waits before others.
pub(super) fn foremost(db: &Connection, sensor: SensorId) -> Result<Option<Wait>, StoreError> {
    let foremost = select_waits!("WHERE sensor_id = ?1 ORDER BY state = 'waiting' DESC, id DESC LIMIT 1");
    Ok(rows(db, foremost, [sensor.0], wait)?.pop())
}

fn wait(row: &Row<'_>) -> rusqlite::Result<Wait> {
    Ok(Wait {
        id: WaitId(row.get(0)?),
        name: row.get(1)?,
        business_date: columns::read_date(row, 2)?,
        hour: columns::read_optional_instant(row, 3)?,
        state: columns::read_wait_state(row, 4)?,
        opened_at: columns::read_instant(row, 5)?,
        deadline: columns::read_optional_instant(row, 6)?,
        moving: row.get(7)?,
        on_timeout: columns::read_on_timeout(row, 8)?,
        late: columns::read_late(row, 9)?,
        with_window: row.get(10)?,
        lacks: row.get::<_, Option<i64>>(11)?.map(WantedId),
        handled: row.get(12)?,
    })
}
