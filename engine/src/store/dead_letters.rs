//! Messages that were set aside: kept, found again, and judged again.

use rusqlite::{Row, ToSql, params};

use super::{
    Store, columns,
    error::StoreError,
    forwarding,
    reader::Reader,
    record::{self, Books},
    writer::Session,
};
use crate::domain::{
    change::Change,
    dead_letter::{
        Actor, Cause, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterKind, Rejudged, Rejudgement, Sample,
        StoredDeadLetter,
    },
    message::Partition,
};

pub(super) fn set_aside(books: &Books<'_, '_>, partition: &Partition, letter: &DeadLetter) -> Result<(), StoreError> {
    let sql = "INSERT INTO dead_letters (cluster, topic, \"partition\", epoch, \"offset\", arrival, key, payload,
                                         payload_size, kind, reason, matcher, sha256, recorded_at, fault, backtrace)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) ON CONFLICT DO NOTHING";
    let added = insert(books, sql, partition, letter)?;
    if added > 0 {
        forwarding::keep(books, partition, letter)?;
        books.session.tell(Change::DeadLetter {
            topic: partition.topic.to_string(),
            partition: partition.number,
            offset: letter.offset,
            matcher: letter.by.matcher.to_string(),
            cause: letter.cause.kind(),
        });
    }
    Ok(())
}

/// All that is kept of a message, in the order of the columns of `dead_letters`. The answer is how many rows are new.
pub(super) fn insert(
    books: &Books<'_, '_>,
    sql: &str,
    partition: &Partition,
    letter: &DeadLetter,
) -> Result<usize, StoreError> {
    let (fault, backtrace) = match &letter.cause {
        Cause::Reject => (None, None),
        Cause::Fault { word, backtrace } => (Some(word), backtrace.as_ref()),
    };
    let added = books.db().prepare_cached(sql)?.execute(params![
        partition.cluster,
        partition.topic,
        partition.number,
        partition.epoch,
        letter.offset,
        columns::instant(letter.arrival),
        letter.kept.key.as_ref().map(|key| &key.0),
        letter.kept.payload.as_ref().map(|payload| &payload.0),
        letter.kept.payload_size.map(|size| size as i64),
        letter.cause.kind().word(),
        letter.reason,
        letter.by.matcher,
        letter.by.sha256,
        books.now,
        fault,
        backtrace,
    ])?;
    Ok(added)
}

/// Takes what came of judging dead letters again. Offsets stay where they are; what was recorded before is not
/// recorded again.
pub(super) fn redrive(session: &mut Session<'_>, rejudged: &[Rejudged], actor: Actor) -> Result<(), StoreError> {
    let mut books = Books::open(session);
    rejudged.iter().try_for_each(|rejudged| redrive_one(&mut books, rejudged, actor))
}

fn redrive_one(books: &mut Books<'_, '_>, rejudged: &Rejudged, actor: Actor) -> Result<(), StoreError> {
    let Rejudged { id, partition, verdict } = rejudged;
    // What was found out earlier is worth more than that it cannot be found out again.
    let update = match verdict {
        Rejudgement::Judged { .. } => "UPDATE dead_letters SET redriven_at = ?2, outcome = ?3 WHERE id = ?1",
        Rejudgement::NotJudged(_) => {
            "UPDATE dead_letters SET outcome = ?3 WHERE id = ?1 AND redriven_at IS NULL AND ?2 IS NOT NULL"
        }
    };
    books.db().prepare_cached(update)?.execute(params![id.0, books.now, verdict.outcome()])?;
    if let Rejudgement::Judged { matches, near_misses, .. } = verdict {
        for near in near_misses {
            record::record_near_miss_once(books, partition, near)?;
        }
        for found in matches {
            record::record_match(books, partition, found)?;
        }
    }
    let detail = serde_json::json!({"judged": verdict.is_judged(), "outcome": verdict.outcome()}).to_string();
    let audit = "INSERT INTO audit (at, actor, action, subject, detail) VALUES (?1, ?2, 'dead-letter redrive', ?3, ?4)";
    let subject = format!("dead-letter {id}");
    books.db().prepare_cached(audit)?.execute(params![books.now, actor.word(), subject, detail])?;
    Ok(())
}

pub(super) const COLUMNS: &str = "id, cluster, topic, \"partition\", epoch, \"offset\", arrival, recorded_at, kind, fault, reason, \
                       backtrace, matcher, sha256, key, payload, payload_size, redriven_at, outcome, \
                       published_at";

