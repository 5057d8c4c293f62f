//! Marks that cannot be made yet are kept, over restarts, until they can.

use eventlatch_tests::{
    home::{Home, noon_zone, open},
    service::Service,
};

use super::{lines, sensor};

const MARKS: &str = "SELECT task_id, status, last_error FROM marks WHERE state = 'success' ORDER BY task_id";
const JOBS: &str = "SELECT name, state FROM jobs ORDER BY name";

fn home() -> Home {
    let home = Home::new(
        r#"
        [marking]
        adapter = "sql"
        backoff = { first_seconds = 0.05, limit_seconds = 0.2 }
        [marking.sql]
        database = "jobs.db"
        statement = "UPDATE jobs SET state = :state WHERE name = :task_id"
        "#,
    )
    .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a", "b"]));
    home.execute("jobs.db", "CREATE TABLE jobs (name, state); INSERT INTO jobs VALUES ('a', 'waiting')");
    home
}

/// Reads messages from the test.
fn serve(home: &Home) -> Service {
    Service::start_fed(home.command(&["run", "--input", "-"]), &home.path("service.log"))
}

#[test]
fn a_task_that_is_not_there_yet_is_marked_when_it_appears() {
    let home = home();
    let mut service = serve(&home);
    service.feed(&lines(&["a", "b"]));
    let waiting = ["a|delivered|", "b|pending|the statement found no row yet"];
    home.wait_for_rows(&mut service, MARKS, &waiting);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    assert_eq!(home.rows(MARKS), waiting);

    home.execute("jobs.db", "INSERT INTO jobs VALUES ('b', 'waiting')");
    service.start_again();
    home.wait_for_rows(&mut service, "SELECT DISTINCT status FROM marks WHERE state = 'success'", &["delivered"]);
    assert_eq!(home.rows_of("jobs.db", JOBS).unwrap(), ["a|success", "b|success"]);
}

#[test]
fn a_locked_database_is_waited_for() {
    let home = home();
    let lock = open(&home.path("jobs.db"));
    lock.execute_batch("INSERT INTO jobs VALUES ('b', 'waiting'); BEGIN EXCLUSIVE").unwrap();
    let mut service = serve(&home);
    service.feed(&lines(&["a", "b"]));
    // One is tried after the other, and the lock is waited for each time.
    let tried = "SELECT count(*) FROM marks WHERE status = 'pending' AND last_error = 'database is locked'";
    home.wait_for_rows(&mut service, tried, &["2"]);
    lock.execute_batch("COMMIT").unwrap();
    home.wait_for_rows(&mut service, "SELECT DISTINCT status FROM marks WHERE state = 'success'", &["delivered"]);
    assert_eq!(home.rows_of("jobs.db", JOBS).unwrap(), ["a|success", "b|success"]);
    assert_eq!(home.rows_of("jobs.db", "SELECT count(*) FROM eventlatch_marks").unwrap(), ["2"]);
}
