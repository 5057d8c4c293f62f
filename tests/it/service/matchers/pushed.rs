//! Builds that are pushed: proved before they serve.

use eventlatch::{domain::generation::short, matcher::cases};
use eventlatch_tests::{
    cluster::{Cluster, message},
    home::Home,
    service::Service,
};
use serde_json::{Value, json};

use super::{
    CHOOSY, GENERATIONS, PICKY, TAME, UNRULY, by_hand::matcher, home, listed, put, refused::with, unruly_message,
    unruly_sensor,
};

const MATCHED: &str = "SELECT count(*) FROM matches";

/// Pushes a build; the answer is the command's exit code and what it said.
pub(super) fn push(home: &Home, service: &mut Service, build: &[u8], options: &[&str]) -> (Option<i32>, String) {
    home.write("pushed.wasm", build);
    matcher(home, service, &[&["push", "pushed.wasm"], options].concat())
}

/// A build that brings a case of its own: this is said of a message that is wanted.
fn with_case(home: &Home, build: &[u8], verdict: &str) -> Vec<u8> {
    let case = json!({
        "case": "its own",
        "message": {"value": {"name": "a"}, "arrival": "2026-01-05T09:00:00"},
        "wanted": {"name": "a"},
        "expect": {"verdict": verdict},
    });
    home.write("case.json", case.to_string());
    cases::embed(build, &[home.path("case.json")]).unwrap()
}

