//! How the sensors stand: what has come in the current windows, what has not, and why not.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    columns,
    error::StoreError,
    reader::{Reader, rows},
    shape::{self, Shape, WantedShape},
    waits,
};
use crate::domain::{
    sensor::{Opening, SensorId},
    window::Window,
};

/// How one sensor stands.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SensorStatus {
    pub name: String,
    pub timezone: String,
    /// The wait of the current window, or the newest one where waits open on request.
    pub wait: Option<WaitStatus>,
    /// Whether its condition holds in the current windows.
    pub complete: bool,
    /// In the order of the definition.
    pub wanted: Vec<WantedStatus>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct WaitStatus {
    pub name: String,
    /// `waiting`, `complete`, `failed` or `skipped`.
    pub state: &'static str,
}

/// How one wanted message stands.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct WantedStatus {
    pub task_id: String,
    pub topic: String,
    /// Its letter.
    pub frequency: &'static str,
    pub optional: bool,
    /// The rendering in force; none: nothing was rendered yet.
    pub rendered: Option<serde_json::Value>,
    /// The first message of the current window that fulfilled it.
    pub received: Option<Received>,
    /// The mark of its task in the wait above; none: there is nothing to tell yet.
    pub mark: Option<MarkStatus>,
    /// The last whole second of the current window, on the clock of the sensor's zone.
    pub expires: DateTime,
    /// Messages of the current window with the right key that were refused.
    pub near_misses: NearMissStatus,
}

/// How far a task was told of its state.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MarkStatus {
    /// `success`, `failed` or `skipped`.
    pub state: String,
    /// `pending`, `delivered` or `rejected`.
    pub status: String,
    /// What came of the last attempt that failed.
    pub last_error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Received {
    pub arrival: Timestamp,
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub matcher: String,
    pub sha256: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct NearMissStatus {
    pub count: i64,
    /// Why the newest one was refused.
    pub newest: Option<String>,
}

impl Reader {
    /// How all active sensors stand, by name.
    pub fn status(&self, now: Timestamp) -> Result<Vec<SensorStatus>, StoreError> {
        self.with(|db| {
            let sql = "SELECT id FROM sensors WHERE state = 'active' ORDER BY name";
            let sensors = rows(db, sql, [], |row| row.get(0).map(SensorId))?;
            sensors.into_iter().map(|sensor| sensor_status(db, sensor, now)).collect()
        })
    }

    /// How one sensor stands; none: there is no active one of that name.
    pub fn sensor_status(&self, name: &str, now: Timestamp) -> Result<Option<SensorStatus>, StoreError> {
        self.with(|db| {
            let sql = "SELECT id FROM sensors WHERE state = 'active' AND name = ?1";
            let sensor = db.prepare_cached(sql)?.query_row([name], |row| row.get(0).map(SensorId)).optional()?;
            sensor.map(|sensor| sensor_status(db, sensor, now)).transpose()
        })
    }
}

fn sensor_status(db: &Connection, sensor: SensorId, now: Timestamp) -> Result<SensorStatus, StoreError> {
    let shape = shape::load(db, sensor)?;
    let wait = wait_status(db, &shape, now)?;
    let all = shape.wanted.iter().map(|wanted| wanted_status(db, &shape, wanted, wait.as_ref(), now));
    let wanted = all.collect::<Result<Vec<_>, _>>()?;
    let received = wanted.iter().filter(|one| !one.optional && one.received.is_some()).count();
    let complete = received >= shape.needed();
    Ok(SensorStatus { name: shape.name, timezone: shape.timezone.to_string(), wait, complete, wanted })
}

fn wait_status(db: &Connection, shape: &Shape, now: Timestamp) -> Result<Option<WaitStatus>, StoreError> {
    let leading = shape.leading().filter(|_| shape.opening == Opening::Window);
    let name = leading.map(|leading| {
        let today = shape.calendar(leading).business_date(now);
        columns::date(leading.frequency.first_day(today))
    });
    let sql = "SELECT name, state FROM waits WHERE sensor_id = ?1 AND name = ifnull(?2, name)
                ORDER BY id DESC LIMIT 1";
    let mut statement = db.prepare_cached(sql)?;
    let found = statement.query_row(params![shape.id.0, name], |row| {
        Ok(WaitStatus { name: row.get(0)?, state: columns::read_wait_state(row, 1)?.word() })
    });
    Ok(found.optional()?)
}

fn wanted_status(
    db: &Connection,
    shape: &Shape,
    wanted: &WantedShape,
    wait: Option<&WaitStatus>,
    now: Timestamp,
) -> Result<WantedStatus, StoreError> {
    let calendar = shape.calendar(wanted);
    let today = calendar.business_date(now);
    let window = Window::on(wanted.frequency, today, &calendar);
    let (topic, rendered) = texts(db, wanted, today)?;
    Ok(WantedStatus {
        task_id: wanted.task_id.clone(),
        topic,
        frequency: wanted.frequency.letter(),
        optional: wanted.optional,
        rendered: rendered.map(|text| serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text))),
        received: received(db, wanted, today)?,
        mark: wait.map(|wait| mark(db, shape, wait, &wanted.task_id)).transpose()?.flatten(),
        expires: window.last_second(&calendar),
        near_misses: near_misses(db, shape, wanted, today, &window)?,
    })
}

