use super::*;

/// A store that was opened and closed, then changed by hand.
async fn changed(change: &str) -> (tempfile::TempDir, Config) {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { path: dir.path().join("s.db"), ..Config::default() };
    Store::open(&config, MarkMode::Local).unwrap().close().await.unwrap();
    let db = Connection::open_with_flags(&config.path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    db.execute_batch(change).unwrap();
    (dir, config)
}

fn refusal(config: &Config) -> String {
    let path = config.path.canonicalize().unwrap_or_else(|_| config.path.clone());
    let error = Store::open(config, MarkMode::Local).unwrap_err();
    error.to_string().replace(path.to_str().unwrap(), "PATH")
}

#[tokio::test]
async fn an_identity_is_for_life() {
    let (_dir, config) = changed("").await;
    let first = Store::open(&config, MarkMode::Local).unwrap();
    let identity = first.identity().to_owned();
    assert_eq!(identity.len(), 32);
    first.close().await.unwrap();
    assert_eq!(Store::open(&config, MarkMode::Local).unwrap().identity(), identity);
    assert_eq!(Reader::open(&config.path).unwrap().identity().unwrap(), identity);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (_dir, config) = changed("PRAGMA user_version = 99").await;
    let expect = "the store PATH has schema version 99, this eventlatch knows versions up to 5: \
                  use the newer eventlatch that wrote it, or restore a backup";
    assert_eq!(refusal(&config), expect);
    assert!(matches!(Reader::open(&config.path), Err(StoreError::Newer { found: 99, .. })));
}

#[tokio::test]
async fn a_reader_does_not_migrate() {
    let (_dir, config) = changed("PRAGMA user_version = 0").await;
    assert!(matches!(Reader::open(&config.path), Err(StoreError::Older { found: 0, supported: 5, .. })));
    let missing = config.path.with_file_name("other.db");
    assert!(matches!(Reader::open(&missing), Err(StoreError::Missing { .. })));
    assert!(!missing.exists());
}

#[tokio::test]
async fn a_foreign_database_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { path: dir.path().join("airflow.db"), ..Config::default() };
    let db = Connection::open_with_flags(&config.path, OpenFlags::default()).unwrap();
    db.execute_batch("CREATE TABLE dag (dag_id TEXT)").unwrap();
    let before = std::fs::read(&config.path).unwrap();
    let expect = "PATH is no eventlatch store (its application id is 0x00000000, ours 0x65766c74): \
                  give another `[store] path`";
    assert_eq!(refusal(&config), expect);
    assert_eq!(std::fs::read(&config.path).unwrap(), before);
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config { path: dir.path().join("notes.txt"), ..Config::default() };
    let notes = "all work and no play makes jack a dull boy\n".repeat(100);
    std::fs::write(&config.path, &notes).unwrap();
    assert_eq!(refusal(&config), "PATH is no SQLite database: give another `[store] path`");
    assert_eq!(std::fs::read_to_string(&config.path).unwrap(), notes);
}

#[tokio::test]
async fn a_second_one_is_kept_out_until_the_first_is_closed() {
    let fixture = Fixture::new(MarkMode::Local);
    let config = Config { path: fixture.path.clone(), ..Config::default() };
    assert_eq!(
        refusal(&config),
        "the store PATH is in use by another process: stop that one, give this one another `[store] path`, or let it wait by \
         `eventlatch run --standby`"
    );
    let link = fixture.path.with_file_name("link.db");
    std::os::unix::fs::symlink(&fixture.path, &link).unwrap();
    assert!(matches!(
        Store::open(&Config { path: link, ..Config::default() }, MarkMode::Local),
        Err(StoreError::Busy { .. })
    ));
    fixture.store.close().await.unwrap();
    Store::open(&config, MarkMode::Local).unwrap();
}

#[tokio::test]
async fn nothing_is_taken_after_close() {
    let fixture = Fixture::new(MarkMode::Local);
    fixture.store.close().await.unwrap();
    fixture.store.close().await.unwrap();
    assert!(matches!(fixture.store.record(Vec::new()).await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn it_is_as_durable_as_sqlite_can_be() {
    let fixture = Fixture::new(MarkMode::Local);
    assert_eq!(fixture.sql("PRAGMA journal_mode"), ["wal"]);
    let settings = fixture.store.writer.call(|session| {
        let read = |pragma| session.db.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        Ok((read("synchronous")?, read("foreign_keys")?))
    });
    assert_eq!(settings.await.unwrap(), (2, 1));
}

#[tokio::test]
async fn cached_statements_keep_their_plans() {
    let fixture = Fixture::new(MarkMode::Local);
    let prepared_anew = fixture.store.writer.call(|session| {
        let mut statement = session.db.prepare_cached("SELECT id FROM waits WHERE sensor_id = ?1 AND state = ?2")?;
        for sensor in 0..3 {
            assert!(!statement.exists(rusqlite::params![sensor, "complete"])?);
        }
        Ok(statement.get_status(rusqlite::StatementStatus::RePrepare))
    });
    assert_eq!(prepared_anew.await.unwrap(), 0);
}

#[test]
fn the_section_refuses_what_it_does_not_know() {
    let check = |toml: &str, expect: Result<&str, &str>| {
        let config: Result<Config, _> = toml::from_str(toml);
        let config = config.map(|config| config.path.display().to_string()).map_err(|error| error.message().to_owned());
        assert_eq!(config.as_deref().map_err(String::as_str), expect);
    };
    check("", Ok("eventlatch.db"));
    check("path = '/var/lib/e.db'", Ok("/var/lib/e.db"));
    check("paht = 'e.db'", Err("unknown field `paht`, expected `path` or `retention_days`"));
}
