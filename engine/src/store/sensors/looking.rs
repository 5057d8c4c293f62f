//! Definitions of sensors as they are kept.

use rusqlite::{Connection, Row, params};
use serde_json::Value;

use super::super::{
    columns,
    error::StoreError,
    reader::{Reader, rows},
};
use crate::domain::{
    sensor::{Owner, Sensor, SensorId, StoredSensor},
    wanted::WantedMessage,
};

impl Reader {
    /// The next `limit` active sensors after the one of a name, by name; only those of one owner, if one is given.
    pub fn sensors(
        &self,
        owner: Option<&Owner>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StoredSensor>, StoreError> {
        let of = "state = 'active' AND name > ?1 AND (?2 IS NULL OR owner = ?2) ORDER BY name LIMIT ?3";
        let owner = owner.map(ToString::to_string);
        // No sensor has an empty name.
        self.with(|db| found(db, of, params![after.unwrap_or_default(), owner, limit as i64]))
    }

    /// An active sensor, if there is one of that name.
    pub fn sensor(&self, name: &str) -> Result<Option<StoredSensor>, StoreError> {
        self.with(|db| Ok(found(db, "state = 'active' AND name = ?1", [name])?.pop()))
    }

    /// Whose those of these names are that are active.
    pub fn owners(&self, names: &[String]) -> Result<Vec<(String, Owner)>, StoreError> {
        let sql = "SELECT name, owner FROM json_each(?1) AS asked CROSS JOIN sensors ON sensors.name = asked.value
                    WHERE state = 'active'";
        let asked = Value::from(names).to_string();
        self.rows(sql, [asked], |row| Ok((row.get(0)?, columns::read_owner(row, 1)?)))
    }
}

fn found(db: &Connection, of: &str, values: impl rusqlite::Params) -> Result<Vec<StoredSensor>, StoreError> {
    let sql = format!(
        "SELECT id, name, owner, timezone, opening, require, timeout, on_timeout, late, paused, active_since, updated_at,
                target
           FROM sensors WHERE {of}"
    );
    let mut found = rows(db, &sql, values, |row| Ok((SensorId(row.get(0)?), stored(row)?)))?;
    for (id, stored) in &mut found {
        let sql =
            "SELECT topic, frequency, task_id, matcher, day_shift_seconds, optional, count, distinct_fields, fields
                     FROM wanted WHERE sensor_id = ?1 AND state = 'active' ORDER BY ordinal, id";
        stored.sensor.wanted = rows(db, sql, [id.0], wanted)?;
    }
    Ok(found.into_iter().map(|(_, stored)| stored).collect())
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredSensor> {
    let sensor = Sensor {
        name: row.get(1)?,
        timezone: row.get(3)?,
        opening: columns::read_opening(row, 4)?,
        require: columns::read_require(row, 5)?,
        timeout: columns::read_timeout(row, 6)?,
        on_timeout: columns::read_on_timeout(row, 7)?,
        late: columns::read_late(row, 8)?,
        target: columns::read_target(row, 12)?,
        wanted: Vec::new(),
    };
    Ok(StoredSensor {
        sensor,
        owner: columns::read_owner(row, 2)?,
        paused: row.get(9)?,
        active_since: columns::read_instant(row, 10)?,
        updated_at: columns::read_instant(row, 11)?,
    })
}

fn wanted(row: &Row<'_>) -> rusqlite::Result<WantedMessage> {
    let json = |column: usize, text: &str| columns::unreadable(column, text);
    let distinct = row.get::<_, Option<String>>(7)?.map(|text| serde_json::from_str(&text).map_err(|_| json(7, &text)));
    let fields: String = row.get(8)?;
    Ok(WantedMessage {
        topic: row.get::<_, String>(0)?.into(),
        frequency: columns::read_frequency(row, 1)?,
        task_id: row.get(2)?,
        matcher: row.get::<_, String>(3)?.into(),
        day_shift_seconds: row.get(4)?,
        optional: row.get(5)?,
        count: row.get(6)?,
        distinct: distinct.transpose()?.unwrap_or_default(),
        fields: serde_json::from_str(&fields).map_err(|_| json(8, &fields))?,
    })
}
