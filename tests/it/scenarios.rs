//! The scenarios of this project, played by `eventlatch test`; and that a wrong expectation in any of them is noticed.

mod first;
mod mistakes;
mod reports;

use std::{
    fs,
    path::{Path, PathBuf},
};

use eventlatch_tests::home::Home;
use serde_json::Value;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// All scenario files, by name.
fn files() -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

/// What `eventlatch test --format json` says of some files, and how it ended.
fn play(home: &Home, files: &str) -> (Value, Option<i32>) {
    let ran = home.run(&["test", "--format", "json", files]);
    (serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}")), ran.code)
}

fn all_pass(home: &Home) {
    let ran = home.run(&["test", directory().to_str().unwrap()]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains(&format!("\n{} passed in ", files().len())), "{ran}");
}

#[test]
fn every_scenario_passes() {
    assert!(files().len() >= 45, "scenarios are missing");
    all_pass(&Home::new(""));
}

#[test]
fn the_zone_and_the_configuration_of_the_machine_do_not_matter() {
    let home = Home::new("[sensors]\ntimezone = \"America/Los_Angeles\"\n[store]\npath = \"nowhere/at/all.db\"\n");
    all_pass(&home.with("TZ", "Pacific/Kiritimati"));
}

/// A file with one expectation that does not hold, and which one that is.
struct Mistaken {
    file: String,
    scenario: Value,
    step: usize,
    sensor: Option<String>,
    field: String,
    expected: Value,
}

/// One expectation of each file is turned into another one, not the same in each.
#[test]
fn a_wrong_expectation_in_any_scenario_is_noticed() {
    let home = Home::new("");
    let all: Vec<_> = files().iter().enumerate().map(|(number, file)| mistaken(file, number * 7)).collect();
    for one in &all {
        home.write(&format!("wrong/{}", one.file), one.scenario.to_string());
    }
    let (report, code) = play(&home, "wrong");
    assert_eq!(code, Some(1));
    let played = report["scenarios"].as_array().unwrap();
    assert_eq!(played.len(), all.len());
    for (one, played) in all.iter().zip(played) {
        let differences = played["differences"].as_array().unwrap();
        let [difference] = differences.as_slice() else { panic!("{}: {played:#}", one.file) };
        assert_eq!(played["file"], format!("wrong/{}", one.file));
        assert_eq!(difference["step"], one.step, "{}: {difference}", one.file);
        assert_eq!(difference["sensor"].as_str(), one.sensor.as_deref(), "{}: {difference}", one.file);
        assert_eq!(difference["field"], one.field, "{}: {difference}", one.file);
        assert_eq!(difference["expected"], one.expected, "{}: {difference}", one.file);
    }
}

/// Turns one expectation of a file, the n-th of all of them, counted round and round.
fn mistaken(file: &Path, number: usize) -> Mistaken {
    let mut scenario: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let mut all = Vec::new();
    for (step, value) in (1..).zip(scenario["steps"].as_array().unwrap()) {
        leaves(&value["expect"], &mut Vec::new(), &mut |path| all.push((step, path.to_vec())));
    }
    let (step, path) = all[number % all.len()].clone();
    let place = path.iter().fold(&mut scenario["steps"][step - 1]["expect"], |value, key| &mut value[key.as_str()]);
    *place = turned(place);
    let expected = place.clone();
    let (sensor, field) = match path.split_first().unwrap() {
        (only, []) => (None, only.clone()),
        (sensor, field) => (Some(sensor.clone()), field.join(".")),
    };
    let file = file.file_name().unwrap().to_str().unwrap().to_owned();
    Mistaken { file, scenario, step, sensor, field, expected }
}

fn leaves(value: &Value, path: &mut Vec<String>, found: &mut impl FnMut(&[String])) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                path.push(key.clone());
                leaves(value, path, found);
                path.pop();
            }
        }
        Value::Null if path.is_empty() => {}
        _ => found(path),
    }
}

/// Another value that may stand in the same place.
fn turned(value: &Value) -> Value {
    match value {
        Value::Bool(value) => Value::from(!value),
        Value::Number(number) => Value::from(number.as_i64().unwrap() + 1),
        Value::Array(tasks) => tasks.iter().cloned().chain(["nobody".into()]).collect(),
        Value::String(word) if matches!(word.as_str(), "failed" | "pending" | "waiting") => "skipped".into(),
        Value::String(word) if matches!(word.as_str(), "success" | "complete" | "skipped") => "failed".into(),
        Value::String(_) => Value::Null,
        Value::Null => "2019-07-07T23:59:59".into(),
        Value::Object(_) => unreachable!("a map is no leaf"),
    }
}
