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
        let id = match find(db, &key)? {
            Some(id) => id,
            None => insert(db, &key)?,
        };
        self.ids.insert(key, id);
        Ok(id)
    }

    /// The number of a window that somebody needed before.
    pub(super) fn known(
        &mut self,
        db: &Connection,
        timezone: &Rc<str>,
        day_shift_seconds: i32,
        window: &Window,
    ) -> Result<Option<i64>, StoreError> {
        let key = (Rc::clone(timezone), day_shift_seconds, *window);
        if let Some(id) = self.ids.get(&key) {
            return Ok(Some(*id));
        }
        let found = find(db, &key)?;
        self.ids.extend(found.map(|id| (key, id)));
        Ok(found)
    }

    /// Makes sure that a wanted message's window of now, and its business day, are there to be looked at.
    pub(super) fn ensure_current(
        &mut self,
        db: &Connection,
        shape: &Shape,
        wanted: &WantedShape,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for window in self.current(shape, wanted, now) {
            self.id(db, &shape.timezone, wanted.day_shift_seconds, &window)?;
        }
        Ok(())
    }

    /// Whether [`Self::ensure_current`] has nothing to do.
    pub(super) fn has_current(
        &mut self,
        db: &Connection,
        shape: &Shape,
        wanted: &WantedShape,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        for window in self.current(shape, wanted, now) {
            if self.known(db, &shape.timezone, wanted.day_shift_seconds, &window)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A wanted message's window of now and its business day, where this request has not come upon them.
    fn current(&mut self, shape: &Shape, wanted: &WantedShape, now: Timestamp) -> Vec<Window> {
        let mut is_new = |frequency: &Frequency| {
            let key = (Rc::clone(&shape.timezone), wanted.day_shift_seconds, *frequency);
            self.current.insert(key, now) != Some(now)
        };
        let frequencies = [wanted.frequency, Frequency::Day].into_iter().filter(&mut is_new);
        frequencies.map(|frequency| Window::at(frequency, now, &shape.calendar(wanted))).collect()
    }
}

fn find(db: &Connection, (timezone, day_shift_seconds, window): &Key) -> Result<Option<i64>, StoreError> {
    let find = "SELECT id FROM windows
                 WHERE timezone = ?1 AND day_shift_seconds = ?2 AND frequency = ?3 AND first_day = ?4
                   AND opens_at = ?5";
    let (first_day, opens) = (columns::date(window.first_day), columns::instant(window.opens));
    let names = params![timezone, day_shift_seconds, window.frequency.letter(), first_day, opens];
    Ok(db.prepare_cached(find)?.query_row(names, |row| row.get(0)).optional()?)
}

fn insert(db: &Connection, (timezone, day_shift_seconds, window): &Key) -> Result<i64, StoreError> {
    let insert = "INSERT INTO windows (timezone, day_shift_seconds, frequency, first_day, opens_at, closes_at)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (frequency, first_day) = (window.frequency.letter(), columns::date(window.first_day));
    let (opens, closes) = (columns::instant(window.opens), columns::instant(window.closes));
    let values = params![timezone, day_shift_seconds, frequency, first_day, opens, closes];
    Ok(db.prepare_cached(insert)?.insert(values)?)
}
