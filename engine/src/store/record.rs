//! Slices of messages, taken whole or not at all.
//!
//! A slice first moves its partition's offset by compare-and-set; one that loses writes nothing. Then come its dead
//! letters, its near misses and its matches, and with each new match the marks that follow from it.

use std::rc::Rc;

use rusqlite::{Connection, OptionalExtension, ToSql, params};

use super::{
    columns, dead_letters,
    error::StoreError,
    frozen,
    shape::{Shape, Shapes},
    waits,
    windows::Windows,
    writer::Session,
};
use crate::domain::{
    message::{Before, Partition, Span},
    recording::{Halt, HaltKind, JudgedBy, Match, NearMiss, Recorded, Recording, Sighting},
    window::Frequency,
};

/// Of the near misses of a rendering in a window so many are kept.
const KEPT_NEAR_MISSES: i64 = 20;

/// What one request keeps at hand while it goes through messages and sensors.
pub(super) struct Books<'a, 's> {
    pub(super) session: &'a mut Session<'s>,
    pub(super) now: String,
    pub(super) shapes: Shapes<'s>,
    pub(super) windows: Windows,
    pub(super) waits: waits::Known,
}

impl<'a, 's> Books<'a, 's> {
    pub(super) fn open(session: &'a mut Session<'s>) -> Self {
        let (now, shapes) = (columns::now(), Shapes::new(session.shapes));
        Self { session, now, shapes, windows: Windows::default(), waits: waits::Known::default() }
    }

    pub(super) fn db(&self) -> &'s Connection {
        self.session.db
    }
}

pub(super) fn record(session: &mut Session<'_>, recordings: &[Recording]) -> Result<Vec<Recorded>, StoreError> {
    let mut books = Books::open(session);
    recordings.iter().map(|recording| record_one(&mut books, recording)).collect()
}

fn record_one(books: &mut Books<'_, '_>, recording: &Recording) -> Result<Recorded, StoreError> {
    let partition = &recording.partition;
    if !move_offset(books, partition, recording.span)? {
        return Ok(Recorded::Superseded { next: stored_offset(books.db(), partition)? });
    }
    for letter in &recording.dead_letters {
        dead_letters::set_aside(books, partition, letter)?;
    }
    for near in &recording.near_misses {
        record_near_miss(books, partition, near)?;
    }
    for found in &recording.matches {
        record_match(books, partition, found)?;
    }
    if let Some(Halt { how: HaltKind::Freeze, letter }) = &recording.halt {
        frozen::freeze(books, partition, letter)?;
    }
    Ok(Recorded::Stored)
}

/// False: it is not where the slice begins, or it is frozen.
fn move_offset(books: &Books<'_, '_>, partition: &Partition, span: Span) -> Result<bool, StoreError> {
    let Partition { cluster, topic, number, epoch } = partition;
    let moved = match span.from {
        Before::Nothing => {
            let sql = "INSERT INTO offsets (cluster, topic, \"partition\", epoch, next, updated_at)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
            books.db().prepare_cached(sql)?.execute(params![cluster, topic, number, epoch, span.to, books.now])?
        }
        Before::At(from) => {
            let sql = "UPDATE offsets SET next = ?5, updated_at = ?6
                        WHERE cluster = ?1 AND topic = ?2 AND \"partition\" = ?3 AND epoch = ?4 AND next = ?7
                          AND NOT EXISTS (SELECT 1 FROM frozen_partitions AS frozen
                                           WHERE frozen.cluster = ?1 AND frozen.topic = ?2
                                             AND frozen.\"partition\" = ?3 AND frozen.epoch = ?4)";
            let values = params![cluster, topic, number, epoch, span.to, books.now, from];
            books.db().prepare_cached(sql)?.execute(values)?
        }
        Before::Anything => {
            let sql = "INSERT INTO offsets (cluster, topic, \"partition\", epoch, next, updated_at)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                       ON CONFLICT DO UPDATE SET epoch = excluded.epoch, next = excluded.next,
                                                 updated_at = excluded.updated_at
                        WHERE excluded.epoch >= epoch
                          AND NOT EXISTS (SELECT 1 FROM frozen_partitions AS frozen
                                           WHERE frozen.cluster = ?1 AND frozen.topic = ?2
                                             AND frozen.\"partition\" = ?3 AND frozen.epoch = ?4)";
            books.db().prepare_cached(sql)?.execute(params![cluster, topic, number, epoch, span.to, books.now])?
        }
    };
    Ok(moved == 1)
}

fn stored_offset(db: &Connection, partition: &Partition) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT next FROM offsets WHERE cluster = ?1 AND topic = ?2 AND \"partition\" = ?3";
    let place = params![partition.cluster, partition.topic, partition.number];
    Ok(db.prepare_cached(sql)?.query_row(place, |row| row.get(0)).optional()?)
}

fn record_near_miss(books: &mut Books<'_, '_>, partition: &Partition, near: &NearMiss) -> Result<(), StoreError> {
    let Some((_, window)) = place(books, &near.sighting)? else { return Ok(()) };
    let count = "SELECT ifnull(max(nth), 0) FROM near_misses WHERE rendering_id = ?1 AND window_id = ?2";
    let here = [near.sighting.rendering.0, window];
    let nth: i64 = 1 + books.db().prepare_cached(count)?.query_row(here, |row| row.get::<_, i64>(0))?;
    let insert = "INSERT INTO near_misses (cluster, topic, \"partition\", epoch, \"offset\", wanted_id, rendering_id,
                                           window_id, business_date, arrival, event_time, matcher, sha256,
                                           recorded_at, reason, nth)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    let sighted = Sighted { partition, sighting: &near.sighting, window, by: &near.by };
    sighted.insert(books, insert, &[&near.reason, &nth])?;
    let forget = "DELETE FROM near_misses WHERE rendering_id = ?1 AND window_id = ?2 AND nth <= ?3";
    books.db().prepare_cached(forget)?.execute([here[0], window, nth - KEPT_NEAR_MISSES])?;
    Ok(())
}