/// Its topic, and its rendering in force.
fn texts(db: &Connection, wanted: &WantedShape, today: Date) -> Result<(String, Option<String>), StoreError> {
    let sql = "SELECT topic, (SELECT rendered FROM renderings
                               WHERE wanted_id = wanted.id AND since <= ?2 AND replaced = 0
                               ORDER BY since DESC LIMIT 1)
                 FROM wanted WHERE id = ?1";
    let mut statement = db.prepare_cached(sql)?;
    Ok(statement.query_row(params![wanted.id.0, columns::date(today)], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn received(db: &Connection, wanted: &WantedShape, today: Date) -> Result<Option<Received>, StoreError> {
    let Some(found) = waits::first_match(db, wanted, today, today)? else {
        return Ok(None);
    };
    let sql = "SELECT arrival, topic, \"partition\", \"offset\", matcher, sha256 FROM matches WHERE id = ?1";
    Ok(Some(db.prepare_cached(sql)?.query_row([found], read_received)?))
}

fn mark(db: &Connection, shape: &Shape, wait: &WaitStatus, task_id: &str) -> Result<Option<MarkStatus>, StoreError> {
    let sql = "SELECT marks.state, status, last_error FROM marks JOIN waits ON waits.id = wait_id
                WHERE sensor_id = ?1 AND name = ?2 AND task_id = ?3 AND status <> 'superseded'
                ORDER BY marks.id DESC LIMIT 1";
    let mut statement = db.prepare_cached(sql)?;
    let found = statement.query_row(params![shape.id.0, wait.name, task_id], |row| {
        Ok(MarkStatus { state: row.get(0)?, status: row.get(1)?, last_error: row.get(2)? })
    });
    Ok(found.optional()?)
}

fn read_received(row: &Row<'_>) -> rusqlite::Result<Received> {
    Ok(Received {
        arrival: columns::read_instant(row, 0)?,
        topic: row.get(1)?,
        partition: row.get(2)?,
        offset: row.get(3)?,
        matcher: row.get(4)?,
        sha256: row.get(5)?,
    })
}

fn near_misses(
    db: &Connection,
    shape: &Shape,
    wanted: &WantedShape,
    today: Date,
    window: &Window,
) -> Result<NearMissStatus, StoreError> {
    let sql = "SELECT near_misses.nth, near_misses.reason
                 FROM near_misses
                WHERE rendering_id = (SELECT id FROM renderings
                                       WHERE wanted_id = ?1 AND since <= ?2 AND replaced = 0
                                       ORDER BY since DESC LIMIT 1)
                  AND window_id = (SELECT id FROM windows
                                    WHERE timezone = ?3 AND day_shift_seconds = ?4 AND frequency = ?5
                                      AND first_day = ?6)
                ORDER BY nth DESC LIMIT 1";
    let values = params![
        wanted.id.0,
        columns::date(today),
        shape.timezone,
        wanted.day_shift_seconds,
        window.frequency.letter(),
        columns::date(window.first_day),
    ];
    let mut statement = db.prepare_cached(sql)?;
    let newest = statement.query_row(values, |row| Ok(NearMissStatus { count: row.get(0)?, newest: row.get(1)? }));
    Ok(newest.optional()?.unwrap_or_default())
}
