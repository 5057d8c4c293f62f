//! The definitions of sensors: what stays is kept, what goes is retired, what returns has its history.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{columns, error::StoreError, reader::rows, shape, writer::Session};
use crate::domain::{
    sensor::{Owner, Sensor, SensorId},
    wanted::WantedMessage,
};

/// What a look at all files changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Synced {
    pub added: usize,
    pub changed: usize,
    pub retired: usize,
    pub unchanged: usize,
    /// Left as they were.
    pub refused: Vec<Refused>,
}

/// A sensor that belongs to somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub sensor: String,
    /// Whose definition was not taken.
    pub by: Owner,
    /// Whose it is: `api` or `file:NAME`.
    pub owner: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Added,
    Changed,
    None,
}

/// What there is of a sensor.
struct Existing {
    id: i64,
    owner: String,
    active: bool,
    /// Its own columns, in the order of [`definition`].
    definition: [String; 6],
}

pub(super) fn sync(session: &mut Session<'_>, now: Timestamp, all: &[(Owner, Sensor)]) -> Result<Synced, StoreError> {
    let mut synced = Synced::default();
    let mut seen = HashSet::new();
    for (owner, sensor) in all {
        let existing = existing(session, &sensor.name)?;
        if let Some(other) =
            existing.as_ref().filter(|one| one.active && (one.owner == "api" || seen.contains(&one.id)))
        {
            let refused = Refused { sensor: sensor.name.clone(), by: owner.clone(), owner: other.owner.clone() };
            seen.insert(other.id);
            synced.refused.push(refused);
            continue;
        }
        let (id, change) = define(session, now, owner, sensor, existing)?;
        seen.insert(id.0);
        match change {
            Change::Added => synced.added += 1,
            Change::Changed => synced.changed += 1,
            Change::None => synced.unchanged += 1,
        }
    }
    synced.retired = retire_unseen(session, &seen)?;
    Ok(synced)
}

fn retire_unseen(session: &Session<'_>, seen: &HashSet<i64>) -> Result<usize, StoreError> {
    let active = "SELECT id FROM sensors WHERE state = 'active' AND owner <> 'api'";
    let mut gone: Vec<i64> = rows(session.db, active, [], |row| row.get(0))?;
    gone.retain(|id| !seen.contains(id));
    for id in &gone {
        retire_one(session, *id)?;
    }
    Ok(gone.len())
}

pub(super) fn put(
    session: &mut Session<'_>,
    now: Timestamp,
    owner: &Owner,
    sensor: &Sensor,
) -> Result<SensorId, StoreError> {
    let existing = existing(session, &sensor.name)?;
    check_owner(&sensor.name, owner, existing.as_ref())?;
    Ok(define(session, now, owner, sensor, existing)?.0)
}

pub(super) fn retire(session: &mut Session<'_>, owner: &Owner, name: &str) -> Result<bool, StoreError> {
    let existing = existing(session, name)?;
    check_owner(name, owner, existing.as_ref())?;
    match existing.filter(|existing| existing.active) {
        Some(existing) => retire_one(session, existing.id).map(|()| true),
        None => Ok(false),
    }
}

/// A retired sensor's name is free to be taken by anybody.
fn check_owner(name: &str, owner: &Owner, existing: Option<&Existing>) -> Result<(), StoreError> {
    match existing.filter(|existing| existing.active && existing.owner != owner.to_string()) {
        Some(other) => Err(StoreError::Owned { sensor: name.to_owned(), owner: other.owner.clone() }),
        None => Ok(()),
    }
}

fn retire_one(session: &Session<'_>, id: i64) -> Result<(), StoreError> {
    let update = "UPDATE sensors SET state = 'retired', revision = revision + 1, updated_at = ?2 WHERE id = ?1";
    session.db.prepare_cached(update)?.execute(params![id, columns::now()])?;
    Ok(())
}

fn existing(session: &Session<'_>, name: &str) -> Result<Option<Existing>, StoreError> {
    let sql = "SELECT id, owner, state, timezone, opening, require, timeout, on_timeout, late
                 FROM sensors WHERE name = ?1";
    let mut statement = session.db.prepare_cached(sql)?;
    let found = statement.query_row([name], |row| {
        Ok(Existing {
            id: row.get(0)?,
            owner: row.get(1)?,
            active: row.get_ref(2)?.as_str()? == "active",
            definition: [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?],
        })
    });
    Ok(found.optional()?)
}

fn definition(sensor: &Sensor) -> [String; 6] {
    [
        sensor.timezone.clone(),
        columns::opening(sensor.opening).to_owned(),
        columns::require(sensor.require),
        columns::timeout(&sensor.timeout),
        columns::on_timeout(sensor.on_timeout).to_owned(),
        columns::late(sensor.late).to_owned(),
    ]
}

fn define(
    session: &mut Session<'_>,
    now: Timestamp,
    owner: &Owner,
    sensor: &Sensor,
    existing: Option<Existing>,
) -> Result<(SensorId, Change), StoreError> {
    shape::zone(&sensor.name, &sensor.timezone)?;
    let definition = definition(sensor);
    let Some(existing) = existing else {
        let id = insert(session, now, owner, sensor, &definition)?;
        define_wanted(session, id, &sensor.wanted)?;
        return Ok((SensorId(id), Change::Added));
    };
    let own = existing.definition != definition || existing.owner != owner.to_string() || !existing.active;
    let theirs = define_wanted(session, existing.id, &sensor.wanted)?;
    if own || theirs {
        update(session, now, owner, &existing, &definition)?;
        return Ok((SensorId(existing.id), if existing.active { Change::Changed } else { Change::Added }));
    }
    Ok((SensorId(existing.id), Change::None))
}

