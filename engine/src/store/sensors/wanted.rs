//! The wanted messages of a sensor: those with the same identity stay, whatever stands around them.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::params;

use super::super::{columns, error::StoreError, reader::rows, writer::Session};
use crate::domain::{
    sensor::SensorId,
    wanted::{WantedId, WantedMessage},
};

/// What became of the wanted messages of a sensor.
#[derive(Default)]
pub(super) struct Redefined {
    /// Whether anything is different now.
    pub(super) changed: bool,
    pub(super) before: HashSet<WantedId>,
    pub(super) now: HashSet<WantedId>,
    /// Those of both whose matcher or calendar is another one.
    pub(super) altered: HashSet<WantedId>,
}

/// What there is of a wanted message, beside its identity.
#[derive(PartialEq, Eq)]
struct Existing {
    id: i64,
    ordinal: i64,
    matcher: String,
    day_shift_seconds: i32,
    optional: bool,
    count: u32,
    active: bool,
}

/// Makes these the wanted messages of a sensor.
pub(super) fn define(
    session: &Session<'_>,
    now: Timestamp,
    sensor: i64,
    wanted: &[WantedMessage],
) -> Result<Redefined, StoreError> {
    let mut existing = existing(session, sensor)?;
    let active = existing.values().filter(|one| one.active);
    let mut all = Redefined { before: active.map(|one| WantedId(one.id)).collect(), ..Redefined::default() };
    let mut seen = HashSet::new();
    for (ordinal, wanted) in (0_i64..).zip(wanted) {
        let identity = wanted.identity();
        if seen.contains(&identity) {
            continue;
        }
        match existing.remove(&identity) {
            None => {
                all.now.insert(insert(session, now, sensor, ordinal, &identity, wanted)?);
                all.changed = true;
            }
            Some(existing) => update(session, ordinal, existing, wanted, &mut all)?,
        }
        seen.insert(identity);
    }
    for gone in existing.values().filter(|gone| gone.active) {
        retire(session, gone.id)?;
        all.changed = true;
    }
    Ok(all)
}

/// The wanted messages that a sensor awaits while it is active.
pub(super) fn active(session: &Session<'_>, sensor: SensorId) -> Result<Vec<WantedId>, StoreError> {
    let sql = "SELECT id FROM wanted WHERE sensor_id = ?1 AND state = 'active'";
    rows(session.db, sql, [sensor.0], |row| row.get(0).map(WantedId))
}

fn retire(session: &Session<'_>, id: i64) -> Result<(), StoreError> {
    session.db.prepare_cached("UPDATE wanted SET state = 'retired' WHERE id = ?1")?.execute([id])?;
    Ok(())
}

fn existing(session: &Session<'_>, sensor: i64) -> Result<HashMap<String, Existing>, StoreError> {
    let sql = "SELECT identity, id, ordinal, matcher, day_shift_seconds, optional, state, count
                 FROM wanted WHERE sensor_id = ?1";
    let all = rows(session.db, sql, [sensor], |row| {
        let existing = Existing {
            id: row.get(1)?,
            ordinal: row.get(2)?,
            matcher: row.get(3)?,
            day_shift_seconds: row.get(4)?,
            optional: row.get(5)?,
            count: row.get(7)?,
            active: row.get_ref(6)?.as_str()? == "active",
        };
        Ok((row.get(0)?, existing))
    })?;
    Ok(all.into_iter().collect())
}

fn insert(
    session: &Session<'_>,
    now: Timestamp,
    sensor: i64,
    ordinal: i64,
    identity: &str,
    wanted: &WantedMessage,
) -> Result<WantedId, StoreError> {
    let sql = "INSERT INTO wanted (sensor_id, ordinal, identity, topic, frequency, task_id, matcher,
                                   day_shift_seconds, optional, count, distinct_fields, fields, registered_at, state)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'active')";
    let distinct = (!wanted.distinct.is_empty()).then(|| serde_json::Value::from(wanted.distinct.clone()).to_string());
    let id = session.db.prepare_cached(sql)?.insert(params![
        sensor,
        ordinal,
        identity,
        wanted.topic,
        wanted.frequency.letter(),
        wanted.task_id,
        wanted.matcher,
        wanted.day_shift_seconds,
        wanted.optional,
        wanted.count,
        distinct,
        wanted.fields_json(),
        columns::instant(now),
    ])?;
    Ok(WantedId(id))
}

fn update(
    session: &Session<'_>,
    ordinal: i64,
    existing: Existing,
    wanted: &WantedMessage,
    all: &mut Redefined,
) -> Result<(), StoreError> {
    let now = Existing {
        id: existing.id,
        ordinal,
        matcher: wanted.matcher.to_string(),
        day_shift_seconds: wanted.day_shift_seconds,
        optional: wanted.optional,
        count: wanted.count,
        active: true,
    };
    all.now.insert(WantedId(now.id));
    if now == existing {
        return Ok(());
    }
    all.changed = true;
    if (&now.matcher, now.day_shift_seconds) != (&existing.matcher, existing.day_shift_seconds) {
        all.altered.insert(WantedId(now.id));
    }
    let sql = "UPDATE wanted SET ordinal = ?2, matcher = ?3, day_shift_seconds = ?4, optional = ?5, count = ?6,
                                 state = 'active'
                WHERE id = ?1";
    let values = params![now.id, now.ordinal, now.matcher, now.day_shift_seconds, now.optional, now.count];
    session.db.prepare_cached(sql)?.execute(values)?;
    Ok(())
}
