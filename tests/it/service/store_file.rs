//! `eventlatch store backup`, `check` and `vacuum`, beside a service and without one.

use std::fs;

use eventlatch_tests::{
    home::{DEADLINE, Home, noon_zone, open},
    service::Service,
    waiting::wait_for,
};
use insta::assert_snapshot;
use serde_json::Value;

use super::{TASKS, lines, sensor};

const MATCHES: &str = "SELECT count(*) FROM matches";

fn home(tables: &[&str]) -> Home {
    let home = Home::new("[telemetry]\nlog = \"error\"\n").with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(tables));
    home
}

fn serve(home: &Home) -> Service {
    Service::start_fed(home.command(&["run", "--input", "-"]), &home.path("service.log"))
}

/// A store that nobody uses.
fn used(tables: &[&str]) -> Home {
    let home = home(tables);
    let ran = home.run_with_input(&["run", "--input", "-"], &lines(tables));
    assert_eq!(ran.code, Some(0), "{ran}");
    home
}

/// Results without what differs from run to run.
macro_rules! assert_result {
    ($ran:expr, $($expected:tt)*) => {
        insta::with_settings!({filters => vec![
            (r"\b[0-9a-f]{32}\b", "[NAME]"),
            (r"\d+(\.\d)? (bytes|KiB|MiB)", "[SIZE]"),
        ]}, {
            assert_snapshot!($ran, $($expected)*);
        });
    };
}

#[test]
fn a_backup_is_made_while_the_service_writes_and_another_one_goes_on_with_it() {
    let home = home(&["a", "b"]);
    let mut service = serve(&home);
    let message = lines(&["a"]);
    let mut backups = 0;
    while backups < 5 {
        let before: usize = home.rows_of("eventlatch.db", MATCHES).map_or(0, |rows| rows[0].parse().unwrap());
        service.feed(&message.repeat(200));
        wait_for("more to be recorded", DEADLINE, || {
            let rows = home.rows_of("eventlatch.db", MATCHES).map_err(|error| error.to_string())?;
            (rows[0].parse::<usize>().unwrap() > before).then_some(()).ok_or_else(|| service.log_end())
        });
        let saved = home.run(&["store", "backup", &format!("copy{backups}.db"), "--format", "json"]);
        assert_eq!(saved.code, Some(0), "{saved}");
        let saved: Value = serde_json::from_str(&saved.stdout).unwrap();
        let copy = home.path(&format!("copy{backups}.db"));
        assert_eq!(saved["bytes"].as_u64().unwrap(), fs::metadata(&copy).unwrap().len());
        assert_eq!(saved["identity"], home.rows("SELECT identity FROM store")[0].as_str());
        backups += 1;
    }
    home.wait_for_rows(&mut service, MATCHES, &["1000"]);
    // Each is of one moment: as many messages were matched as were read.
    for number in 0..backups {
        let whole = "SELECT (SELECT count(*) FROM matches) = (SELECT max(next) - 1 FROM offsets)";
        assert_eq!(home.rows_of(&format!("copy{number}.db"), whole).unwrap(), ["1"], "copy {number}");
        assert_eq!(home.run(&["store", "check", &format!("copy{number}.db")]).code, Some(0));
    }
    service.kill();

    let restored = Home::new("").with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    restored.write("sensors/tables.json", sensor(&["a", "b"]));
    fs::copy(home.path("copy0.db"), restored.path("eventlatch.db")).unwrap();
    let mut service = serve(&restored);
    service.feed(&lines(&["b"]));
    restored.wait_for_rows(&mut service, TASKS, &["a|success", "b|success"]);
}

