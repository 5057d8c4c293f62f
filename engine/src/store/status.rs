//! How the sensors stand: what has come in the current windows, what has not, and why not.

mod look;

use jiff::{Timestamp, civil::DateTime};
use rusqlite::{OptionalExtension, params};

use super::{
    error::StoreError,
    reader::{Reader, rows},
};
use crate::{domain::sensor::SensorId, telemetry::metrics::Levels};
use look::Look;

/// How one sensor stands.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
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

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct WaitStatus {
    pub name: String,
    /// `waiting`, `complete`, `failed` or `skipped`.
    pub state: &'static str,
}

/// How one wanted message stands.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct WantedStatus {
    pub task_id: String,
    pub topic: String,
    /// Its letter.
    pub frequency: &'static str,
    pub optional: bool,
    /// So many messages fulfil it together.
    pub count: u32,
    /// The rendering in force; none: nothing was rendered yet.
    pub rendered: Option<serde_json::Value>,
    /// The message of the current window that fulfilled it: the last of those that it takes.
    pub received: Option<Received>,
    /// The mark of its task in the wait above; none: there is nothing to tell yet.
    pub mark: Option<MarkStatus>,
    /// The last whole second of the current window, on the clock of the sensor's zone. None: it never ends.
    #[schema(value_type = Option<String>)]
    pub expires: Option<DateTime>,
    /// Messages of the current window with the right key that were refused.
    pub near_misses: NearMissStatus,
}

/// How far a task was told of its state.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct MarkStatus {
    /// `success`, `failed` or `skipped`.
    pub state: String,
    /// `pending`, `delivered` or `rejected`.
    pub status: String,
    /// What came of the last attempt that failed.
    pub last_error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Received {
    #[schema(value_type = String, format = DateTime)]
    pub arrival: Timestamp,
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub matcher: String,
    pub sha256: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct NearMissStatus {
    pub count: i64,
    /// Why the newest one was refused.
    pub newest: Option<String>,
}

impl Reader {
    /// What the metrics tell of the store.
    pub fn levels(&self) -> Result<Levels, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM marks WHERE status = 'pending'),
                          (SELECT count(*) FROM waits WHERE state = 'waiting'),
                          (SELECT count(*) FROM sensors WHERE state = 'active'),
                          (SELECT count(*) FROM to_catch_up),
                          (SELECT min(created_at) FROM marks WHERE status = 'pending'),
                          (SELECT count(*) FROM frozen_partitions)";
        self.with(|db| {
            Ok(db.prepare_cached(sql)?.query_row([], |row| {
                let (pending_marks, waiting, sensors, catch_ups) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                let oldest_mark = row.get::<_, Option<String>>(4)?.and_then(|at| at.parse().ok());
                Ok(Levels { pending_marks, oldest_mark, waiting, sensors, catch_ups, frozen: row.get(5)? })
            })?)
        })
    }

    /// How the next `limit` active sensors stand after the one of a name, by name.
    pub fn status(&self, now: Timestamp, after: Option<&str>, limit: usize) -> Result<Vec<SensorStatus>, StoreError> {
        self.with(|db| {
            let sql = "SELECT id FROM sensors WHERE state = 'active' AND name > ?1 ORDER BY name LIMIT ?2";
            // No sensor has an empty name.
            let values = params![after.unwrap_or_default(), limit as i64];
            let sensors = rows(db, sql, values, |row| row.get(0).map(SensorId))?;
            let mut look = Look::at(db, now);
            sensors.into_iter().map(|sensor| look.sensor(sensor)).collect()
        })
    }

    /// How one sensor stands; none: there is no active one of that name.
    pub fn sensor_status(&self, name: &str, now: Timestamp) -> Result<Option<SensorStatus>, StoreError> {
        self.with(|db| {
            let sql = "SELECT id FROM sensors WHERE state = 'active' AND name = ?1";
            let sensor = db.prepare_cached(sql)?.query_row([name], |row| row.get(0).map(SensorId)).optional()?;
            sensor.map(|sensor| Look::at(db, now).sensor(sensor)).transpose()
        })
    }
}
