//! The rows of a store, written as one would who need not know what follows from them.

use std::path::Path;

use eventlatch_tests::home::open;
use rusqlite::{Connection, params_from_iter, types::Value};
use tempfile::TempDir;

pub(crate) struct BareStore {
    connection: Connection,
    insert: String,
    /// The rows of a transaction, whose offsets move on from one to the next.
    rows: Vec<Vec<Value>>,
    offset: usize,
    _directory: TempDir,
}

impl BareStore {
    /// The same table of matches as that of a store, with its indexes and its newest rows.
    pub(crate) fn like(store: &Path, rows: usize) -> Self {
        let directory = TempDir::new().expect("there is a place for temporary files");
        let connection = open(&directory.path().join("bare.db"));
        let store = open(store);
        connection
            .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;")
            .expect("a database can be made");
        for sql in texts(
            &store,
            "SELECT sql FROM sqlite_master WHERE tbl_name IN ('matches', 'offsets') AND sql IS NOT NULL ORDER BY type DESC",
        ) {
            connection.execute_batch(&sql).expect("the tables can be made");
        }
        let columns = texts(&store, "SELECT name FROM pragma_table_info('matches') WHERE name <> 'id'");
        let offset = columns.iter().position(|name| name == "offset").expect("matches have offsets");
        let names = columns.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let places = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT INTO matches ({names}) VALUES ({places})");
        let rows = read(&store, &format!("SELECT {names} FROM matches LIMIT {rows}"), columns.len());
        Self { connection, insert, rows, offset, _directory: directory }
    }

    /// One transaction.
    pub(crate) fn write(&mut self) {
        let step = self.rows.len() as i64;
        let transaction = self.connection.transaction().expect("nobody else writes");
        {
            let mut insert = transaction.prepare_cached(&self.insert).expect("the table is there");
            for row in &mut self.rows {
                let Value::Integer(offset) = &mut row[self.offset] else { panic!("an offset is a number") };
                *offset += step;
                insert.execute(params_from_iter(row.iter())).expect("the row is new");
            }
        }
        transaction.commit().expect("the disk takes it");
    }
}

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).expect("the store has these tables");
    let rows = statement.query_map([], |row| row.get(0)).expect("the store can be read");
    rows.collect::<Result<_, _>>().expect("the store can be read")
}

fn read(connection: &Connection, sql: &str, columns: usize) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(sql).expect("the store has these tables");
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
    rows.and_then(Iterator::collect).expect("the store can be read")
}
