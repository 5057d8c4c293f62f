//! The definitions of sensors: what stays is kept, what goes is retired, what returns has its history.
//!
//! A change comes in pieces, each a transaction of its own, so that messages are recorded in between. Start at
//! [`change`].

mod looking;
mod wanted;

use std::fmt;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use super::{
    catch_ups, columns,
    error::StoreError,
    modules,
    reader::{Reader, rows},
    shape, waits,
    writer::Session,
};
use crate::domain::{
    change::{Change, SensorChange},
    dead_letter::Actor,
    sensor::{Owner, Sensor, SensorId},
    wanted::WantedId,
};
use wanted::Redefined;

/// What a change of sensors came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Sensors that are new, or back.
    pub added: usize,
    pub changed: usize,
    pub retired: usize,
    pub unchanged: usize,
    /// Left as they were.
    pub refused: Vec<Refused>,
    /// Those that were added or changed: their waits are to be opened and judged.
    pub sensors: Vec<SensorId>,
    /// Wanted messages that are awaited from now on, or in another way than before.
    pub came: Vec<WantedId>,
    /// Wanted messages that are not awaited any more, or not in the way that they were.
    pub went: Vec<WantedId>,
}

/// A sensor that belongs to somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub sensor: String,
    /// Whose change was not made.
    pub by: Owner,
    /// Whose it is.
    pub owner: Owner,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the sensor `{}` belongs to {} and can be changed only there", self.sensor, self.owner)
    }
}

impl Changed {
    /// This, and what another piece of the same change came to.
    pub fn and(mut self, more: Self) -> Self {
        self.added += more.added;
        self.changed += more.changed;
        self.retired += more.retired;
        self.unchanged += more.unchanged;
        self.refused.extend(more.refused);
        self.sensors.extend(more.sensors);
        self.came.extend(more.came);
        self.went.extend(more.went);
        self
    }
}

/// What there is of a sensor.
struct Existing {
    id: SensorId,
    owner: Owner,
    active: bool,
    /// Its own columns, in the order of [`definition`].
    definition: [String; 7],
}

/// Defines or redefines sensors, then retires some of those that still belong to whom the change names. A file may take a
/// sensor over from another file; the API and files leave each other's alone.
pub(super) fn change(
    session: &mut Session<'_>,
    now: Timestamp,
    put: &[(Owner, Sensor)],
    gone: &[(Owner, String)],
) -> Result<Changed, StoreError> {
    let mut changed = Changed::default();
    for (owner, sensor) in put {
        define(session, now, owner, sensor, &mut changed)?;
    }
    for (owner, name) in gone {
        retire(session, owner, name, &mut changed)?;
    }
    catch_ups::came(session, now, &changed.came)?;
    Ok(changed)
}

/// Whether somebody may change a sensor: what is retired is free to be taken by anybody.
fn may_change(owner: &Owner, existing: &Existing) -> bool {
    !existing.active || (*owner == Owner::Api) == (existing.owner == Owner::Api)
}

fn retire(session: &Session<'_>, owner: &Owner, name: &str, changed: &mut Changed) -> Result<(), StoreError> {
    let Some(existing) = existing(session, name)?.filter(|existing| existing.active) else {
        return Ok(());
    };
    if !may_change(owner, &existing) {
        changed.refused.push(Refused { sensor: name.to_owned(), by: owner.clone(), owner: existing.owner });
    } else if existing.owner == *owner {
        let update = "UPDATE sensors SET state = 'retired', revision = revision + 1, updated_at = ?2 WHERE id = ?1";
        session.db.prepare_cached(update)?.execute(params![existing.id.0, columns::now()])?;
        waits::cancel_all(session, existing.id, name)?;
        changed.went.extend(wanted::active(session, existing.id)?);
        changed.retired += 1;
        tell(session, name, SensorChange::Retired);
    }
    Ok(())
}

/// The number of an active sensor.
pub(super) fn active(session: &Session<'_>, name: &str) -> Result<Option<SensorId>, StoreError> {
    Ok(existing(session, name)?.filter(|existing| existing.active).map(|existing| existing.id))
}

fn tell(session: &Session<'_>, sensor: &str, what: SensorChange) {
    session.tell(Change::SensorChanged { sensor: sensor.to_owned(), what });
}

fn existing(session: &Session<'_>, name: &str) -> Result<Option<Existing>, StoreError> {
    let sql = "SELECT id, owner, state, timezone, opening, require, timeout, on_timeout, late, target
                 FROM sensors WHERE name = ?1";
    let mut statement = session.db.prepare_cached(sql)?;
    let found = statement.query_row([name], |row| {
        Ok(Existing {
            id: SensorId(row.get(0)?),
            owner: columns::read_owner(row, 1)?,
            active: row.get_ref(2)?.as_str()? == "active",
            definition: [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?, row.get(9)?],
        })
    });
    Ok(found.optional()?)
}

fn definition(sensor: &Sensor) -> [String; 7] {
    [
        sensor.timezone.clone(),
        columns::opening(sensor.opening).to_owned(),
        columns::require(sensor.require),
        columns::timeout(&sensor.timeout),
        columns::on_timeout(sensor.on_timeout).to_owned(),
        columns::late(sensor.late).to_owned(),
        columns::target(&sensor.target),
    ]
}

