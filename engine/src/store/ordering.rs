//! The order of the outbox: of marks with one ordering key only the first is due, the others stand behind it.
//!
//! That the next one takes the place of a first one that is resolved, or goes, is a trigger of the schema. What stands for a
//! whole wait is in no order: it goes out after the tasks of its wait, and would hold up those that it waits for.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{columns, error::StoreError};
use crate::domain::ordering::{Order, OrderingKey, Origin};

/// What orders a new mark that rests on this match.
pub(super) fn key(db: &Connection, order: Order, evidence: Option<i64>) -> Result<Option<OrderingKey>, StoreError> {
    let Some(id) = evidence.filter(|_| order.is_by_message()) else {
        return Ok(order.key(None));
    };
    let sql = "SELECT cluster, topic, \"partition\", epoch, \"offset\", message_key FROM matches WHERE id = ?1";
    let key = db.prepare_cached(sql)?.query_row([id], |row| key_of(row, 0, order)).optional()?;
    Ok(key.flatten())
}

/// Reads six columns: a position and the message's key.
fn key_of(row: &Row<'_>, first: usize, order: Order) -> rusqlite::Result<Option<OrderingKey>> {
    let position = columns::read_position(row, first)?;
    let key = row.get_ref(first + 5)?.as_blob_or_null()?;
    Ok(order.key(Some(Origin { partition: &position.partition, key })))
}

/// What was still to be delivered goes out in this order from now on.
pub(super) fn order_left_over(db: &Connection, order: Order) -> Result<(), StoreError> {
    let transaction = db.unchecked_transaction()?;
    let mut update = transaction.prepare("UPDATE marks SET ordering_key = ?2, behind = ?3 WHERE id = ?1")?;
    let mut known = HashSet::new();
    for mark in pending(&transaction, order)? {
        let behind = mark.ordered.is_some_and(|key| !known.insert(key));
        if (mark.ordered, behind) != (mark.key, mark.behind) {
            update.execute(params![mark.id, mark.ordered.map(|key| key.0), behind])?;
        }
    }
    drop(update);
    Ok(transaction.commit()?)
}

/// A mark as it stands, and what should order it.
struct Pending {
    id: i64,
    key: Option<OrderingKey>,
    behind: bool,
    ordered: Option<OrderingKey>,
}

fn pending(db: &Connection, order: Order) -> Result<Vec<Pending>, StoreError> {
    let sql = "SELECT marks.id, ordering_key, behind, matches.id IS NOT NULL,
                      cluster, topic, \"partition\", epoch, \"offset\", message_key, kind
                 FROM marks LEFT JOIN matches ON matches.id = match_id WHERE status = 'pending' ORDER BY marks.id";
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let has_evidence: bool = row.get(3)?;
        let ordered = match (row.get_ref(10)?.as_str()?, has_evidence) {
            ("task", true) => key_of(row, 4, order)?,
            ("task", false) => order.key(None),
            _ => None,
        };
        let key = row.get::<_, Option<i64>>(1)?.map(OrderingKey);
        Ok(Pending { id: row.get(0)?, key, behind: row.get(2)?, ordered })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
