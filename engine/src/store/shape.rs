//! Sensors as the judging of waits needs them, read once for each request.

use std::{collections::HashMap, rc::Rc};

use jiff::{Timestamp, tz::TimeZone};
use rusqlite::{Connection, Row};

use super::{columns, error::StoreError, reader::rows};
use crate::domain::{
    calendar::Calendar,
    sensor::{Opening, Require, SensorId},
    wanted::WantedId,
    window::Frequency,
};

/// A sensor with its active wanted messages, in the order of their definition.
pub(super) struct Shape {
    pub(super) id: SensorId,
    pub(super) name: String,
    pub(super) active: bool,
    pub(super) timezone: Rc<str>,
    pub(super) zone: TimeZone,
    pub(super) opening: Opening,
    pub(super) require: Require,
    pub(super) on_timeout: String,
    pub(super) late: String,
    pub(super) revision: i64,
    pub(super) active_since: Timestamp,
    pub(super) wanted: Vec<WantedShape>,
}

pub(super) struct WantedShape {
    pub(super) id: WantedId,
    pub(super) frequency: Frequency,
    pub(super) task_id: String,
    pub(super) day_shift_seconds: i32,
    pub(super) optional: bool,
}

impl Shape {
    /// The wanted message whose windows the waits follow: the first of those with the shortest frequency.
    pub(super) fn leading(&self) -> Option<&WantedShape> {
        self.wanted.iter().min_by_key(|wanted| wanted.frequency)
    }

    pub(super) fn calendar(&self, wanted: &WantedShape) -> Calendar {
        Calendar::new(self.zone.clone(), wanted.day_shift_seconds)
    }

    /// The wanted messages that the task of one of them rests on.
    pub(super) fn sharing<'a>(&'a self, task_id: &'a str) -> impl Iterator<Item = &'a WantedShape> {
        self.wanted.iter().filter(move |wanted| wanted.task_id == task_id)
    }

    /// Each task once, in the order of the definition.
    pub(super) fn tasks(&self) -> Vec<&str> {
        let mut seen = std::collections::HashSet::new();
        self.wanted.iter().map(|wanted| wanted.task_id.as_str()).filter(|task| seen.insert(*task)).collect()
    }

    pub(super) fn required(&self) -> impl Iterator<Item = &WantedShape> {
        self.wanted.iter().filter(|wanted| !wanted.optional)
    }

    /// How many of the required ones complete a wait.
    pub(super) fn needed(&self) -> usize {
        let all = self.required().count();
        match self.require {
            Require::All => all,
            Require::Any => all.min(1),
            Require::Number(number) => all.min(number as usize),
        }
    }
}

/// The shapes that one request has come upon.
#[derive(Default)]
pub(super) struct Shapes {
    /// Also of retired wanted messages, with the shift of their business day.
    sensor_of: HashMap<WantedId, (SensorId, i32)>,
    shapes: HashMap<SensorId, Rc<Shape>>,
}

impl Shapes {
    /// The sensor of a wanted message, and the shift of the business day that it goes by.
    pub(super) fn of_wanted(&mut self, db: &Connection, wanted: WantedId) -> Result<(Rc<Shape>, i32), StoreError> {
        let (sensor, day_shift_seconds) = match self.sensor_of.get(&wanted) {
            Some(known) => *known,
            None => {
                let sql = "SELECT sensor_id, day_shift_seconds FROM wanted WHERE id = ?1";
                let mut statement = db.prepare_cached(sql)?;
                statement.query_row([wanted.0], |row| Ok((SensorId(row.get(0)?), row.get(1)?)))?
            }
        };
        self.sensor_of.insert(wanted, (sensor, day_shift_seconds));
        Ok((self.get(db, sensor)?, day_shift_seconds))
    }

    pub(super) fn get(&mut self, db: &Connection, sensor: SensorId) -> Result<Rc<Shape>, StoreError> {
        if let Some(known) = self.shapes.get(&sensor) {
            return Ok(Rc::clone(known));
        }
        let shape = Rc::new(load(db, sensor)?);
        self.shapes.insert(sensor, Rc::clone(&shape));
        Ok(shape)
    }
}

pub(super) fn load(db: &Connection, sensor: SensorId) -> Result<Shape, StoreError> {
    let sql = "SELECT id, name, timezone, opening, require, on_timeout, late, revision, active_since, state
                 FROM sensors WHERE id = ?1";
    let mut shape = db.prepare_cached(sql)?.query_row([sensor.0], bare)?;
    shape.zone = zone(&shape.name, &shape.timezone)?;
    let sql = "SELECT id, frequency, task_id, day_shift_seconds, optional
                 FROM wanted WHERE sensor_id = ?1 AND state = 'active' ORDER BY ordinal, id";
    shape.wanted = rows(db, sql, [sensor.0], wanted)?;
    Ok(shape)
}

pub(super) fn zone(sensor: &str, timezone: &str) -> Result<TimeZone, StoreError> {
    TimeZone::get(timezone)
        .map_err(|_| StoreError::Timezone { sensor: sensor.to_owned(), timezone: timezone.to_owned() })
}

fn bare(row: &Row<'_>) -> rusqlite::Result<Shape> {
    Ok(Shape {
        id: SensorId(row.get(0)?),
        name: row.get(1)?,
        timezone: row.get::<_, String>(2)?.into(),
        zone: TimeZone::UTC,
        opening: columns::read_opening(row, 3)?,
        require: columns::read_require(row, 4)?,
        on_timeout: row.get(5)?,
        late: row.get(6)?,
        revision: row.get(7)?,
        active_since: columns::read_instant(row, 8)?,
        active: row.get_ref(9)?.as_str()? == "active",
        wanted: Vec::new(),
    })
}

fn wanted(row: &Row<'_>) -> rusqlite::Result<WantedShape> {
    Ok(WantedShape {
        id: WantedId(row.get(0)?),
        frequency: columns::read_frequency(row, 1)?,
        task_id: row.get(2)?,
        day_shift_seconds: row.get(3)?,
        optional: row.get(4)?,
    })
}
