//! Opening the file: whose it is, which schema it has, and how connections to it behave.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig, params};

use super::{
    columns,
    condition::Condition,
    error::StoreError,
    trouble::{Ailment, Trouble, explained},
};

/// `evlt`: says in the file's header whose it is.
const APPLICATION_ID: i32 = 0x6576_6c74;

/// Each brings a store from the version of its place to the next. Only ever appended to.
const MIGRATIONS: [&str; 5] = [
    include_str!("schema/0001.sql"),
    include_str!("schema/0002.sql"),
    include_str!("schema/0003.sql"),
    include_str!("schema/0004.sql"),
    include_str!("schema/0005.sql"),
];

/// How long one connection waits for another's short locks.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What is left of a commit when the machine fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    Lasting,
    /// Perhaps nothing: nobody looks at the file again.
    Fleeting,
}

/// The store's file with its writing connection. Dropping it lets go of the lock.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// Without symbolic links: two names of one file are one store.
    pub(super) path: PathBuf,
    pub(super) lock: File,
    pub(super) condition: Condition,
}

/// Opens for writing, creates or migrates where needed.
pub(super) fn open(path: &Path, durability: Durability) -> Result<Opened, StoreError> {
    let path = resolved(path);
    let lock = lock(&path)?;
    let mut connection = connect(&path, OpenFlags::default())?;
    let version = recognise(&connection, &path)?;
    if connection.is_readonly("main").map_err(|error| opening(&path, error))? {
        return Err(Trouble::new(Ailment::ReadOnly, &path).into());
    }
    settings(&connection, durability).map_err(|error| opening(&path, error))?;
    migrate(&mut connection, version).map_err(|error| opening(&path, error))?;
    // Reading makes the log of commits, if there is none.
    identity(&connection)?;
    let condition = Condition::new(&path).map_err(|source| StoreError::Lost { path: path.clone(), source })?;
    Ok(Opened { connection, path, lock, condition })
}

/// Opens for reading, also while another process writes.
pub(super) fn open_read_only(path: &Path) -> Result<Connection, StoreError> {
    let (connection, found) = open_of_any_version(path)?;
    if found < supported() {
        return Err(StoreError::Older { path: path.to_owned(), found, supported: supported() });
    }
    Ok(connection)
}

/// The same for whom the file concerns and not what its tables mean. The answer has the version.
pub(super) fn open_of_any_version(path: &Path) -> Result<(Connection, i64), StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = connect(path, flags)?;
    let found = recognise(&connection, path)?;
    Ok((connection, found))
}

/// Opens for writing what is there already, whatever its version, and keeps every other process out.
pub(super) fn open_alone(path: &Path) -> Result<(Connection, File), StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing { path: path.to_owned() });
    }
    let path = resolved(path);
    let lock = lock(&path)?;
    let connection = connect(&path, OpenFlags::default())?;
    recognise(&connection, &path)?;
    Ok((connection, lock))
}

/// Makes an empty database file, or opens one that is.
pub(super) fn open_empty(path: &Path) -> Result<Connection, StoreError> {
    connect(path, OpenFlags::default())
}

/// The tables, views, indexes and triggers of a version, in a database of their own.
pub(super) fn pattern(version: i64) -> Result<Connection, StoreError> {
    let pattern = Connection::open_in_memory()?;
    MIGRATIONS.iter().take(version as usize).try_for_each(|script| pattern.execute_batch(script))?;
    Ok(pattern)
}

pub(super) fn identity(connection: &Connection) -> Result<String, StoreError> {
    Ok(connection.query_row("SELECT identity FROM store", [], |row| row.get(0))?)
}

pub(super) fn supported() -> i64 {
    MIGRATIONS.len() as i64
}

fn opening(path: &Path, source: rusqlite::Error) -> StoreError {
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::NotADatabase { path: path.to_owned() },
        _ => match explained(source.into(), path) {
            StoreError::Sqlite(source) => StoreError::Open { path: path.to_owned(), source },
            explained => explained,
        },
    }
}

fn resolved(path: &Path) -> PathBuf {
    if let Ok(whole) = path.canonicalize() {
        return whole;
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match (parent.canonicalize(), path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let file = lock_file(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Busy { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(StoreError::Lock { path: lock_path(path), source }),
    }
}

fn lock_file(path: &Path) -> Result<File, StoreError> {
    let lock = lock_path(path);
    File::options().create(true).write(true).truncate(false).open(&lock).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => StoreError::NoDirectory { path: path.to_owned() },
        _ => StoreError::Lock { path: lock, source },
    })
}

/// Whether another process has the store now.
pub fn is_in_use(path: &Path) -> Result<bool, StoreError> {
    match lock(&resolved(path)) {
        Ok(_let_go_at_once) => Ok(false),
        Err(StoreError::Busy { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}

/// The same where nothing may be written, not even the file of the lock.
pub fn seems_in_use(path: &Path) -> bool {
    let lock = File::open(lock_path(&resolved(path)));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Blocks until no other process has the store.
pub fn wait_until_free(path: &Path) -> Result<(), StoreError> {
    let path = resolved(path);
    lock_file(&path)?.lock().map_err(|source| StoreError::Lock { path: lock_path(&path), source })
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreError> {
    let configured = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(128);
        // Else SQLite plans a statement on a table with partial indexes anew with each value that is bound to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        Ok(connection)
    };
    configured().map_err(|error| opening(path, error))
}

/// Refuses what is not ours or too new, before anything is changed. The answer is the version; 0 is an empty file.
fn recognise(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let look = || {
        let objects: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let owner: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok((objects, owner, version))
    };
    let (objects, found, version) = look().map_err(|error| opening(path, error))?;
    if objects == 0 && found == 0 && version == 0 {
        return Ok(0);
    }
    if found != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned(), found, ours: APPLICATION_ID });
    }
    if version > supported() {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, supported: supported() });
    }
    Ok(version)
}

fn settings(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    let synchronous = match durability {
        Durability::Lasting => "FULL",
        Durability::Fleeting => "OFF",
    };
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -65_536)?;
    connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |_| Ok(()))
}

fn migrate(connection: &mut Connection, version: i64) -> rusqlite::Result<()> {
    // A table that others refer to cannot be made anew otherwise.
    connection.pragma_update(None, "foreign_keys", false)?;
    for (from, script) in (0..).zip(MIGRATIONS).skip(version as usize) {
        let step = connection.transaction()?;
        step.execute_batch(script)?;
        if from == 0 {
            step.pragma_update(None, "application_id", APPLICATION_ID)?;
            let created = "INSERT INTO store (one, identity, created_at) VALUES (1, lower(hex(randomblob(16))), ?1)";
            step.execute(created, params![columns::now()])?;
        }
        step.pragma_update(None, "user_version", from + 1)?;
        step.commit()?;
    }
    connection.pragma_update(None, "foreign_keys", true)
}

/// The file that keeps a second process out.
fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