#[test]
fn a_backup_replaces_nothing_unless_it_is_told_to() {
    let home = used(&["a"]);
    assert_result!(home.run(&["store", "backup", "copy.db"]), @r"
    saved to copy.db: [SIZE], schema 5, looked through
    exit 0
    ");
    assert_result!(home.run(&["store", "backup", "copy.db"]), @r"
    ! error: copy.db is there already: name another file, or let it be replaced by `--force`
    exit 5
    ");
    assert_eq!(home.run(&["store", "backup", "copy.db", "--force"]).code, Some(0));
    assert_result!(home.run(&["store", "backup", "eventlatch.db", "--force"]), @r"
    ! error: eventlatch.db is the store itself: name another file
    exit 5
    ");
    assert_result!(home.run(&["store", "backup", "no/such/directory.db"]), @r"
    ! error: there is no directory for the backup no/such/directory.db: make it, or name another file
    exit 5
    ");
    let left = fs::read_dir(home.path("")).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
        name.starts_with(".eventlatch-backup") || name.starts_with("copy.db-")
    });
    assert_eq!(left.count(), 0, "something was left behind");
}

#[test]
fn a_store_that_is_sound() {
    let home = used(&["a"]);
    assert_result!(home.run(&["store", "check"]), @r"
     file        eventlatch.db, [SIZE], [SIZE] of it free
     used by     nobody
     name        [NAME]
     version     5
     integrity   ok
     references  ok
     schema      ok
     identity    ok
    exit 0
    ");
    let mut service = serve(&home);
    home.wait_for_rows(&mut service, "SELECT count(*) FROM store", &["1"]);
    wait_for("the service to have the store", DEADLINE, || {
        let checked = home.run(&["store", "check", "--format", "json"]);
        let found: Value = serde_json::from_str(&checked.stdout).unwrap();
        (found["in_use"] == true && found["problems"] == serde_json::json!([])).then_some(()).ok_or(checked.to_string())
    });
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let home = used(&["a", "b"]);
    home.execute(
        "eventlatch.db",
        "
        CREATE TRIGGER stranger AFTER INSERT ON matches BEGIN SELECT 1; END;
        CREATE VIEW of_mine AS SELECT 1;
        DROP INDEX marks_of_match;
        PRAGMA foreign_keys = OFF;
        DELETE FROM matches WHERE id = 1;",
    );
    assert_result!(home.run(&["store", "check"]), @r"
     file        eventlatch.db, [SIZE], [SIZE] of it free
     used by     nobody
     name        [NAME]
     version     5
     integrity   ok
     references  1 problem
     schema      2 problems
     identity    ok

    references: rows of `marks` refer to rows of `matches` that are not there: 1
      stop the service, restore a backup and start again; keep the damaged file until then

    schema: the index `marks_of_match` is missing
      stop the service, restore a backup and start again; keep the damaged file until then

    schema: the trigger `stranger` is not eventlatch's
      it runs with what eventlatch writes: `DROP TRIGGER stranger`, unless you know why it is there
    exit 5
    ");
}

#[test]
fn an_index_that_lacks_rows_can_be_made_anew() {
    let home = used(&["a", "b"]);
    // The index is emptied behind SQLite's back, as by a disk that loses pages.
    home.execute(
        "eventlatch.db",
        "
        PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, 'IS NOT NULL', 'IS NULL') WHERE name = 'marks_of_match'",
    );
    home.execute("eventlatch.db", "REINDEX marks_of_match");
    home.execute(
        "eventlatch.db",
        "
        PRAGMA writable_schema = ON;
        UPDATE sqlite_schema SET sql = replace(sql, 'IS NULL', 'IS NOT NULL') WHERE name = 'marks_of_match'",
    );
    let checked = home.run(&["store", "check"]);
    assert!(checked.code == Some(5) && checked.stdout.contains("missing from index marks_of_match"), "{checked}");
    assert!(checked.stdout.contains("`sqlite3 FILE REINDEX`"), "{checked}");
    home.execute("eventlatch.db", "REINDEX");
    assert_eq!(home.run(&["store", "check"]).code, Some(0));
}

#[test]
fn damaged_pages_are_found_and_not_copied() {
    let home = used(&["a", "b"]);
    let mut bytes = fs::read(home.path("eventlatch.db")).unwrap();
    let length = bytes.len();
    bytes[8192..length].iter_mut().step_by(7).for_each(|byte| *byte ^= 0x5a);
    home.write("damaged.db", &bytes);
    let checked = home.run(&["store", "check", "damaged.db"]);
    assert!(checked.code == Some(5) && checked.stdout.contains("restore a backup"), "{checked}");
    home.write("eventlatch.db", &bytes);
    let saved = home.run(&["store", "backup", "copy.db"]);
    assert!(saved.code == Some(5) && !home.path("copy.db").exists(), "{saved}");

    home.write("noise.db", [7u8; 20_000]);
    let checked = home.run(&["store", "check", "noise.db"]);
    assert!(checked.code == Some(5) && checked.stderr.contains("is no SQLite database"), "{checked}");
    home.execute("foreign.db", "CREATE TABLE t (a)");
    let checked = home.run(&["store", "check", "foreign.db"]);
    assert!(checked.code == Some(5) && checked.stderr.contains("is no eventlatch store"), "{checked}");
    let checked = home.run(&["store", "check", "gone.db"]);
    assert!(checked.code == Some(5) && checked.stderr.contains("there is no store at"), "{checked}");
}

#[test]
fn free_space_goes_back_when_nobody_uses_the_store() {
    let home = home(&["a"]);
    let mut service = serve(&home);
    service.feed(&lines(&["a"]).repeat(3_000));
    home.wait_for_rows(&mut service, MATCHES, &["3000"]);
    assert_result!(home.run(&["store", "vacuum"]), @r"
    ! error: a service has the store eventlatch.db: stop it first (free space is used again by itself, it need not go back)
    exit 5
    ");
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());

    let connection = open(&home.path("eventlatch.db"));
    connection.execute_batch("DELETE FROM matches WHERE id > 1").unwrap();
    drop(connection);
    let vacuumed = home.run(&["store", "vacuum", "--format", "json"]);
    let it: Value = serde_json::from_str(&vacuumed.stdout).unwrap();
    let of = |key: &str| it[key].as_u64().unwrap();
    assert!(of("gained") > 100_000 && of("gained") == of("bytes_before") - of("bytes"), "{it}");
    assert_eq!(of("bytes"), fs::metadata(home.path("eventlatch.db")).unwrap().len());
    assert_result!(home.run(&["store", "vacuum"]), @r"
    eventlatch.db: [SIZE] before, [SIZE] now, [SIZE] gained
    exit 0
    ");
    assert_eq!(home.run(&["store", "check"]).code, Some(0));
    assert_eq!(home.rows(TASKS), ["a|success"]);
}
