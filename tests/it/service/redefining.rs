//! Sensor files in both forms, and what a restart makes of changed ones.

use eventlatch_tests::home::{Home, noon_zone};

use super::{TASKS, lines, sensor};

/// `task|state` of all that was ever wanted.
const WANTED: &str = "SELECT task_id, wanted.state FROM wanted ORDER BY task_id";

/// Starts the service, lets it take in messages, and ends it.
fn run(home: &Home, tables: &[&str]) {
    let ran = home.run_with_input(&["run", "--input", "-"], &lines(tables));
    assert_eq!(ran.code, Some(0), "{ran}");
}

fn home() -> Home {
    Home::new("").with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone())
}

#[test]
fn both_forms_hold_the_dictionaries_of_the_seed() {
    let home = home();
    home.write(
        "sensors/one.toml",
        r#"wanted = [
  { frequency = "D", topic = "etl-finish", db = "db0", table = "a", partition_values = "", task_id = "tbla" },
  { frequency = "M", topic = "job-finish", job_name = "jn1", is_success = true, task_id = "joba" },
]"#,
    );
    home.write(
        "sensors/many.toml",
        r#"
[[sensors]]
name = "first"
wanted = [{ frequency = "D", topic = "etl-finish", db = "db0", table = "a", task_id = "t1" }]

[[sensors]]
name = "second"
timezone = "Etc/GMT"
[[sensors.wanted]]
frequency = "D"
topic = "etl-finish"
db = "db0"
table = "b"
task_id = "t2"
"#,
    );
    home.write(
        "sensors/many.json",
        r#"{"sensors": [
  {"name": "third", "wanted": [{"frequency": "D", "topic": "etl-finish", "db": "db0", "table": "b", "partition_values": "", "task_id": "t3"}]},
  {"name": "fourth", "wanted": [{"frequency": "Y", "topic": "etl-finish", "db": "db0", "table": "c", "task_id": "t4"}]}
]}"#,
    );
    home.write("sensors/notes.txt", "not a sensor");
    run(&home, &["a", "b"]);
    let tasks = "SELECT sensor, task_id, state FROM tasks ORDER BY 1, 2";
    let expected = [
        "first|t1|success",
        "fourth|t4|pending",
        "one|joba|pending",
        "one|tbla|success",
        "second|t2|success",
        "third|t3|success",
    ];
    assert_eq!(home.rows(tasks), expected);
}

#[test]
fn what_stays_is_kept_what_goes_is_retired_and_may_come_back() {
    let home = home();
    home.write("sensors/tables.json", sensor(&["a", "b", "z"]));
    run(&home, &["a", "b"]);
    let matched = home.rows("SELECT task_id, wanted.id FROM wanted JOIN matches ON wanted.id = wanted_id ORDER BY 1");

    home.write("sensors/tables.json", sensor(&["b", "c", "z"]));
    run(&home, &["a"]);
    assert_eq!(home.rows(WANTED), ["a|retired", "b|active", "c|active", "z|active"]);
    assert_eq!(home.rows("SELECT count(*) FROM matches"), ["2"], "what is retired receives nothing");

    home.write("sensors/tables.json", sensor(&["a", "b", "c", "z"]));
    run(&home, &["c"]);
    assert_eq!(home.rows(WANTED), ["a|active", "b|active", "c|active", "z|active"]);
    assert_eq!(home.rows(TASKS), ["a|success", "b|success", "c|success", "z|pending"]);
    let now = home.rows("SELECT task_id, wanted.id FROM wanted JOIN matches ON wanted.id = wanted_id ORDER BY 1");
    assert_eq!(now[..2], matched, "what came back has its history");
}

#[test]
fn a_file_that_is_gone_retires_its_sensor() {
    let home = home();
    home.write("sensors/tables.json", sensor(&["a"]));
    home.write("sensors/others.json", sensor(&["b"]));
    run(&home, &[]);
    std::fs::remove_file(home.path("sensors/tables.json")).unwrap();
    run(&home, &["a", "b"]);
    assert_eq!(home.rows("SELECT name, state FROM sensors ORDER BY 1"), ["others|active", "tables|retired"]);
    assert_eq!(home.rows("SELECT task_id FROM matches JOIN wanted ON wanted.id = wanted_id"), ["b"]);
}
