//! Sensors as the judging of waits needs them, read once for each request; large ones once until they change.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use jiff::{Timestamp, tz::TimeZone};
use rusqlite::{Connection, Row};

use super::{columns, error::StoreError, reader::rows};
use crate::domain::{
    calendar::Calendar,
    sensor::{Late, Opening, Require, SensorId, Timeout},
    target::Target,
    wait::OnTimeout,
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
    pub(super) timeout: Timeout,
    pub(super) on_timeout: OnTimeout,
    pub(super) late: Late,
    pub(super) target: Target,
    /// Messages are kept, and nothing else happens.
    pub(super) paused: bool,
    pub(super) revision: i64,
    pub(super) active_since: Timestamp,
    pub(super) wanted: Vec<WantedShape>,
    places: Places,
}

/// Where wanted messages stand among those of their sensor: it is asked with every match, and they may be thousands.
#[derive(Default)]
struct Places {
    by_id: HashMap<WantedId, usize>,
    by_task: HashMap<String, Vec<usize>>,
    /// Those that are required; together where they have the same windows.
    required: BTreeMap<(Frequency, i32), Vec<usize>>,
}

impl Places {
    fn of(wanted: &[WantedShape]) -> Self {
        let mut places = Self::default();
        for (place, one) in wanted.iter().enumerate() {
            places.by_id.insert(one.id, place);
            places.by_task.entry(one.task_id.clone()).or_default().push(place);
            if !one.optional {
                places.required.entry((one.frequency, one.day_shift_seconds)).or_default().push(place);
            }
        }
        places
    }
}

pub(super) struct WantedShape {
    pub(super) id: WantedId,
    pub(super) frequency: Frequency,
    pub(super) task_id: String,
    pub(super) day_shift_seconds: i32,
    pub(super) optional: bool,
    /// So many messages fulfil it together.
    pub(super) count: u32,
    /// Where it is wanted once: no earlier message counts.
    pub(super) registered_at: Timestamp,
}

impl Shape {
    /// The wanted message whose windows the waits follow: the first of those with the shortest frequency.
    pub(super) fn leading(&self) -> Option<&WantedShape> {
        self.wanted.iter().min_by_key(|wanted| wanted.frequency)
    }

    pub(super) fn calendar(&self, wanted: &WantedShape) -> Calendar {
        Calendar::new(self.zone.clone(), wanted.day_shift_seconds)
    }

    /// Where a wanted message stands among the others.
    pub(super) fn place(&self, wanted: WantedId) -> Option<usize> {
        self.places.by_id.get(&wanted).copied()
    }

    /// The places of the wanted messages that a task rests on.
    pub(super) fn places_of(&self, task_id: &str) -> &[usize] {
        self.places.by_task.get(task_id).map(Vec::as_slice).unwrap_or_default()
    }

    /// The wanted messages that a task rests on.
    pub(super) fn sharing(&self, task_id: &str) -> impl Iterator<Item = &WantedShape> {
        self.places_of(task_id).iter().map(|place| &self.wanted[*place])
    }

    /// Each task once, in the order of the definition.
    pub(super) fn tasks(&self) -> Vec<&str> {
        let mut seen = std::collections::HashSet::new();
        self.wanted.iter().map(|wanted| wanted.task_id.as_str()).filter(|task| seen.insert(*task)).collect()
    }

    /// The places of those that are required; together where they have the same windows.
    pub(super) fn required(&self) -> impl Iterator<Item = &[usize]> {
        self.places.required.values().map(Vec::as_slice)
    }

    /// How many of the required ones complete a wait.
    pub(super) fn needed(&self) -> usize {
        let all = self.required().map(<[usize]>::len).sum();
        match self.require {
            Require::All => all,
            Require::Any => all.min(1),
            Require::Number(number) => all.min(number as usize),
        }
    }
}

/// Whose a wanted message is, and what it goes by.
#[derive(Clone, Copy)]
pub(super) struct Belongs {
    sensor: SensorId,
    pub(super) day_shift_seconds: i32,
    pub(super) registered_at: Timestamp,
}

fn belongs(row: &Row<'_>) -> rusqlite::Result<Belongs> {
    let (sensor, registered_at) = (SensorId(row.get(0)?), columns::read_instant(row, 2)?);
    Ok(Belongs { sensor, day_shift_seconds: row.get(1)?, registered_at })
}

/// A sensor with so many wanted messages is large: to read them all with every match would take longer than all the rest.
const LARGE: usize = 64;

/// So many large ones are kept.
const KEPT: usize = 64;