fn define(
    session: &Session<'_>,
    now: Timestamp,
    owner: &Owner,
    sensor: &Sensor,
    changed: &mut Changed,
) -> Result<(), StoreError> {
    shape::zone(&sensor.name, &sensor.timezone)?;
    let definition = definition(sensor);
    let Some(existing) = existing(session, &sensor.name)? else {
        let id = insert(session, now, owner, sensor, &definition)?;
        changed.came.extend(wanted::define(session, now, id.0, &sensor.wanted)?.now);
        changed.sensors.push(id);
        changed.added += 1;
        tell(session, &sensor.name, SensorChange::Added);
        return Ok(());
    };
    if !may_change(owner, &existing) {
        changed.refused.push(Refused { sensor: sensor.name.clone(), by: owner.clone(), owner: existing.owner });
        return Ok(());
    }
    let redefined = wanted::define(session, now, existing.id.0, &sensor.wanted)?;
    if existing.active && existing.owner == *owner && existing.definition == definition && !redefined.changed {
        changed.unchanged += 1;
        return Ok(());
    }
    update(session, now, owner, &existing, &definition)?;
    note_awaited(&existing, &definition, redefined, changed);
    changed.sensors.push(existing.id);
    if existing.active {
        changed.changed += 1;
        tell(session, &sensor.name, SensorChange::Changed);
    } else {
        changed.added += 1;
        tell(session, &sensor.name, SensorChange::Added);
    }
    Ok(())
}

/// What is awaited now and was not, and the other way round. In another zone nothing is awaited as it was.
fn note_awaited(existing: &Existing, definition: &[String; 7], redefined: Redefined, changed: &mut Changed) {
    let Redefined { before, now, altered, .. } = redefined;
    let [timezone, ..] = definition;
    if !existing.active {
        changed.came.extend(now);
    } else if existing.definition[0] != *timezone {
        changed.went.extend(before);
        changed.came.extend(now);
    } else {
        changed.went.extend(before.difference(&now).chain(&altered));
        changed.came.extend(now.difference(&before).chain(&altered));
    }
}

fn insert(
    session: &Session<'_>,
    now: Timestamp,
    owner: &Owner,
    sensor: &Sensor,
    [timezone, opening, require, timeout, on_timeout, late, target]: &[String; 7],
) -> Result<SensorId, StoreError> {
    let sql = "INSERT INTO sensors (name, owner, timezone, opening, require, timeout, on_timeout, late, target, state,
                                    revision, active_since, updated_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'active', 1, ?10, ?10)";
    let (owner, now) = (owner.to_string(), columns::instant(now));
    let values = params![sensor.name, owner, timezone, opening, require, timeout, on_timeout, late, target, now];
    Ok(SensorId(session.db.prepare_cached(sql)?.insert(values)?))
}

fn update(
    session: &Session<'_>,
    now: Timestamp,
    owner: &Owner,
    existing: &Existing,
    [timezone, opening, require, timeout, on_timeout, late, target]: &[String; 7],
) -> Result<(), StoreError> {
    let sql = "UPDATE sensors
                  SET owner = ?2, timezone = ?3, opening = ?4, require = ?5, timeout = ?6, on_timeout = ?7, late = ?8,
                      target = ?9, active_since = CASE state WHEN 'active' THEN active_since ELSE ?10 END,
                      state = 'active', revision = revision + 1, updated_at = ?10
                WHERE id = ?1";
    let (owner, now) = (owner.to_string(), columns::instant(now));
    let values = params![existing.id.0, owner, timezone, opening, require, timeout, on_timeout, late, target, now];
    session.db.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

impl Reader {
    /// The active sensors that files define, each with its file.
    pub fn sensors_of_files(&self) -> Result<Vec<(Owner, String)>, StoreError> {
        let sql = "SELECT owner, name FROM sensors WHERE state = 'active' AND owner <> 'api' ORDER BY id";
        self.with(|db| rows(db, sql, [], |row| Ok((columns::read_owner(row, 0)?, row.get(1)?))))
    }
}

/// Pauses a sensor, or lets it go on: then its waits are judged by what came meanwhile.
pub(super) fn pause(
    session: &mut Session<'_>,
    name: &str,
    paused: bool,
    actor: Actor,
    reason: Option<&str>,
) -> Result<Option<SensorId>, StoreError> {
    let Some(sensor) = active(session, name)? else { return Ok(None) };
    // Nobody waits for a window that was over when it went on.
    let sql = "UPDATE sensors SET paused = ?2, revision = revision + 1,
                                  active_since = CASE ?2 WHEN 0 THEN ?3 ELSE active_since END
                WHERE id = ?1 AND paused <> ?2";
    if session.db.prepare_cached(sql)?.execute(params![sensor.0, paused, columns::now()])? > 0 {
        session.deadlines_moved = true;
        tell(session, name, if paused { SensorChange::Paused } else { SensorChange::Resumed });
        modules::audit(session, actor, if paused { "sensor pause" } else { "sensor resume" }, name, reason)?;
    }
    Ok(Some(sensor))
}

/// The sensors of some wanted messages, as if they had been defined anew.
pub(super) fn renew(session: &mut Session<'_>, wanted: &[WantedId]) -> Result<Vec<SensorId>, StoreError> {
    let renew = "UPDATE sensors SET revision = revision + 1
                  WHERE id IN (SELECT sensor_id FROM wanted WHERE id IN (SELECT value FROM json_each(?1)))
              RETURNING id";
    let asked = serde_json::Value::from_iter(wanted.iter().map(|id| id.0)).to_string();
    rows(session.db, renew, [asked], |row| row.get(0).map(SensorId))
}
