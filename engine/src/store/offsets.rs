//! How far partitions have been read, and in which of their lives.
//!
//! Offsets move with what follows from them (`record`). Here is what else becomes of them: a topic of the same name is
//! another one now, or somebody has a partition read again. Then a new epoch begins, so that no position is taken twice.

use std::sync::Arc;

use rusqlite::{OptionalExtension, params};

use super::{Store, columns, error::StoreError, forwarding, reader::Reader, writer::Session};

/// How far a partition has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredOffset {
    pub partition: i32,
    pub epoch: i64,
    /// The offset to be read next.
    pub next: i64,
    /// Whether it stands still until somebody releases it.
    pub frozen: bool,
}

impl Reader {
    /// How far the partitions of a topic have been read.
    pub fn stored_offsets(&self, cluster: &str, topic: &str) -> Result<Vec<StoredOffset>, StoreError> {
        let sql = "SELECT \"partition\", epoch, next,
                          EXISTS (SELECT 1 FROM frozen_partitions AS frozen
                                   WHERE frozen.cluster = offsets.cluster AND frozen.topic = offsets.topic
                                     AND frozen.\"partition\" = offsets.\"partition\" AND frozen.epoch = offsets.epoch)
                     FROM offsets WHERE cluster = ?1 AND topic = ?2 ORDER BY 1";
        self.rows(sql, [cluster, topic], |row| {
            Ok(StoredOffset { partition: row.get(0)?, epoch: row.get(1)?, next: row.get(2)?, frozen: row.get(3)? })
        })
    }

    /// The partitions of a topic with the offsets to be read next; of one cluster, or of whichever they were read from.
    pub fn offsets_of(&self, topic: &str, cluster: Option<&str>) -> Result<Vec<(i32, i64)>, StoreError> {
        let sql = "SELECT \"partition\", next FROM offsets
                    WHERE topic = ?1 AND (?2 IS NULL OR cluster = ?2) ORDER BY updated_at";
        self.rows(sql, params![topic, cluster], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The clusters that a topic was read from, the last one first.
    pub fn clusters_of(&self, topic: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT cluster FROM offsets WHERE topic = ?1 GROUP BY cluster ORDER BY max(updated_at) DESC";
        self.rows(sql, [topic], |row| row.get(0))
    }

    /// Kafka's id of a topic, as it was when it was read last.
    pub fn topic_id(&self, cluster: &str, topic: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT id FROM topic_ids WHERE cluster = ?1 AND topic = ?2";
        self.with(|db| Ok(db.prepare_cached(sql)?.query_row([cluster, topic], |row| row.get(0)).optional()?))
    }
}

/// A topic that goes on, or begins anew, at these offsets of its partitions.
#[derive(Debug, Clone)]
pub struct NewEpoch {
    pub cluster: String,
    pub topic: String,
    /// Kafka's id of the topic; none: it is not known, or the same.
    pub id: Option<String>,
    /// Partitions and the offsets to be read next.
    pub starts: Vec<(i32, i64)>,
}

pub(super) fn note_id(session: &Session<'_>, cluster: &str, topic: &str, id: &str) -> Result<(), StoreError> {
    let sql = "INSERT INTO topic_ids (cluster, topic, id, seen_at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT DO UPDATE SET id = excluded.id, seen_at = excluded.seen_at";
    session.db.prepare_cached(sql)?.execute(params![cluster, topic, id, columns::now()])?;
    Ok(())
}

/// Begins a new life of partitions. What was read of the one before stays as it is; nothing more is caught up of it, and
/// no partition of it stands still.
pub(super) fn begin_epoch(session: &Session<'_>, begun: &NewEpoch) -> Result<(), StoreError> {
    let NewEpoch { cluster, topic, id, starts } = begun;
    let offset = "INSERT INTO offsets (cluster, topic, \"partition\", epoch, next, updated_at)
                  VALUES (?1, ?2, ?3, 0, ?4, ?5)
                  ON CONFLICT DO UPDATE SET epoch = epoch + 1, next = excluded.next, updated_at = excluded.updated_at";
    let catch_up = "UPDATE catch_ups SET state = 'done', lacking = 'the partition began anew', updated_at = ?4
                     WHERE cluster = ?1 AND topic = ?2 AND \"partition\" = ?3 AND state = 'running'";
    let frozen = "DELETE FROM frozen_partitions WHERE cluster = ?1 AND topic = ?2 AND \"partition\" = ?3";
    let now = columns::now();
    for (number, next) in starts {
        session.db.prepare_cached(offset)?.execute(params![cluster, topic, number, next, now])?;
        session.db.prepare_cached(catch_up)?.execute(params![cluster, topic, number, now])?;
        forwarding::drop_of_frozen(session, cluster, topic, *number)?;
        session.db.prepare_cached(frozen)?.execute(params![cluster, topic, number])?;
    }
    id.as_ref().map_or(Ok(()), |id| note_id(session, cluster, topic, id))
}

impl Store {
    /// How far the partitions of a topic have been read. Blocks for a moment; meant for a rebalance callback.
    pub fn stored_offsets(&self, cluster: &str, topic: &str) -> Result<Vec<StoredOffset>, StoreError> {
        self.noted(self.offsets.stored_offsets(cluster, topic))
    }

    /// The clusters that a topic was read from, the last one first. Blocks for a moment, as the one before.
    pub fn clusters_of(&self, topic: &str) -> Result<Vec<String>, StoreError> {
        self.offsets.clusters_of(topic)
    }

    /// Kafka's id of a topic, as it was when it was read last. Blocks for a moment, too.
    pub fn topic_id(&self, cluster: &str, topic: &str) -> Result<Option<String>, StoreError> {
        self.offsets.topic_id(cluster, topic)
    }

    /// Notes Kafka's id of a topic. Blocks until that is committed: not for tasks.
    pub fn note_topic_id(&self, cluster: &str, topic: &str, id: &str) -> Result<(), StoreError> {
        let (cluster, topic, id) = (cluster.to_owned(), topic.to_owned(), id.to_owned());
        self.writer.call_blocking(move |session| note_id(session, &cluster, &topic, &id))
    }

    /// Begins a new life of partitions. What is recorded of the one before from now on is superseded.
    pub async fn begin_epoch(&self, begun: NewEpoch) -> Result<(), StoreError> {
        self.writer.call(move |session| begin_epoch(session, &begun)).await
    }

    /// The same, blocking: not for tasks.
    pub fn begin_epoch_blocking(&self, begun: NewEpoch) -> Result<(), StoreError> {
        self.writer.call_blocking(move |session| begin_epoch(session, &begun))
    }

    /// The partitions of a topic with the offsets to be read next; of one cluster, or of whichever they were read from.
    pub async fn offsets_of(&self, topic: String, cluster: Option<Arc<str>>) -> Result<Vec<(i32, i64)>, StoreError> {
        self.read(move |reader| reader.offsets_of(&topic, cluster.as_deref())).await
    }
}