fn insert(
    session: &Session<'_>,
    now: Timestamp,
    owner: &Owner,
    sensor: &Sensor,
    [timezone, opening, require, timeout, on_timeout, late]: &[String; 6],
) -> Result<i64, StoreError> {
    let sql = "INSERT INTO sensors (name, owner, timezone, opening, require, timeout, on_timeout, late, state,
                                    revision, active_since, updated_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'active', 1, ?9, ?9)";
    let (owner, now) = (owner.to_string(), columns::instant(now));
    let values = params![sensor.name, owner, timezone, opening, require, timeout, on_timeout, late, now];
    Ok(session.db.prepare_cached(sql)?.insert(values)?)
}

fn update(
    session: &Session<'_>,
    now: Timestamp,
    owner: &Owner,
    existing: &Existing,
    [timezone, opening, require, timeout, on_timeout, late]: &[String; 6],
) -> Result<(), StoreError> {
    let sql = "UPDATE sensors
                  SET owner = ?2, timezone = ?3, opening = ?4, require = ?5, timeout = ?6, on_timeout = ?7, late = ?8,
                      active_since = CASE state WHEN 'active' THEN active_since ELSE ?9 END,
                      state = 'active', revision = revision + 1, updated_at = ?9
                WHERE id = ?1";
    let (owner, now) = (owner.to_string(), columns::instant(now));
    let values = params![existing.id, owner, timezone, opening, require, timeout, on_timeout, late, now];
    session.db.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// What there is of a wanted message, beside its identity.
#[derive(PartialEq, Eq)]
struct ExistingWanted {
    id: i64,
    ordinal: i64,
    matcher: String,
    day_shift_seconds: i32,
    optional: bool,
    active: bool,
}

/// The answer says whether anything is different now.
fn define_wanted(session: &Session<'_>, sensor: i64, wanted: &[WantedMessage]) -> Result<bool, StoreError> {
    let mut existing = existing_wanted(session, sensor)?;
    let mut changed = false;
    let mut seen = HashSet::new();
    for (ordinal, wanted) in (0_i64..).zip(wanted) {
        let identity = wanted.identity();
        if seen.contains(&identity) {
            continue;
        }
        changed |= match existing.remove(&identity) {
            None => insert_wanted(session, sensor, ordinal, &identity, wanted).map(|()| true),
            Some(existing) => update_wanted(session, ordinal, existing, wanted),
        }?;
        seen.insert(identity);
    }
    let retire = "UPDATE wanted SET state = 'retired' WHERE id = ?1";
    for gone in existing.values().filter(|gone| gone.active) {
        session.db.prepare_cached(retire)?.execute([gone.id])?;
        changed = true;
    }
    Ok(changed)
}

fn existing_wanted(session: &Session<'_>, sensor: i64) -> Result<HashMap<String, ExistingWanted>, StoreError> {
    let sql = "SELECT identity, id, ordinal, matcher, day_shift_seconds, optional, state
                 FROM wanted WHERE sensor_id = ?1";
    let all = rows(session.db, sql, [sensor], |row| {
        let existing = ExistingWanted {
            id: row.get(1)?,
            ordinal: row.get(2)?,
            matcher: row.get(3)?,
            day_shift_seconds: row.get(4)?,
            optional: row.get(5)?,
            active: row.get_ref(6)?.as_str()? == "active",
        };
        Ok((row.get(0)?, existing))
    })?;
    Ok(all.into_iter().collect())
}

fn insert_wanted(
    session: &Session<'_>,
    sensor: i64,
    ordinal: i64,
    identity: &str,
    wanted: &WantedMessage,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO wanted (sensor_id, ordinal, identity, topic, frequency, task_id, matcher,
                                   day_shift_seconds, optional, fields, state)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'active')";
    session.db.prepare_cached(sql)?.execute(params![
        sensor,
        ordinal,
        identity,
        wanted.topic,
        wanted.frequency.letter(),
        wanted.task_id,
        wanted.matcher,
        wanted.day_shift_seconds,
        wanted.optional,
        wanted.fields_json(),
    ])?;
    Ok(())
}

fn update_wanted(
    session: &Session<'_>,
    ordinal: i64,
    existing: ExistingWanted,
    wanted: &WantedMessage,
) -> Result<bool, StoreError> {
    let now = ExistingWanted {
        id: existing.id,
        ordinal,
        matcher: wanted.matcher.to_string(),
        day_shift_seconds: wanted.day_shift_seconds,
        optional: wanted.optional,
        active: true,
    };
    if now == existing {
        return Ok(false);
    }
    let sql = "UPDATE wanted SET ordinal = ?2, matcher = ?3, day_shift_seconds = ?4, optional = ?5, state = 'active'
                WHERE id = ?1";
    let values = params![now.id, now.ordinal, now.matcher, now.day_shift_seconds, now.optional];
    session.db.prepare_cached(sql)?.execute(values)?;
    Ok(true)
}
