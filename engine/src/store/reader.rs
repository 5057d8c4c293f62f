//! Looking into the store beside its writer, also from another process.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, Params, Row, params};

use super::{columns, database, error::StoreError, trouble::explained};
use crate::domain::{sensor::SensorId, wanted::WantedId, window::Frequency};

/// A read-only connection.
pub struct Reader {
    db: Mutex<Connection>,
    path: PathBuf,
}

/// A wanted message of an active sensor: what an index over all of them needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveWanted {
    pub id: WantedId,
    pub sensor: SensorId,
    pub sensor_name: String,
    pub timezone: String,
    pub day_shift_seconds: i32,
    pub matcher: String,
    pub topic: String,
    pub frequency: Frequency,
    pub task_id: String,
    pub optional: bool,
    /// JSON: what is counted are the different values of these fields.
    pub distinct_fields: Option<String>,
    /// JSON: what the matcher sees of it.
    pub fields: String,
}

/// A topic, and the name of the matcher that judges its messages.
pub type WantedRoute = (Arc<str>, Arc<str>);

impl Reader {
    /// Opens a store for reading, whether the service runs or not.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::beside(path)
    }

    pub(super) fn beside(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { db: Mutex::new(database::open_read_only(path)?), path: path.to_owned() })
    }

    /// The random name that the store was given when it was created.
    pub fn identity(&self) -> Result<String, StoreError> {
        self.with(database::identity)
    }

    /// Whether messages are wanted hourly.
    pub fn has_hourly(&self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM wanted WHERE frequency = 'H' AND state = 'active')";
        self.with(|db| Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?))
    }

    /// A page of the wanted messages of all active sensors, by id.
    pub fn active_wanted(&self, after: WantedId, limit: usize) -> Result<Vec<ActiveWanted>, StoreError> {
        let sql = "SELECT wanted.id, sensors.id, sensors.name, sensors.timezone, wanted.day_shift_seconds,
                          wanted.matcher, wanted.topic, wanted.frequency, wanted.task_id, wanted.optional,
                          wanted.fields, wanted.distinct_fields
                     FROM wanted CROSS JOIN sensors ON sensors.id = wanted.sensor_id
                    WHERE wanted.id > ?1 AND wanted.state = 'active' AND sensors.state = 'active'
                    ORDER BY wanted.id LIMIT ?2";
        self.rows(sql, params![after.0, limit as i64], active_wanted)
    }

    /// The same of one topic.
    pub fn active_wanted_of(
        &self,
        topic: &str,
        after: WantedId,
        limit: usize,
    ) -> Result<Vec<ActiveWanted>, StoreError> {
        let sql = "SELECT wanted.id, sensors.id, sensors.name, sensors.timezone, wanted.day_shift_seconds,
                          wanted.matcher, wanted.topic, wanted.frequency, wanted.task_id, wanted.optional,
                          wanted.fields, wanted.distinct_fields
                     FROM wanted CROSS JOIN sensors ON sensors.id = wanted.sensor_id
                    WHERE wanted.id > ?1 AND topic = ?3 AND wanted.state = 'active' AND sensors.state = 'active'
                    ORDER BY wanted.id LIMIT ?2";
        self.rows(sql, params![after.0, limit as i64, topic], active_wanted)
    }

    /// Those of these wanted messages that active sensors want.
    pub fn active_wanted_among(&self, ids: &[WantedId]) -> Result<Vec<ActiveWanted>, StoreError> {
        let sql = "SELECT wanted.id, sensors.id, sensors.name, sensors.timezone, wanted.day_shift_seconds,
                          wanted.matcher, wanted.topic, wanted.frequency, wanted.task_id, wanted.optional,
                          wanted.fields, wanted.distinct_fields
                     FROM json_each(?1) AS asked
                     CROSS JOIN wanted ON wanted.id = asked.value
                     CROSS JOIN sensors ON sensors.id = wanted.sensor_id
                    WHERE wanted.state = 'active' AND sensors.state = 'active'";
        let asked = serde_json::Value::from_iter(ids.iter().map(|id| id.0)).to_string();
        self.rows(sql, [asked], active_wanted)
    }

    /// Those of these topics and matchers that an active sensor has a wanted message of.
    pub fn wanted_routes(&self, routes: &[WantedRoute]) -> Result<Vec<WantedRoute>, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM wanted CROSS JOIN sensors ON sensors.id = wanted.sensor_id
                                   WHERE topic = ?1 AND matcher = ?2 AND wanted.state = 'active'
                                     AND sensors.state = 'active')";
        self.with(|db| {
            let mut statement = db.prepare_cached(sql)?;
            let mut wanted = Vec::new();
            for (topic, matcher) in routes {
                if statement.query_row([topic, matcher], |row| row.get(0))? {
                    wanted.push((Arc::clone(topic), Arc::clone(matcher)));
                }
            }
            Ok(wanted)
        })
    }

    /// Lets something look at one moment of the store.
    pub(super) fn with<T>(&self, look: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let db = self.db.lock().unwrap_or_else(PoisonError::into_inner);
        let look = || {
            let moment = db.unchecked_transaction()?;
            let seen = look(&moment)?;
            moment.commit()?;
            Ok(seen)
        };
        look().map_err(|error| explained(error, &self.path))
    }

    pub(super) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        self.with(|db| rows(db, sql, params, read))
    }
}

/// All rows of a query.
pub(super) fn rows<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map(params, read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn active_wanted(row: &Row<'_>) -> rusqlite::Result<ActiveWanted> {
    Ok(ActiveWanted {
        id: WantedId(row.get(0)?),
        sensor: SensorId(row.get(1)?),
        sensor_name: row.get(2)?,
        timezone: row.get(3)?,
        day_shift_seconds: row.get(4)?,
        matcher: row.get(5)?,
        topic: row.get(6)?,
        frequency: columns::read_frequency(row, 7)?,
        task_id: row.get(8)?,
        optional: row.get(9)?,
        fields: row.get(10)?,
        distinct_fields: row.get(11)?,
    })
}
