//! Files that are no better than the build that serves.

use std::fs;

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, Home},
    service::Service,
    waiting::wait_for,
};

use super::{ORDER_SHIPPED, UNRULY, home, put, unruly_message, unruly_sensor};

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
}

/// The file with one text in place of another of the same length.
fn with(file: &[u8], from: &str, to: &str) -> Vec<u8> {
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
    home.wait_for_rows(&mut service, super::GENERATIONS, &["serving"]);

    let service_ = &mut service;
    refuse(&home, service_, b"#!/bin/sh\n", "not a WebAssembly file");
    refuse(&home, service_, &UNRULY[..UNRULY.len() / 2], "damaged");
    refuse(&home, service_, &with(UNRULY, "matcher/guest@1.0.0", "matcher/guest@7.0.0"), "version 7.0.0");
    refuse(&home, service_, &wat("(module (func (export \"run\")))"), "does not export `eventlatch:matcher/guest`");
    refuse(&home, service_, &with(UNRULY, "eventlatch:matcher/host@1.0.0", "eventlatch:matcher/disk@1.0.0"), "imports");
    // Its wanted messages are others: it does not take those that are there.
    refuse(&home, service_, &with(ORDER_SHIPPED, "order-shipped", "unruly\0\0\0\0\0\0\0"), "describes itself badly");

    cluster.send(&message("unruly", unruly_message("a", 0, ""))).await;
    home.wait_for_rows(service_, "SELECT state FROM tasks WHERE task_id = 'a'", &["success"]);

    // Nor does a restart make it worse: the build that served is kept.
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    service.start_again();
    cluster.send(&message("unruly", unruly_message("b", 0, ""))).await;
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'b'", &["success"]);
    fs::remove_file(home.path("matchers/unruly.wasm")).unwrap();
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}
