//! The adapter on temporary databases.

use std::path::Path;

use super::*;
use crate::task::trial::mark;

const JOBS: &str = "CREATE TABLE jobs (day TEXT, name TEXT, state TEXT CHECK (state <> 'failed'), note TEXT);
                    INSERT INTO jobs VALUES ('2019-07-07', 'a', 'waiting', ''), ('2019-07-07', 'b', 'waiting', '')";
const UPDATE: &str = "UPDATE jobs SET state = :state, note = note || :mark_id || ' '
                       WHERE day = :business_date AND name = :task_id";

struct Fixture {
    dir: tempfile::TempDir,
    adapter: SqlAdapter,
}

impl Fixture {
    fn new(statement: &str, rows: Rows) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("jobs.db");
        open(&database).execute_batch(JOBS).unwrap();
        let config = Config { database, statement: statement.to_owned(), rows };
        Self { dir, adapter: SqlAdapter::new(config, "store") }
    }

    fn db(&self) -> Connection {
        open(&self.dir.path().join("jobs.db"))
    }

    fn one(&self, sql: &str) -> String {
        self.db().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    async fn mark(&self, id: i64, task_id: &str) -> Result<Marked, String> {
        self.adapter.mark(&mark(id, task_id)).await.map_err(|error| error.to_string())
    }

    async fn probe(&self) -> Result<(), String> {
        self.adapter.probe().await.map_err(|error| error.to_string())
    }
}

fn open(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::default()).unwrap()
}

#[tokio::test]
async fn an_effect_is_not_repeated() {
    let fixture = Fixture::new(UPDATE, Rows::One);
    fixture.probe().await.unwrap();
    assert_eq!(fixture.one("SELECT count(*) || '' FROM sqlite_schema"), "1", "a probe changes nothing");
    assert_eq!(fixture.mark(1, "a").await, Ok(Marked::Now));
    assert_eq!(fixture.mark(1, "a").await, Ok(Marked::Before));
    assert_eq!(fixture.mark(2, "a").await, Ok(Marked::Now));
    assert_eq!(fixture.one("SELECT state || ' ' || note FROM jobs WHERE name = 'a'"), "success store-1 store-2 ");
    assert_eq!(fixture.one("SELECT group_concat(id) FROM eventlatch_marks"), "store-1,store-2");
}

#[tokio::test]
async fn no_row_is_not_yet() {
    let fixture = Fixture::new(UPDATE, Rows::One);
    assert_eq!(fixture.mark(1, "z").await, Err("cannot mark now: the statement found no row yet".to_owned()));
    fixture.db().execute_batch("INSERT INTO jobs VALUES ('2019-07-07', 'z', 'waiting', '')").unwrap();
    assert_eq!(fixture.mark(1, "z").await, Ok(Marked::Now));
    assert_eq!(fixture.one("SELECT note FROM jobs WHERE name = 'z'"), "store-1 ");
}

#[tokio::test]
async fn rows_may_be_one_some_or_any() {
    let all = "UPDATE jobs SET state = :state";
    let none = "UPDATE jobs SET state = :state WHERE name = 'nobody'";
    let check = async |statement: &str, rows, expect: Result<Marked, &str>| {
        let fixture = Fixture::new(statement, rows);
        assert_eq!(fixture.mark(1, "a").await, expect.map_err(str::to_owned), "{statement} with {rows:?}");
        let changed = fixture.one("SELECT count(*) || '' FROM jobs WHERE state = 'success'");
        assert_eq!(changed == "2", expect.is_ok() && statement == all);
    };
    let many = "cannot mark: the statement touched 2 rows, and `rows = \"one\"` allows one";
    check(all, Rows::One, Err(many)).await;
    check(all, Rows::Some, Ok(Marked::Now)).await;
    check(all, Rows::Any, Ok(Marked::Now)).await;
    check(none, Rows::Some, Err("cannot mark now: the statement found no row yet")).await;
    check(none, Rows::Any, Ok(Marked::Now)).await;
}