/// The same of a message that is read back, unless this very message is among those that are kept ([`known_match`]).
pub(super) fn record_near_miss_once(
    books: &mut Books<'_, '_>,
    partition: &Partition,
    near: &NearMiss,
) -> Result<(), StoreError> {
    let known = "SELECT EXISTS (SELECT 1 FROM near_misses WHERE rendering_id = ?1 AND cluster = ?2 AND topic = ?3
                                   AND \"partition\" = ?4 AND \"offset\" = ?5 AND (epoch = ?6 OR arrival = ?7))";
    let Partition { cluster, topic, number, epoch } = partition;
    let NearMiss { sighting, .. } = near;
    let (rendering, arrival) = (sighting.rendering.0, columns::instant(sighting.arrival));
    let message = params![rendering, cluster, topic, number, sighting.offset, epoch, arrival];
    if books.db().prepare_cached(known)?.query_row(message, |row| row.get(0))? {
        return Ok(());
    }
    record_near_miss(books, partition, near)
}

pub(super) fn record_match(books: &mut Books<'_, '_>, partition: &Partition, found: &Match) -> Result<(), StoreError> {
    let Some((shape, window)) = place(books, &found.sighting)? else { return Ok(()) };
    let insert = "INSERT INTO matches (cluster, topic, \"partition\", epoch, \"offset\", wanted_id, rendering_id,
                                       window_id, business_date, arrival, event_time, matcher, sha256, recorded_at,
                                       distinct_value, message_key, traceparent, tracestate)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
                  ON CONFLICT DO NOTHING";
    let sighted = Sighted { partition, sighting: &found.sighting, window, by: &found.by };
    let trace = found.carried.trace.as_ref();
    let (parent, state) = (trace.map(|it| it.parent.as_str()), trace.and_then(|it| it.state.as_deref()));
    match sighted.insert(books, insert, &[&found.distinct, &found.carried.key, &parent, &state])? {
        Some(id) => waits::credit(books, &shape, &found.sighting, id),
        // It may count for a wait that did not want its text yet when it was recorded.
        None => {
            let known = known_match(books.db(), partition, &found.sighting)?;
            known.map_or(Ok(()), |id| waits::credit(books, &shape, &found.sighting, id))
        }
    }
}

/// The same of a message that is read back, unless it is a match already.
pub(super) fn record_match_once(
    books: &mut Books<'_, '_>,
    partition: &Partition,
    found: &Match,
) -> Result<(), StoreError> {
    let Some(id) = known_match(books.db(), partition, &found.sighting)? else {
        return record_match(books, partition, found);
    };
    let Some((shape, _)) = place(books, &found.sighting)? else { return Ok(()) };
    waits::credit(books, &shape, &found.sighting, id)
}

/// The match that a message is already. Where somebody had its partition read from another place a message before that place
/// was recorded in an epoch before, at the same offset and with the same arrival; of a topic that was made anew, the arrival is
/// another one.
fn known_match(db: &Connection, partition: &Partition, sighting: &Sighting) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id FROM matches
                WHERE topic = ?1 AND \"partition\" = ?2 AND \"offset\" = ?3 AND cluster = ?4
                  AND (epoch = ?5 OR arrival = ?6) AND wanted_id = ?7 AND rendering_id = ?8
                ORDER BY epoch DESC LIMIT 1";
    let Partition { cluster, topic, number, epoch } = partition;
    let Sighting { offset, wanted, rendering, .. } = sighting;
    let arrival = columns::instant(sighting.arrival);
    let values = params![topic, number, offset, cluster, epoch, arrival, wanted.0, rendering.0];
    Ok(db.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()?)
}

/// The sensor that a sighting belongs to, and the number of its window. None: the window had not opened.
fn place(books: &mut Books<'_, '_>, sighting: &Sighting) -> Result<Option<(Rc<Shape>, i64)>, StoreError> {
    let db = books.db();
    let (shape, belongs) = books.shapes.of_wanted(db, sighting.wanted)?;
    if sighting.window.frequency == Frequency::Once && sighting.arrival < belongs.registered_at {
        return Ok(None);
    }
    let window = books.windows.id(db, &shape.timezone, belongs.day_shift_seconds, &sighting.window)?;
    Ok(Some((shape, window)))
}

/// What matches and near misses have in common.
struct Sighted<'a> {
    partition: &'a Partition,
    sighting: &'a Sighting,
    window: i64,
    by: &'a JudgedBy,
}

impl Sighted<'_> {
    /// The number of the new row; none: it was there.
    fn insert(&self, books: &Books<'_, '_>, sql: &str, more: &[&dyn ToSql]) -> Result<Option<i64>, StoreError> {
        let Self { partition, sighting, window, by } = self;
        let mut statement = books.db().prepare_cached(sql)?;
        let business_date = columns::date(sighting.business_date);
        let arrival = columns::instant(sighting.arrival);
        let event_time = sighting.event_time.map(columns::instant);
        let mut values: Vec<&dyn ToSql> = vec![
            &partition.cluster,
            &partition.topic,
            &partition.number,
            &partition.epoch,
            &sighting.offset,
            &sighting.wanted.0,
            &sighting.rendering.0,
            window,
            &business_date,
            &arrival,
            &event_time,
            &by.matcher,
            &by.sha256,
            &books.now,
        ];
        values.extend(more);
        let inserted = statement.execute(values.as_slice())?;
        Ok((inserted == 1).then(|| books.db().last_insert_rowid()))
    }
}