impl Reader {
    /// The newest of those that are meant, older than one.
    pub fn dead_letters(
        &self,
        filter: &DeadLetterFilter,
        before: Option<DeadLetterId>,
        limit: usize,
    ) -> Result<Vec<StoredDeadLetter>, StoreError> {
        let before = before.map_or(i64::MAX, |id| id.0);
        self.page(filter, "id < ?1 ORDER BY id DESC", before, limit)
    }

    /// The oldest of those that are meant, newer than one.
    pub fn dead_letters_after(
        &self,
        filter: &DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: usize,
    ) -> Result<Vec<StoredDeadLetter>, StoreError> {
        let after = after.map_or(i64::MIN, |id| id.0);
        self.page(filter, "id > ?1 ORDER BY id", after, limit)
    }

    /// One of them, if it is there.
    pub fn dead_letter(&self, id: DeadLetterId) -> Result<Option<StoredDeadLetter>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM dead_letters WHERE id = ?1");
        Ok(self.rows(&sql, [id.0], dead_letter)?.pop())
    }

    fn page(
        &self,
        filter: &DeadLetterFilter,
        place_and_order: &str,
        place: i64,
        limit: usize,
    ) -> Result<Vec<StoredDeadLetter>, StoreError> {
        let DeadLetterFilter { topic, matcher, kind } = filter;
        let sql = format!(
            "SELECT {COLUMNS} FROM dead_letters
              WHERE (?2 IS NULL OR topic = ?2) AND (?3 IS NULL OR matcher = ?3) AND (?4 IS NULL OR kind = ?4)
                AND {place_and_order} LIMIT ?5"
        );
        let values: [&dyn ToSql; 5] = [&place, topic, matcher, &kind.map(DeadLetterKind::word), &(limit as i64)];
        self.rows(&sql, values, dead_letter)
    }
}

pub(super) fn dead_letter(row: &Row<'_>) -> rusqlite::Result<StoredDeadLetter> {
    const KINDS: [DeadLetterKind; 2] = [DeadLetterKind::Reject, DeadLetterKind::Fault];
    let position = columns::read_position(row, 1)?;
    let sample = |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<Vec<u8>>>(column)?.map(Sample));
    Ok(StoredDeadLetter {
        id: DeadLetterId(row.get(0)?),
        cluster: position.partition.cluster,
        topic: position.partition.topic,
        partition: position.partition.number,
        epoch: position.partition.epoch,
        offset: position.offset,
        arrival: columns::read_instant(row, 6)?,
        recorded_at: columns::read_instant(row, 7)?,
        kind: columns::read_word(row, 8, KINDS, DeadLetterKind::word)?,
        fault: row.get(9)?,
        reason: row.get(10)?,
        backtrace: row.get(11)?,
        matcher: row.get(12)?,
        sha256: row.get(13)?,
        key: sample(14)?,
        payload: sample(15)?,
        payload_size: row.get(16)?,
        redriven_at: columns::read_optional_instant(row, 17)?,
        outcome: row.get(18)?,
        published_at: columns::read_optional_instant(row, 19)?,
    })
}

impl Store {
    /// Takes what came of judging dead letters again, and moves no offset. May be repeated.
    pub async fn redrive(&self, rejudged: Vec<Rejudged>, actor: Actor) -> Result<(), StoreError> {
        self.writer.call(move |session| redrive(session, &rejudged, actor)).await
    }

    /// The newest messages that were set aside, older than one of them.
    pub async fn dead_letters(
        &self,
        filter: DeadLetterFilter,
        before: Option<DeadLetterId>,
        limit: usize,
    ) -> Result<Vec<StoredDeadLetter>, StoreError> {
        self.read(move |reader| reader.dead_letters(&filter, before, limit)).await
    }

    /// The oldest messages that were set aside, newer than one of them.
    pub async fn dead_letters_after(
        &self,
        filter: DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: usize,
    ) -> Result<Vec<StoredDeadLetter>, StoreError> {
        self.read(move |reader| reader.dead_letters_after(&filter, after, limit)).await
    }

    /// A message that was set aside, if it is there.
    pub async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<StoredDeadLetter>, StoreError> {
        self.read(move |reader| reader.dead_letter(id)).await
    }
}