/// The shapes of large sensors, from request to request.
#[derive(Default)]
pub(super) struct KeptShapes(RefCell<HashMap<SensorId, Rc<Shape>>>);

impl KeptShapes {
    /// The shape of a sensor as it is now.
    fn get(&self, db: &Connection, sensor: SensorId) -> Result<Rc<Shape>, StoreError> {
        let kept = self.0.borrow().get(&sensor).cloned();
        if let Some(kept) = kept
            && kept.revision == revision(db, sensor)?
        {
            return Ok(kept);
        }
        let shape = Rc::new(load(db, sensor)?);
        let mut all = self.0.borrow_mut();
        all.remove(&sensor);
        if shape.wanted.len() >= LARGE {
            if all.len() >= KEPT {
                all.clear();
            }
            all.insert(sensor, Rc::clone(&shape));
        }
        Ok(shape)
    }

    /// What was read may have been undone since: its revision will be that of something else.
    pub(super) fn forget(&self) {
        self.0.borrow_mut().clear();
    }
}

/// It rises with every change of a sensor, and of what it wants.
fn revision(db: &Connection, sensor: SensorId) -> Result<i64, StoreError> {
    Ok(db.prepare_cached("SELECT revision FROM sensors WHERE id = ?1")?.query_row([sensor.0], |row| row.get(0))?)
}

/// The shapes that one request has come upon.
pub(super) struct Shapes<'a> {
    kept: &'a KeptShapes,
    /// Also of retired wanted messages, with the shift of their business day.
    sensor_of: HashMap<WantedId, Belongs>,
    shapes: HashMap<SensorId, Rc<Shape>>,
}

impl<'a> Shapes<'a> {
    pub(super) fn new(kept: &'a KeptShapes) -> Self {
        Self { kept, sensor_of: HashMap::new(), shapes: HashMap::new() }
    }

    /// The sensor of a wanted message, and what it goes by.
    pub(super) fn of_wanted(&mut self, db: &Connection, wanted: WantedId) -> Result<(Rc<Shape>, Belongs), StoreError> {
        let belongs = match self.sensor_of.get(&wanted) {
            Some(known) => *known,
            None => {
                let sql = "SELECT sensor_id, day_shift_seconds, registered_at FROM wanted WHERE id = ?1";
                db.prepare_cached(sql)?.query_row([wanted.0], belongs)?
            }
        };
        self.sensor_of.insert(wanted, belongs);
        Ok((self.get(db, belongs.sensor)?, belongs))
    }

    pub(super) fn get(&mut self, db: &Connection, sensor: SensorId) -> Result<Rc<Shape>, StoreError> {
        if let Some(known) = self.shapes.get(&sensor) {
            return Ok(Rc::clone(known));
        }
        let shape = self.kept.get(db, sensor)?;
        self.shapes.insert(sensor, Rc::clone(&shape));
        Ok(shape)
    }
}

pub(super) fn load(db: &Connection, sensor: SensorId) -> Result<Shape, StoreError> {
    let sql =
        "SELECT id, name, timezone, opening, require, on_timeout, late, revision, active_since, state, timeout, paused,
                target
                 FROM sensors WHERE id = ?1";
    let mut shape = db.prepare_cached(sql)?.query_row([sensor.0], bare)?;
    shape.zone = zone(&shape.name, &shape.timezone)?;
    let sql = "SELECT id, frequency, task_id, day_shift_seconds, optional, count, registered_at
                 FROM wanted WHERE sensor_id = ?1 AND state = 'active' ORDER BY ordinal, id";
    shape.wanted = rows(db, sql, [sensor.0], wanted)?;
    shape.places = Places::of(&shape.wanted);
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
        timeout: columns::read_timeout(row, 10)?,
        on_timeout: columns::read_on_timeout(row, 5)?,
        late: columns::read_late(row, 6)?,
        target: columns::read_target(row, 12)?,
        paused: row.get(11)?,
        revision: row.get(7)?,
        active_since: columns::read_instant(row, 8)?,
        active: row.get_ref(9)?.as_str()? == "active",
        wanted: Vec::new(),
        places: Places::default(),
    })
}

fn wanted(row: &Row<'_>) -> rusqlite::Result<WantedShape> {
    Ok(WantedShape {
        id: WantedId(row.get(0)?),
        frequency: columns::read_frequency(row, 1)?,
        task_id: row.get(2)?,
        day_shift_seconds: row.get(3)?,
        optional: row.get(4)?,
        count: row.get(5)?,
        registered_at: columns::read_instant(row, 6)?,
    })
}
