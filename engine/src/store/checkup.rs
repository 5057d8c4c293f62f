//! Whether a store is sound: its pages, what its rows refer to, and whether its tables are those that were made.
//!
//! Only looks, also while a service writes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::{
    condition::log_path,
    database,
    error::StoreError,
    reader::rows,
    trouble::{Ailment, explained},
    vacuum::size,
};

/// Of more that is wrong nobody learns more.
const MOST: usize = 100;

/// What was found of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckUp {
    pub path: PathBuf,
    /// The random name that it was given when it was created.
    pub identity: Option<String>,
    /// The version of its tables; 0: it cannot be read.
    pub schema: i64,
    /// What this program reads and writes.
    pub schema_supported: i64,
    pub bytes: u64,
    /// Of them those that hold nothing.
    pub free_bytes: u64,
    /// Of the commits that are not in the file yet.
    pub log_bytes: u64,
    /// Whether a service has it now.
    pub in_use: bool,
    /// What is wrong; none: it is sound.
    pub problems: Vec<Problem>,
}

/// Something that is wrong with a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    pub aspect: Aspect,
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aspect {
    /// Pages, rows and indexes.
    Integrity,
    /// Rows that refer to others.
    References,
    /// The tables, and what belongs to them.
    Schema,
    /// Its name.
    Identity,
}

impl Aspect {
    pub const ALL: [Self; 4] = [Self::Integrity, Self::References, Self::Schema, Self::Identity];

    pub fn word(self) -> &'static str {
        match self {
            Self::Integrity => "integrity",
            Self::References => "references",
            Self::Schema => "schema",
            Self::Identity => "identity",
        }
    }
}

const RESTORE: &str = "stop the service, restore a backup and start again; keep the damaged file until then";
const REINDEX: &str = "stop the service and have its indexes made anew: `sqlite3 FILE REINDEX`; then check again";

/// Looks a store through, which takes a while where it is large. An error: it is not there, or no store.
pub fn check_up(path: &Path) -> Result<CheckUp, StoreError> {
    let (connection, schema) = match database::open_of_any_version(path) {
        Err(StoreError::Trouble(trouble)) if trouble.ailment == Ailment::Damaged => return Ok(unreadable(path)),
        opened => opened?,
    };
    let look = || {
        let moment = connection.unchecked_transaction()?;
        let identity = database::identity(&moment);
        let mut problems = integrity(&moment).unwrap_or_else(|error| cannot_tell(Aspect::Integrity, error, path));
        problems.extend(references(&moment).unwrap_or_else(|error| cannot_tell(Aspect::References, error, path)));
        problems.extend(tables(&moment, schema).unwrap_or_else(|error| cannot_tell(Aspect::Schema, error, path)));
        let pages = |of: &str| moment.pragma_query_value(None, of, |row| row.get::<_, i64>(0));
        let free_bytes = (pages("page_size")? * pages("freelist_count")?).unsigned_abs();
        Ok(CheckUp {
            path: path.to_owned(),
            identity: identity.map_err(|error| problems.extend(cannot_tell(Aspect::Identity, error, path))).ok(),
            schema,
            schema_supported: database::supported(),
            bytes: size(path),
            free_bytes,
            log_bytes: size(&log_path(path)),
            in_use: database::seems_in_use(path),
            problems,
        })
    };
    look().map_err(|error| explained(error, path))
}

/// Of a file that says nothing of itself.
fn unreadable(path: &Path) -> CheckUp {
    let what = "nothing of it can be read".to_owned();
    CheckUp {
        path: path.to_owned(),
        identity: None,
        schema: 0,
        schema_supported: database::supported(),
        bytes: size(path),
        free_bytes: 0,
        log_bytes: size(&log_path(path)),
        in_use: database::seems_in_use(path),
        problems: vec![Problem { aspect: Aspect::Integrity, what, remedy: RESTORE.to_owned() }],
    }
}

fn cannot_tell(aspect: Aspect, error: StoreError, path: &Path) -> Vec<Problem> {
    let what = match explained(error, path) {
        StoreError::Trouble(trouble) => trouble.to_string(),
        StoreError::Sqlite(error) => error.to_string(),
        other => other.to_string(),
    };
    vec![Problem { aspect, what, remedy: RESTORE.to_owned() }]
}

fn integrity(db: &Connection) -> Result<Vec<Problem>, StoreError> {
    let lines = rows(db, &format!("PRAGMA integrity_check({MOST})"), [], |row| row.get::<_, String>(0))?;
    let problem = |what: String| {
        // What lacks in an index alone is in its table.
        let of_index = what.contains(" missing from index ") || what.starts_with("wrong # of entries in index ");
        let remedy = if of_index { REINDEX } else { RESTORE };
        Problem { aspect: Aspect::Integrity, what, remedy: remedy.to_owned() }
    };
    Ok(lines.into_iter().filter(|line| line != "ok").map(problem).collect())
}

fn references(db: &Connection) -> Result<Vec<Problem>, StoreError> {
    let sql = format!(
        "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2 LIMIT {MOST}"
    );
    rows(db, &sql, [], |row| {
        let (table, parent, count): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let what = format!("rows of `{table}` refer to rows of `{parent}` that are not there: {count}");
        Ok(Problem { aspect: Aspect::References, what, remedy: RESTORE.to_owned() })
    })
}

/// Whether tables, views, indexes and triggers are those of the version that the file says it has. Views and indexes may
/// have been added by whoever reads it.
fn tables(db: &Connection, version: i64) -> Result<Vec<Problem>, StoreError> {
    let (made, mut there) = (objects(&database::pattern(version)?)?, objects(db)?);
    let mut problems = Vec::new();
    let mut wrong = |what: String, remedy: &str| {
        problems.push(Problem { aspect: Aspect::Schema, what, remedy: remedy.to_owned() });
    };
    for ((kind, name), definition) in made {
        match there.remove(&(kind.clone(), name.clone())) {
            None => wrong(format!("the {kind} `{name}` is missing"), RESTORE),
            Some(found) if found != definition => wrong(format!("the {kind} `{name}` was changed"), RESTORE),
            Some(_) => {}
        }
    }
    for (kind, name) in there.into_keys().filter(|(kind, _)| kind == "trigger") {
        let remedy =
            format!("it runs with what eventlatch writes: `DROP TRIGGER {name}`, unless you know why it is there");
        wrong(format!("the {kind} `{name}` is not eventlatch's"), &remedy);
    }
    Ok(problems)
}

/// By kind and name; of each its definition.
type Objects = BTreeMap<(String, String), String>;

fn objects(db: &Connection) -> Result<Objects, StoreError> {
    let sql = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
    let all = rows(db, sql, [], |row| {
        let definition: Option<String> = row.get(2)?;
        Ok(((row.get(0)?, row.get(1)?), plain(&definition.unwrap_or_default())))
    })?;
    Ok(all.into_iter().collect())
}

/// A definition without comments, however it is set.
fn plain(sql: &str) -> String {
    let code = sql.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code));
    code.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}