/// Has a build refused with these words, which changes nothing.
#[track_caller]
fn refuse(home: &Home, service: &mut Service, build: &[u8], options: &[&str], words: &str) {
    let facts = |service: &mut Service| {
        let mut standing = listed(service, "unruly");
        standing["usage"] = Value::Null;
        let kept = ["generations", "modules", "pins", "candidates", "audit"];
        let kept = kept.map(|table| home.rows(&format!("SELECT count(*) FROM {table}")));
        (standing, kept)
    };
    let before = facts(service);
    let (code, said) = push(home, service, build, options);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains(words), "`{words}` is not said in: {said}");
    assert_eq!(facts(service), before, "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_one_is_refused_with_its_reason_and_changes_nothing() {
    let cluster = Cluster::start(&["unruly"], 2).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a", "b"]));
    put(&home, "matchers/unruly.wasm", TAME);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    cluster.send(&message("unruly", unruly_message("a", 0, "pick"))).await;
    home.wait_for_rows(&mut service, MATCHED, &["1"]);

    let service = &mut service;
    refuse(&home, service, b"#!/bin/sh\n", &[], "not a WebAssembly file");
    refuse(&home, service, &with(UNRULY, "matcher/guest@1.0.0", "matcher/guest@7.0.0"), &[], "version 7.0.0");
    refuse(
        &home,
        service,
        &with(UNRULY, "eventlatch:matcher/host@1.0.0", "eventlatch:matcher/disk@1.0.0"),
        &[],
        "imports",
    );
    refuse(&home, service, CHOOSY, &[], "it refuses the wanted message of `a` in the sensor `names`");
    let own = |verdict: &str| with_case(&home, TAME, verdict);
    refuse(
        &home,
        service,
        &own("other"),
        &[],
        "1 of its own 1 cases fail; the first is \"its own\": verdict: expected",
    );
    refuse(&home, service, PICKY, &["--strict"], "it differs from the build that serves on 1 of the last 1 messages");
    refuse(&home, service, TAME, &["--name", "tamer"], "it is no build of the matcher `tamer`");

    // The builds that serve now do not fail on these, and this one does.
    let (_, panics) = cluster.send(&message("unruly", unruly_message("a", 1, "panic"))).await;
    home.wait_for_rows(service, MATCHED, &["2"]);
    refuse(&home, service, UNRULY, &[], &format!("@{panics}, on which the build that serves does not: panicked"));
    cluster.send(&message("unruly", unruly_message("b", 2, "loop"))).await;
    home.wait_for_rows(service, MATCHED, &["3"]);
    refuse(&home, service, UNRULY, &[], "on which the build that serves does not: ");
    assert_eq!(home.rows(GENERATIONS), ["serving"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_one_serves_and_going_back_is_one_command() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a", "b"]));
    put(&home, "matchers/unruly.wasm", TAME);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    cluster.send(&message("unruly", unruly_message("a", 0, "pick"))).await;
    home.wait_for_rows(&mut service, MATCHED, &["1"]);

    let (code, said) = push(&home, &mut service, &with_case(&home, PICKY, "fulfilled"), &[]);
    assert_eq!(code, Some(0), "{said}");
    for words in [
        "and is pinned",
        "Proved on cases of its own: 1, last messages: 1",
        "1 of 1 messages differ",
        "only-old",
        "unruly/0@0",
        "names",
        "it is picked",
    ] {
        assert!(said.contains(words), "`{words}` is not said in: {said}");
    }
    let shown = listed(&mut service, "unruly");
    let (state, origin, pinned) = (&shown["state"], &shown["origin"], &shown["pinned"]);
    assert_eq!((state, origin, pinned), (&"probation".into(), &"pushed".into(), &true.into()), "{shown}");
    let pushed = shown["sha256"].clone();
    cluster.send(&message("unruly", unruly_message("b", 1, "pick"))).await;
    home.wait_for_rows(&mut service, "SELECT reason FROM near_misses", &["it is picked"]);

    // The directory's file does not come back by a restart.
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    service.start_again();
    let shown = listed(&mut service, "unruly");
    assert_eq!((&shown["sha256"], &shown["state"]), (&pushed, &"probation".into()), "{shown}");

    let (code, said) = matcher(&home, &mut service, &["rollback", "unruly"]);
    assert_eq!(code, Some(0), "{said}");
    cluster.send(&message("unruly", unruly_message("b", 2, "pick"))).await;
    home.wait_for_rows(&mut service, MATCHED, &["2"]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    service.start_again();
    let shown = listed(&mut service, "unruly");
    assert_ne!(shown["sha256"], pushed, "who went back stays there: {shown}");
    let audit = "SELECT actor, action, subject FROM audit ORDER BY id";
    assert_eq!(home.rows(audit), ["cli|matcher push|unruly", "cli|matcher rollback|unruly"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_on_probation_is_not_pinned_any_more() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a"]));
    put(&home, "matchers/unruly.wasm", TAME);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    let good = listed(&mut service, "unruly")["sha256"].clone();
    let (code, said) = push(&home, &mut service, UNRULY, &[]);
    assert_eq!(code, Some(0), "{said}");
    for number in 0..10 {
        cluster.send(&message("unruly", unruly_message("a", number, "panic"))).await;
    }
    home.wait_for_rows(&mut service, GENERATIONS, &["retired", "rolled-back", "serving"]);
    home.wait_for_rows(&mut service, MATCHED, &["10"]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    service.start_again();
    assert_eq!(listed(&mut service, "unruly")["sha256"], good);
    assert_eq!(home.rows("SELECT count(*) FROM dead_letters"), ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_allow_list_no_other_build_serves() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let home = home(&cluster).with("EVENTLATCH_MATCHERS_ALLOW_FILE", "allowed");
    home.write("sensors/names.json", unruly_sensor(&["a"]));
    let allow = |builds: &[&[u8]]| {
        let line = |build: &&[u8]| format!("{}  build.wasm\n", sha256(build));
        home.write("allowed", builds.iter().map(line).collect::<String>());
    };
    allow(&[TAME]);
    put(&home, "matchers/unruly.wasm", TAME);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);

    let words = format!("its sha256 {} is not on the allow-list", sha256(PICKY));
    refuse(&home, &mut service, PICKY, &[], &words);
    put(&home, "matchers/unruly.wasm", PICKY);
    home.wait_for_rows(&mut service, GENERATIONS, &["serving", "refused"]);
    assert!(listed(&mut service, "unruly")["refused"]["reason"].as_str().unwrap().contains(&words));

    allow(&[TAME, PICKY]);
    let (code, said) = push(&home, &mut service, PICKY, &[]);
    assert_eq!(code, Some(0), "{said}");

    // What was taken from the list is not even taken from the store.
    allow(&[TAME]);
    let (code, said) = matcher(&home, &mut service, &["rollback", "unruly"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = matcher(&home, &mut service, &["pin", "unruly", short(&sha256(PICKY))]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains(&words), "{said}");
}

fn sha256(build: &[u8]) -> String {
    eventlatch::matcher::WasmFile::new(eventlatch::matcher::Origin::Pushed, build.to_owned()).sha256.to_string()
}
