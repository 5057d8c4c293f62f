//! The rows of windows: made when somebody first needs them, kept as history.

use std::{collections::HashMap, rc::Rc};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    columns,
    error::StoreError,
    shape::{Shape, WantedShape},
};
use crate::domain::window::{Frequency, Window};

type Key = (Rc<str>, i32, Window);

/// The windows that one request has come upon.
#[derive(Default)]
pub(super) struct Windows {
    ids: HashMap<Key, i64>,
    current: HashMap<(Rc<str>, i32, Frequency), Timestamp>,
}

impl Windows {
    /// The number of a window of a wanted message.
    pub(super) fn id(
        &mut self,
        db: &Connection,
        timezone: &Rc<str>,
        day_shift_seconds: i32,
        window: &Window,
    ) -> Result<i64, StoreError> {
        let key = (Rc::clone(timezone), day_shift_seconds, *window);
        if let Some(id) = self.ids.get(&key) {
            return Ok(*id);
        }
        let id = find_or_insert(db, &key)?;
        self.ids.insert(key, id);
        Ok(id)
    }

    /// Makes sure that a wanted message's window of now, and its business day, are there to be looked at.
    pub(super) fn ensure_current(
        &mut self,
        db: &Connection,
        shape: &Shape,
        wanted: &WantedShape,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for frequency in [wanted.frequency, Frequency::Day] {
            let key = (Rc::clone(&shape.timezone), wanted.day_shift_seconds, frequency);
            if self.current.insert(key, now) != Some(now) {
                let window = Window::at(frequency, now, &shape.calendar(wanted));
                self.id(db, &shape.timezone, wanted.day_shift_seconds, &window)?;
            }
        }
        Ok(())
    }
}

fn find_or_insert(db: &Connection, (timezone, day_shift_seconds, window): &Key) -> Result<i64, StoreError> {
    let frequency = window.frequency.letter();
    let first_day = columns::date(window.first_day);
    let find = "SELECT id FROM windows
                 WHERE timezone = ?1 AND day_shift_seconds = ?2 AND frequency = ?3 AND first_day = ?4";
    let names = params![timezone, day_shift_seconds, frequency, first_day];
    if let Some(id) = db.prepare_cached(find)?.query_row(names, |row| row.get(0)).optional()? {
        return Ok(id);
    }
    let insert = "INSERT INTO windows (timezone, day_shift_seconds, frequency, first_day, opens_at, closes_at)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (opens, closes) = (columns::instant(window.opens), columns::instant(window.closes));
    let values = params![timezone, day_shift_seconds, frequency, first_day, opens, closes];
    Ok(db.prepare_cached(insert)?.insert(values)?)
}
