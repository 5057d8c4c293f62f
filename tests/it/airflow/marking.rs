//! The states, and what stands in the notes.

use eventlatch_tests::airflow::Version;
use serde_json::json;

use super::{Marking, on_both, with_others};

on_both! {
    each_message_turns_its_task_green_and_the_last_one_the_gate,
    a_deadline_fails_or_skips_what_is_missing,
    what_comes_before_its_run_is_marked_when_that_is_there,
    runs_at_once_do_not_disturb_each_other,
    mapped_tasks_are_told_apart,
}

fn each_message_turns_its_task_green_and_the_last_one_the_gate(version: Version) {
    let (airflow, _using) = with_others(version);
    airflow.trigger("gated", "green");
    let mut marking = Marking::with(airflow);
    marking.define("s", &["a", "b", "c"], json!({}));
    marking.open("s", "w", &json!({"dag_id": "gated", "run_id": "green", "gate": "gate"}));
    marking.send(&["a"]);
    airflow.wait_for_state("gated", "green", "a", "success");
    // In an Airflow 2 the note comes a moment after the state.
    marking.wait_for_marks(&["a|success|delivered"]);
    let note = airflow.task("gated", "green", "a").note;
    let sha256 = &marking.home.rows("SELECT sha256 FROM matches")[0];
    let matcher = format!("matcher etl-finish, sha256 {sha256}");
    let lines = [
        "success by eventlatch: message etl-finish/0@1\n",
        "key k",
        "arrived ",
        "happened ",
        &matcher,
        "sensor s, wait w",
    ];
    for line in lines {
        assert!(note.contains(line), "{line} is not in {note}");
    }
    let is_left_alone = ["b", "c", "after"].map(|task| airflow.task("gated", "green", task).state);
    assert_eq!(is_left_alone, ["none", "none", "none"]);
    marking.send(&["b", "c"]);
    airflow.wait_for_state("gated", "green", "after", "success");
    let tasks = ["a", "b", "c", "gate"].map(|task| format!("{task}|success|delivered"));
    marking.wait_for_marks(&tasks.each_ref().map(String::as_str));
    let gate = airflow.task("gated", "green", "gate");
    assert!(gate.note.contains("the wait has ended"), "{gate:?}");
    for task in ["a", "b", "c"] {
        let task = airflow.task("gated", "green", task);
        assert!(task.note.contains("message etl-finish/0@"), "{task:?}");
    }
    // Airflow keeps the end of the gate's own last look, if it looked: only the store knows the order.
    let last = "SELECT task_id FROM marks ORDER BY resolved_at DESC, id DESC LIMIT 1";
    assert_eq!(marking.home.rows(last), ["gate"]);
    let settled = marking.command(&["wait", "show", "s", "w", "--format", "json"]);
    assert!(settled.contains("\"settled\": true"), "{settled}");
}

fn a_deadline_fails_or_skips_what_is_missing(version: Version) {
    let (airflow, _using) = with_others(version);
    let mut marking = Marking::with(airflow);
    marking.define("s", &["a", "b"], json!({"timeout": 15}));
    for (on_timeout, state) in [("fail", "failed"), ("skip", "skipped")] {
        airflow.trigger("gated", on_timeout);
        let target = json!({"dag_id": "gated", "run_id": on_timeout, "gate": "gate"}).to_string();
        marking.command(&["wait", "open", "s", on_timeout, "--on-timeout", on_timeout, "--target", &target]);
        marking.send(&["a"]);
        airflow.wait_for_state("gated", on_timeout, "gate", state);
        // A gate that is marked has Airflow clear what failed behind it, which then fails on its account.
        let missing = if state == "failed" { "upstream_failed" } else { state };
        let note = airflow.wait_for_state("gated", on_timeout, "b", missing).note;
        assert!(note.contains("no message, but a deadline"), "{note}");
        assert_eq!(airflow.task("gated", on_timeout, "a").state, "success");
    }
}

fn what_comes_before_its_run_is_marked_when_that_is_there(version: Version) {
    let (airflow, _using) = with_others(version);
    let mut marking = Marking::with(airflow);
    let target = json!({"dag_id": "gated", "run_id": "early__{{ business_date|dt.format('%Y%m%d') }}"});
    marking.define("s", &["a"], json!({"open": "window", "target": target}));
    marking.send(&["a"]);
    marking.wait_for_reason("pending", "not there yet: it answers 404");
    let run = marking.home.rows("SELECT json_extract(target, '$.run_id') FROM waits").remove(0);
    airflow.trigger("gated", &run);
    airflow.wait_for_state("gated", &run, "a", "success");
    marking.wait_for_marks(&["a|success|delivered"]);
}

fn runs_at_once_do_not_disturb_each_other(version: Version) {
    let (airflow, _using) = with_others(version);
    let runs = ["manual__2026-01-01T00:00:00+00:00", "odd+1:a"];
    let mut marking = Marking::with(airflow);
    for (run, task) in runs.into_iter().zip(["a", "b"]) {
        airflow.trigger("gated", run);
        marking.define(task, &[task], json!({}));
        marking.open(task, run, &json!({"dag_id": "gated", "run_id": run}));
    }
    marking.send(&["b", "a"]);
    for (run, [done, other]) in runs.into_iter().zip([["a", "b"], ["b", "a"]]) {
        airflow.wait_for_state("gated", run, done, "success");
        assert_eq!(airflow.task("gated", run, other).state, "none");
    }
}

fn mapped_tasks_are_told_apart(version: Version) {
    let (airflow, _using) = with_others(version);
    airflow.trigger("mapped", "m");
    let mut marking = Marking::with(airflow);
    marking.define("s", &["many"], json!({}));
    marking.open("s", "w", &json!({"dag_id": "mapped", "run_id": "m", "map_index": 1}));
    marking.send(&["many"]);
    airflow.wait_for_state("mapped", "m", "many/1", "success");
    marking.wait_for_marks(&["many|success|delivered"]);
    assert!(airflow.task("mapped", "m", "many/1").note.contains("message etl-finish/0@1"));
    assert_eq!(["many/0", "many/2"].map(|task| airflow.task("mapped", "m", task).state), ["none", "none"]);
}
