//! Partitions that stand still at a message, until somebody releases them.
//!
//! A row appears in the transaction that records what came before the message, and as long as it is there the
//! partition's offset does not move ([`super::record`]).

use rusqlite::{OptionalExtension, Row, params};

use super::{
    Store, columns, dead_letters, error::StoreError, forwarding, reader::Reader, record::Books, writer::Session,
};
use crate::domain::{
    change::Change,
    dead_letter::{Actor, Cause, DeadLetter, DeadLetterKind, Kept, Sample},
    message::Partition,
    partition::{Frozen, PartitionStatus, Release},
    recording::JudgedBy,
};

pub(super) fn freeze(books: &Books<'_, '_>, partition: &Partition, letter: &DeadLetter) -> Result<(), StoreError> {
    // One of an earlier life of the partition may be there still.
    let sql = "INSERT OR REPLACE INTO frozen_partitions
                      (cluster, topic, \"partition\", epoch, \"offset\", arrival, key, payload, payload_size, kind, reason,
                       matcher, sha256, frozen_at, fault, backtrace)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    dead_letters::insert(books, sql, partition, letter)?;
    forwarding::keep(books, partition, letter)?;
    books.session.tell(Change::PartitionFrozen {
        topic: partition.topic.to_string(),
        partition: partition.number,
        offset: letter.offset,
        matcher: letter.by.matcher.to_string(),
        cause: letter.cause.kind(),
    });
    Ok(())
}

/// Releases a partition. The answer is the offset at which it goes on; none: it is not frozen.
pub(super) fn release(
    session: &mut Session<'_>,
    partition: &Partition,
    how: Release,
    actor: Actor,
    reason: Option<&str>,
) -> Result<Option<i64>, StoreError> {
    let books = Books::open(session);
    let Some(letter) = frozen_at(&books, partition)? else { return Ok(None) };
    let next = match how {
        Release::Unfreeze => {
            forwarding::drop_of_frozen(books.session, &partition.cluster, &partition.topic, partition.number)?;
            letter.offset
        }
        Release::Skip => skip(&books, partition, &letter)?,
    };
    let Partition { cluster, topic, number, .. } = partition;
    let thaw = "DELETE FROM frozen_partitions WHERE cluster = ?1 AND topic = ?2 AND \"partition\" = ?3";
    books.db().prepare_cached(thaw)?.execute(params![cluster, topic, number])?;
    let detail = serde_json::json!({"offset": letter.offset, "reason": reason}).to_string();
    let audit = "INSERT INTO audit (at, actor, action, subject, detail) VALUES (?1, ?2, ?3, ?4, ?5)";
    let subject = format!("partition {partition}");
    books.db().prepare_cached(audit)?.execute(params![books.now, actor.word(), how.word(), subject, detail])?;
    let (topic, partition) = (topic.to_string(), *number);
    books.session.tell(Change::PartitionReleased { topic, partition, offset: next });
    Ok(Some(next))
}

/// What would be set aside of the message at which a partition stands still, if it does.
fn frozen_at(books: &Books<'_, '_>, partition: &Partition) -> Result<Option<DeadLetter>, StoreError> {
    let Partition { cluster, topic, number, epoch } = partition;
    let sql = "SELECT \"offset\", arrival, key, payload, payload_size, kind, fault, backtrace, reason, matcher, sha256
                 FROM frozen_partitions
                WHERE cluster = ?1 AND topic = ?2 AND \"partition\" = ?3 AND epoch = ?4";
    let mut statement = books.db().prepare_cached(sql)?;
    Ok(statement.query_row(params![cluster, topic, number, epoch], dead_letter).optional()?)
}

fn dead_letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let sample = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<Vec<u8>>>(column)?.map(Sample));
    let payload_size = row.get::<_, Option<i64>>(4)?.and_then(|size| usize::try_from(size).ok());
    let (word, backtrace): (Option<String>, _) = (row.get(6)?, row.get(7)?);
    Ok(DeadLetter {
        offset: row.get(0)?,
        arrival: columns::read_instant(row, 1)?,
        kept: Kept { key: sample(2)?, payload: sample(3)?, payload_size },
        cause: word.map_or(Cause::Reject, |word| Cause::Fault { word: word.into(), backtrace }),
        reason: row.get(8)?,
        by: JudgedBy { matcher: row.get::<_, String>(9)?.into(), sha256: row.get::<_, String>(10)?.into() },
        // It is there since the partition stands still.
        forward: None,
    })
}

