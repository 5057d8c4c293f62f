//! JSON lines instead of Kafka: from a file, which may be given again, and from the standard input.

use eventlatch_tests::home::{Home, noon_zone};

use super::{TASKS, lines, sensor};

fn home(config: &str) -> Home {
    let home = Home::new(config).with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a", "b", "c"]));
    home
}

/// All that a run leaves behind.
fn everything(home: &Home) -> Vec<Vec<String>> {
    ["matches", "marks", "tasks", "waits", "offsets", "near_misses", "dead_letters"]
        .map(|table| home.rows(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3")))
        .to_vec()
}

#[test]
fn a_file_is_read_to_its_end_and_a_second_time_changes_nothing() {
    let home = home("");
    home.write("messages.jsonl", lines(&["a", "x", "c"]));
    let first = home.run(&["run", "--input", "messages.jsonl"]);
    assert_eq!(first.code, Some(0), "{first}");
    assert_eq!(home.rows(TASKS), ["a|success", "b|pending", "c|success"]);

    let before = everything(&home);
    let second = home.run(&["run", "--input", "messages.jsonl"]);
    assert_eq!(second.code, Some(0), "{second}");
    assert_eq!(everything(&home), before);
}

#[test]
fn what_is_added_to_a_file_is_read_the_next_time() {
    let home = home("");
    home.write("messages.jsonl", lines(&["a"]));
    home.run(&["run", "--input", "messages.jsonl"]);
    home.write("messages.jsonl", lines(&["a", "b"]));
    home.run(&["run", "--input", "messages.jsonl"]);
    assert_eq!(home.rows(TASKS), ["a|success", "b|success", "c|pending"]);
    assert_eq!(home.rows(r#"SELECT "offset" FROM matches ORDER BY 1"#), ["1", "2"]);
}

#[test]
fn a_zone_may_be_spelt_in_any_case() {
    let home = Home::new("").with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone().to_lowercase());
    home.write("sensors/tables.json", sensor(&["a", "b"]));
    home.write("messages.jsonl", lines(&["b"]));
    let ran = home.run(&["run", "--input", "messages.jsonl"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(home.rows(TASKS), ["a|pending", "b|success"]);
}

#[test]
fn the_standard_input_is_read_to_its_end() {
    let home = home("");
    let ran = home.run_with_input(&["run", "--input", "-"], &lines(&["b", "c"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(home.rows(TASKS), ["a|pending", "b|success", "c|success"]);
}

#[test]
fn marks_that_are_due_are_made_before_it_ends() {
    let home = home(
        r#"
        [marking]
        adapter = "sql"
        [marking.sql]
        database = "jobs.db"
        statement = "INSERT INTO jobs VALUES (:task_id, :state)"
        "#,
    );
    home.execute("jobs.db", "CREATE TABLE jobs (name, state)");
    let ran = home.run_with_input(&["run", "--input", "-"], &lines(&["a", "b", "c"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(
        home.rows_of("jobs.db", "SELECT * FROM jobs ORDER BY 1").unwrap(),
        ["a|success", "b|success", "c|success"]
    );
}

#[test]
fn a_line_that_is_no_message_ends_it_after_what_came_before() {
    let home = home("").with("EVENTLATCH_TELEMETRY_LOG", "off");
    home.write("messages.jsonl", lines(&["a"]) + "nonsense\n" + &lines(&["b"]));
    insta::assert_snapshot!(home.run(&["run", "--input", "messages.jsonl"]), @r#"
    ! error: messages.jsonl, line 2
    !   caused by: this is not a message (expected ident in column 2): write {"topic": "…", "value": …}
    exit 6
    "#);
    assert_eq!(home.rows(TASKS), ["a|success", "b|pending", "c|pending"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let home = home("").with("EVENTLATCH_TELEMETRY_LOG", "off");
    insta::assert_snapshot!(home.run(&["run", "--input", "messages.jsonl"]), @r"
    ! error: cannot read messages.jsonl
    !   caused by: No such file or directory (os error 2)
    exit 6
    ");
}