#[tokio::test]
async fn what_could_never_mark_is_refused_by_the_probe_too() {
    let check = async |statement: &str, reason: &str| {
        let fixture = Fixture::new(statement, Rows::One);
        for error in [fixture.probe().await.unwrap_err(), fixture.mark(1, "a").await.unwrap_err()] {
            assert!(error.starts_with("cannot mark: ") && error.contains(reason), "{statement}: {error}");
        }
    };
    check("UPDATE jobs SET state = :status", "unknown parameter `:status`; known are :mark_id, :sensor, :wait,").await;
    check("UPDATE jobs SET state = ?", "unknown parameter `?`").await;
    check("UPDATE tasks SET state = :state", "no such table: tasks").await;
    check("UPDATE jobs SET status = :state", "no such column: status").await;
    check("UPDATE jobs SET", "incomplete input").await;
    check("SELECT :state", "changes nothing").await;
    check("UPDATE jobs SET state = :state; DROP TABLE jobs", "Multiple statements").await;
    check("", "changes nothing").await;
}

#[tokio::test]
async fn what_the_database_forbids_is_rejected() {
    let fixture = Fixture::new("UPDATE jobs SET state = 'failed' WHERE name = :task_id", Rows::One);
    let error = fixture.mark(1, "a").await.unwrap_err();
    assert!(error.starts_with("cannot mark: CHECK constraint failed"), "{error}");
    assert_eq!(fixture.one("SELECT group_concat(state) FROM jobs"), "waiting,waiting");
}

#[tokio::test]
async fn a_locked_or_missing_database_is_tried_again() {
    let fixture = Fixture::new(UPDATE, Rows::One);
    let locked = fixture.db();
    locked.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(fixture.mark(1, "a").await, Err("cannot mark now: database is locked".to_owned()));
    fixture.probe().await.unwrap();
    locked.execute_batch("COMMIT").unwrap();
    assert_eq!(fixture.mark(1, "a").await, Ok(Marked::Now));

    let path = fixture.dir.path().join("jobs.db");
    let elsewhere = Config { database: path.with_file_name("nowhere.db"), ..fixture.adapter.database.config.clone() };
    let adapter = SqlAdapter::new(elsewhere.clone(), "store");
    let error = adapter.mark(&mark(1, "a")).await.unwrap_err();
    assert!(matches!(&error, MarkError::Retry { reason, .. } if reason.contains("nowhere.db")), "{error}");
    assert!(!elsewhere.database.exists());
}

#[tokio::test]
async fn every_parameter_has_its_value() {
    let insert = "INSERT INTO log VALUES (:mark_id || '|' || :sensor || '|' || :wait || '|' || :business_date || '|' ||
                  :task_id || '|' || :state || '|' || :topic || '|' || :partition || '|' || :offset || '|' || :matcher
                  || '|' || :sha256 || '|' || ifnull(:event_time, 'null') || '|' || :arrival, typeof(:offset))";
    let fixture = Fixture::new(insert, Rows::One);
    fixture.db().execute_batch("CREATE TABLE log (line, type)").unwrap();
    fixture.mark(7, "a").await.unwrap();
    let expect = "store-7|s|2019-07-07|2019-07-07|a|success|t|3|17|job-finish|abc|null|2019-07-07T08:00:00.000Z";
    assert_eq!(fixture.one("SELECT line FROM log"), expect);
    assert_eq!(fixture.one("SELECT type FROM log"), "integer");
    let nobodys = Mark { evidence: None, ..mark(8, "a") };
    let fixture = Fixture::new("UPDATE jobs SET note = ifnull(:topic, 'nobody') WHERE name = :task_id", Rows::One);
    fixture.adapter.mark(&nobodys).await.unwrap();
    assert_eq!(fixture.one("SELECT note FROM jobs WHERE name = 'a'"), "nobody");
}

#[test]
fn the_section_refuses_what_it_does_not_know() {
    let check = |more: &str, expect: Result<Rows, &str>| {
        let toml = format!("database = 'd'\nstatement = 's'\n{more}");
        let config: Result<Config, _> = toml::from_str(&toml);
        let rows = config.map(|config| config.rows).map_err(|error| error.message().to_owned());
        assert_eq!(rows.as_ref().map_err(String::as_str), expect.as_ref().map_err(|text| *text));
    };
    check("", Ok(Rows::One));
    check("rows = 'any'", Ok(Rows::Any));
    check("rows = 'all'", Err("unknown variant `all`, expected one of `one`, `some`, `any`"));
    check("table = 'x'", Err("unknown field `table`, expected one of `database`, `statement`, `rows`"));
}