/// Sets the message aside and moves the offset over it.
fn skip(books: &Books<'_, '_>, partition: &Partition, letter: &DeadLetter) -> Result<i64, StoreError> {
    let Partition { cluster, topic, number, epoch } = partition;
    dead_letters::set_aside(books, partition, letter)?;
    let next = letter.offset + 1;
    let go_on = "UPDATE offsets SET next = ?5, updated_at = ?6
                  WHERE cluster = ?1 AND topic = ?2 AND \"partition\" = ?3 AND epoch = ?4";
    books.db().prepare_cached(go_on)?.execute(params![cluster, topic, number, epoch, next, books.now])?;
    Ok(next)
}

const KINDS: [DeadLetterKind; 2] = [DeadLetterKind::Reject, DeadLetterKind::Fault];

impl Reader {
    /// How far partitions were read: all, or those of a topic.
    pub fn partitions(&self, topic: Option<&str>) -> Result<Vec<PartitionStatus>, StoreError> {
        let sql = "SELECT offsets.cluster, offsets.topic, offsets.\"partition\", offsets.epoch, next, updated_at,
                          \"offset\", arrival, kind, fault, reason, matcher, sha256, frozen_at
                     FROM offsets LEFT JOIN frozen_partitions AS frozen
                       ON frozen.cluster = offsets.cluster AND frozen.topic = offsets.topic
                      AND frozen.\"partition\" = offsets.\"partition\" AND frozen.epoch = offsets.epoch
                    WHERE ?1 IS NULL OR offsets.topic = ?1 ORDER BY offsets.topic, offsets.\"partition\", offsets.cluster";
        self.rows(sql, [topic], status)
    }

    /// The partitions of a topic that stand still.
    pub fn frozen_of(&self, topic: &str) -> Result<Vec<i32>, StoreError> {
        self.rows("SELECT \"partition\" FROM frozen_partitions WHERE topic = ?1", [topic], |row| row.get(0))
    }
}

fn status(row: &Row<'_>) -> rusqlite::Result<PartitionStatus> {
    Ok(PartitionStatus {
        cluster: row.get::<_, String>(0)?.into(),
        topic: row.get::<_, String>(1)?.into(),
        topic_in_kafka: None,
        partition: row.get(2)?,
        epoch: row.get(3)?,
        next: row.get(4)?,
        updated_at: columns::read_instant(row, 5)?,
        lag: None,
        frozen: row.get::<_, Option<i64>>(6)?.map(|offset| frozen(row, offset)).transpose()?,
    })
}

fn frozen(row: &Row<'_>, offset: i64) -> rusqlite::Result<Frozen> {
    Ok(Frozen {
        offset,
        arrival: columns::read_instant(row, 7)?,
        kind: columns::read_word(row, 8, KINDS, DeadLetterKind::word)?,
        fault: row.get(9)?,
        reason: row.get(10)?,
        matcher: row.get(11)?,
        sha256: row.get(12)?,
        frozen_at: columns::read_instant(row, 13)?,
    })
}

impl Store {
    /// Releases a frozen partition. The answer is the offset at which it goes on; none: it is not frozen.
    pub async fn release(
        &self,
        partition: Partition,
        how: Release,
        actor: Actor,
        reason: Option<String>,
    ) -> Result<Option<i64>, StoreError> {
        self.writer.call(move |session| release(session, &partition, how, actor, reason.as_deref())).await
    }

    /// How far partitions were read: all, or those of a topic.
    pub async fn partitions(&self, topic: Option<String>) -> Result<Vec<PartitionStatus>, StoreError> {
        self.report(move |reader| reader.partitions(topic.as_deref())).await
    }

    /// The partitions of a topic that stand still.
    pub async fn frozen_of(&self, topic: String) -> Result<Vec<i32>, StoreError> {
        self.read(move |reader| reader.frozen_of(&topic)).await
    }
}
