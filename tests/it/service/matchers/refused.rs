//! Files that are no better than the build that serves.

use std::fs;

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, Home},
    service::Service,
    waiting::wait_for,
};

use serde_json::{Value, json};

use super::{CHOOSY, GENERATIONS, ORDER_SHIPPED, UNRULY, etl_finish, home, listed, put, unruly_message, unruly_sensor};

const REFUSED: &str =
    "SELECT reason FROM generations WHERE matcher = 'unruly' AND state = 'refused' ORDER BY id DESC LIMIT 1";

/// Puts a file in the place of the one that serves and waits until it is refused with these words.
fn refuse(home: &Home, service: &mut Service, file: &[u8], words: &str) {
    put(home, "matchers/unruly.wasm", file);
    wait_for(words, DEADLINE, || {
        let reason = home.rows(REFUSED).pop().unwrap_or_default();
        let said = service.log().contains(words);
        (reason.contains(words) && said).then_some(()).ok_or_else(|| format!("{reason}\n{}", service.log_end()))
    });
    let serving = "SELECT count(*) FROM generations WHERE matcher = 'unruly' AND state = 'serving'";
    assert_eq!(home.rows(serving), ["1"], "the one before serves on");
    wait_for("the list to tell", DEADLINE, || {
        let shown = listed(service, "unruly");
        let reason = shown["refused"]["reason"].as_str().unwrap_or_default();
        (reason.contains(words) && shown["state"] == "serving").then_some(()).ok_or_else(|| shown.to_string())
    });
}

/// The file with one text in place of another of the same length.
pub(super) fn with(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut file = file.to_vec();
    let places: Vec<_> = file.windows(from.len()).enumerate().filter(|(_, it)| *it == from.as_bytes()).collect();
    let places: Vec<_> = places.into_iter().map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "{from} is in the file");
    places.into_iter().for_each(|at| file[at..at + to.len()].copy_from_slice(to.as_bytes()));
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_refused_with_its_reason_and_the_one_before_serves_on() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a", "b"]));
    put(&home, "matchers/unruly.wasm", UNRULY);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);

    let service_ = &mut service;
    refuse(&home, service_, b"#!/bin/sh\n", "not a WebAssembly file");
    refuse(&home, service_, &UNRULY[..UNRULY.len() / 2], "damaged");
    refuse(&home, service_, &with(UNRULY, "matcher/guest@1.0.0", "matcher/guest@7.0.0"), "version 7.0.0");
    refuse(&home, service_, &wat("(module (func (export \"run\")))"), "does not export `eventlatch:matcher/guest`");
    refuse(&home, service_, &with(UNRULY, "eventlatch:matcher/host@1.0.0", "eventlatch:matcher/disk@1.0.0"), "imports");
    refuse(&home, service_, &with(ORDER_SHIPPED, "order-shipped", "unruly\0\0\0\0\0\0\0"), "describes itself badly");
    // Its wanted messages are others: it does not take those that are there.
    refuse(&home, service_, CHOOSY, "it refuses the wanted message of `a` in the sensor `names`");

    cluster.send(&message("unruly", unruly_message("a", 0, ""))).await;
    home.wait_for_rows(service_, "SELECT state FROM tasks WHERE task_id = 'a'", &["success"]);

    // Nor does a restart make it worse: the build that served is kept.
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    service.start_again();
    cluster.send(&message("unruly", unruly_message("b", 0, ""))).await;
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'b'", &["success"]);
    fs::remove_file(home.path("matchers/unruly.wasm")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_is_tried_again_when_sensors_change() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a"]));
    put(&home, "matchers/unruly.wasm", UNRULY);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    refuse(&home, &mut service, CHOOSY, "it refuses the wanted message of `a`");
    // Something else changes: it is tried again, and refused for what is known already.
    home.write("sensors/more.json", unruly_sensor(&["b"]));
    home.wait_for_rows(&mut service, "SELECT count(*) FROM tasks", &["2"]);
    for file in ["names", "more"] {
        fs::remove_file(home.path(&format!("sensors/{file}.json"))).unwrap();
    }
    home.wait_for_rows(&mut service, GENERATIONS, &["retired", "refused", "serving"]);
    let shown = listed(&mut service, "unruly");
    assert_eq!((&shown["refused"], &shown["version"]), (&Value::Null, &json!("3.0.0")), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_name_is_taken_takes_nothing_and_takes_over_when_the_other_goes() {
    let cluster = Cluster::start(&["unruly", "etl-finish"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a", "b"]));
    put(&home, "matchers/a.wasm", UNRULY);
    put(&home, "matchers/tables.wasm", &etl_finish(1));
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);

    // Over the file of another matcher, which serves on.
    put(&home, "matchers/tables.wasm", UNRULY);
    home.wait_for_rows(&mut service, GENERATIONS, &["serving", "refused"]);
    let tables = "SELECT state FROM generations WHERE matcher = 'etl-finish'";
    assert_eq!(home.rows(tables), ["serving"], "{}", service.log_end());
    assert_eq!(listed(&mut service, "unruly")["state"], "serving");
    service.terminate();
    service.start_again();
    service.url();
    assert_eq!(
        listed(&mut service, "etl-finish")["sha256"],
        home.rows("SELECT sha256 FROM generations WHERE matcher = 'etl-finish' AND state = 'serving'")[0]
    );

    // The one that served is gone: the other one has its place, with no gap.
    fs::remove_file(home.path("matchers/a.wasm")).unwrap();
    let origin = "SELECT origin LIKE '%tables.wasm' FROM generations WHERE matcher = 'unruly' AND state = 'serving'";
    home.wait_for_rows(&mut service, origin, &["1"]);
    cluster.send(&message("unruly", unruly_message("a", 0, ""))).await;
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'a'", &["success"]);
    assert!(!service.log().contains("A matcher is gone"), "{}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_keeps_a_service_from_starting_that_ran_before() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a", "b"]));
    put(&home, "matchers/unruly.wasm", UNRULY);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    refuse(&home, &mut service, CHOOSY, "it refuses the wanted message of `a`");
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());

    // One that never served, and one of a name that is taken; the one that was refused lies there still.
    put(&home, "matchers/notes.wasm", b"not a matcher");
    put(&home, "matchers/another.wasm", UNRULY);
    service.start_again();
    cluster.send(&message("unruly", unruly_message("a", 0, ""))).await;
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'a'", &["success"]);
    let shown = listed(&mut service, "notes");
    assert_eq!(shown["state"], "refused", "{shown}");
    assert!(shown["reason"].as_str().unwrap().contains("not a WebAssembly file"), "{shown}");
    assert_eq!(listed(&mut service, "unruly")["version"], "1.0.0");
    // What is known already is not recorded again.
    let refused = "SELECT count(*) FROM generations WHERE state = 'refused'";
    assert_eq!(home.rows(refused), ["3"]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    service.start_again();
    cluster.send(&message("unruly", unruly_message("b", 0, ""))).await;
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'b'", &["success"]);
    assert_eq!(home.rows(refused), ["3"]);
    let again = home.run(&["check"]);
    assert_eq!(again.code, Some(4), "a check wants all files to be good: {again}");
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}
