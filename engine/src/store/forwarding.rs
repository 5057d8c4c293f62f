//! Dead letters on their way to a topic of Kafka: what is to be published is kept in the transaction that sets a message
//! aside, or lets its partition stand still at it, and goes when Kafka has it.

use base64::{Engine, prelude::BASE64_STANDARD};
use rusqlite::{Row, params, types::Type};
use serde::{Deserialize, Serialize};

use super::{Store, columns, dead_letters, error::StoreError, reader::Reader, record::Books, writer::Session};
use crate::domain::{
    dead_letter::{DeadLetter, DeadLetterId, DueForward, Forward},
    message::{Header, Partition},
};

/// A header as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    value: String,
}

/// Keeps what is to be published of a message that is set aside.
pub(super) fn keep(books: &Books<'_, '_>, partition: &Partition, letter: &DeadLetter) -> Result<(), StoreError> {
    let Some(forward) = &letter.forward else { return Ok(()) };
    let sql =
        "INSERT INTO dead_letters_to_publish (cluster, topic, \"partition\", epoch, \"offset\", matcher, to_topic, key,
                                                    value, headers)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
    let Partition { cluster, topic, number, epoch } = partition;
    let Forward { topic: to_topic, key, value, headers } = &**forward;
    let (offset, matcher, headers) = (letter.offset, &letter.by.matcher, written(headers));
    let row = params![cluster, topic, number, epoch, offset, matcher, to_topic, key, value, headers];
    books.db().prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Publishes nothing of the message at which a partition stands still: it is judged again, or read no more.
pub(super) fn drop_of_frozen(session: &Session<'_>, cluster: &str, topic: &str, number: i32) -> Result<(), StoreError> {
    let sql = "DELETE FROM dead_letters_to_publish
                WHERE (topic, \"partition\", \"offset\", cluster, epoch, matcher) IN
                      (SELECT topic, \"partition\", \"offset\", cluster, epoch, matcher FROM frozen_partitions
                        WHERE cluster = ?1 AND topic = ?2 AND \"partition\" = ?3)";
    session.db.prepare_cached(sql)?.execute(params![cluster, topic, number])?;
    Ok(())
}

fn written(headers: &[Header]) -> String {
    let kept = headers.iter().map(|it| Kept { name: it.name.clone(), value: BASE64_STANDARD.encode(&it.value) });
    serde_json::json!(kept.collect::<Vec<_>>()).to_string()
}

fn read(text: &str) -> Result<Vec<Header>, Box<dyn std::error::Error + Send + Sync>> {
    let kept: Vec<Kept> = serde_json::from_str(text)?;
    kept.into_iter().map(|it| Ok(Header { name: it.name, value: BASE64_STANDARD.decode(it.value)? })).collect()
}

impl Reader {
    /// The oldest dead letters that are to be published.
    pub fn due_forwards(&self, limit: usize) -> Result<Vec<DueForward>, StoreError> {
        let columns = dead_letters::COLUMNS.split(", ").map(|name| format!("letter.{}", name.trim()));
        let sql = format!(
            "SELECT {}, due.to_topic, due.key, due.value, due.headers
               FROM dead_letters_to_publish AS due
               JOIN dead_letters AS letter USING (topic, \"partition\", \"offset\", cluster, epoch, matcher)
              ORDER BY due.id LIMIT ?1",
            columns.collect::<Vec<_>>().join(", ")
        );
        self.rows(&sql, [limit as i64], due)
    }
}

fn due(row: &Row<'_>) -> rusqlite::Result<DueForward> {
    let headers = read(row.get_ref(FIRST + 3)?.as_str()?);
    let headers = headers.map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error))?;
    let (key, value) = (row.get(FIRST + 1)?, row.get(FIRST + 2)?);
    let forward = Forward { topic: row.get(FIRST)?, key, value, headers };
    Ok(DueForward { letter: dead_letters::dead_letter(row)?, forward })
}

/// The place of the first column behind those of a dead letter.
const FIRST: usize = 20;

fn published(session: &Session<'_>, ids: &[DeadLetterId]) -> Result<(), StoreError> {
    let told = "UPDATE dead_letters SET published_at = ?2 WHERE id = ?1";
    let done = "DELETE FROM dead_letters_to_publish
                 WHERE (topic, \"partition\", \"offset\", cluster, epoch, matcher) =
                       (SELECT topic, \"partition\", \"offset\", cluster, epoch, matcher FROM dead_letters WHERE id = ?1)";
    let now = columns::now();
    for id in ids {
        session.db.prepare_cached(told)?.execute(params![id.0, now])?;
        session.db.prepare_cached(done)?.execute([id.0])?;
    }
    Ok(())
}

impl Store {
    /// The oldest dead letters that are to be published.
    pub async fn due_forwards(&self, limit: usize) -> Result<Vec<DueForward>, StoreError> {
        self.report(move |reader| reader.due_forwards(limit)).await
    }

    /// Notes that Kafka has them.
    pub async fn forwarded(&self, ids: Vec<DeadLetterId>) -> Result<(), StoreError> {
        self.writer.call(move |session| published(session, &ids)).await
    }
}
