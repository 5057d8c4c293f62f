//! The log in files, beside standard error.

use std::fs;

use eventlatch_tests::home::{Home, noon_zone};
use serde_json::Value;

use super::{lines, sensor};

#[test]
fn all_that_is_said_stands_in_the_file_at_the_end_and_old_files_go() {
    let home = Home::new(
        r#"
        [telemetry]
        format = "json"
        [telemetry.file]
        path = "logs/eventlatch.log"
        keep = 2
        "#,
    )
    .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a"]));
    for day in ["2020-01-01", "2020-01-02", "2020-01-03"] {
        home.write(&format!("logs/eventlatch.{day}.log"), "");
    }
    let ran = home.run_with_input(&["run", "--input", "-"], &lines(&["a"]));
    assert_eq!(ran.code, Some(0), "{ran}");

    let files: Vec<_> = fs::read_dir(home.path("logs")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 2, "{files:?}");
    let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let said: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let says = |message: &str| said.iter().find(|line| line["message"] == message).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(says("Reading messages")["topics"], "etl-finish");
    assert_eq!(says("Stopped")["level"], "INFO");
    assert_eq!(text.lines().count(), ran.stderr.lines().count(), "{text}\n{ran}");
}

#[test]
fn a_file_that_cannot_be_made_is_said() {
    let home = Home::new("[telemetry.file]\npath = \"taken/eventlatch.log\"\n");
    home.write("taken", "");
    let ran = home.run(&["run", "--input", "-"]).to_string();
    assert!(ran.contains("cannot write the log to taken/eventlatch.log") && ran.contains("exit 3"), "{ran}");
}
