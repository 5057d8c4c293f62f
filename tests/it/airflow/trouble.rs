//! What does not work: logins, tasks that are not there, an Airflow that goes away.

use eventlatch_tests::airflow::Version;
use serde_json::json;

use super::{Marking, alone, home, on_both, with_others};

on_both! {
    a_login_that_is_refused_is_told_and_holds_the_marks,
    a_task_that_the_dag_does_not_have_is_rejected,
    a_mark_that_is_repeated_is_done_already,
    an_airflow_that_restarts_with_another_secret_is_told_all,
    a_target_that_says_nothing_to_airflow_is_refused,
}

fn a_login_that_is_refused_is_told_and_holds_the_marks(version: Version) {
    let (airflow, _using) = with_others(version);
    let checked = home(airflow, &airflow.password()).run(&["check"]);
    let marking = match version {
        Version::Two => "marking        ok  airflow: 2.11.2 (/api/v1) at http://127.0.0.1:",
        Version::Three => "marking        ok  airflow: 3.3.2 (/api/v2) at http://127.0.0.1:",
    };
    assert!(checked.stdout.contains(marking), "{checked}");
    let wrong = home(airflow, "hunter2");
    let checked = wrong.run(&["check"]);
    assert_eq!(checked.code, Some(7), "{checked}");
    assert!(checked.stderr.contains("hint: `username`") && !checked.stderr.contains("hunter2"), "{checked}");
    airflow.trigger("gated", "refused");
    let mut marking = Marking::start(wrong);
    marking.define("s", &["a"], json!({}));
    marking.open("s", "w", &json!({"dag_id": "gated", "run_id": "refused"}));
    marking.send(&["a"]);
    marking.wait_for_reason("pending", "hint: `username`");
    marking.wait_for_marks(&["a|success|pending"]);
    assert_eq!(airflow.task("gated", "refused", "a").state, "none");
}

fn a_task_that_the_dag_does_not_have_is_rejected(version: Version) {
    let (airflow, _using) = with_others(version);
    airflow.trigger("gated", "typo");
    let mut marking = Marking::with(airflow);
    marking.define("s", &["a", "typo"], json!({}));
    marking.open("s", "w", &json!({"dag_id": "gated", "run_id": "typo"}));
    marking.send(&["typo", "a"]);
    let reason = marking.wait_for_reason("rejected", "its DAG has no task `typo`");
    assert!(reason.contains("`eventlatch mark retry 1`"), "{reason}");
    airflow.wait_for_state("gated", "typo", "a", "success");
}

fn a_mark_that_is_repeated_is_done_already(version: Version) {
    let (airflow, _using) = with_others(version);
    airflow.trigger("gated", "twice");
    let mut marking = Marking::with(airflow);
    marking.define("s", &["a"], json!({}));
    marking.open("s", "w", &json!({"dag_id": "gated", "run_id": "twice"}));
    marking.send(&["a"]);
    marking.wait_for_marks(&["a|success|delivered"]);
    let marked = airflow.task("gated", "twice", "a");
    marking.service.kill();
    marking.home.execute("eventlatch.db", "UPDATE marks SET status = 'pending', resolved_at = NULL");
    marking.service.start_again();
    marking.wait_for_marks(&["a|success|delivered"]);
    let again = airflow.task("gated", "twice", "a");
    assert_eq!((again.state, again.end_date), (marked.state, marked.end_date));
}

fn an_airflow_that_restarts_with_another_secret_is_told_all(version: Version) {
    let (airflow, _using) = alone(version);
    airflow.trigger("gated", "restart");
    let mut marking = Marking::with(airflow);
    marking.define("s", &["a", "b"], json!({}));
    marking.open("s", "w", &json!({"dag_id": "gated", "run_id": "restart", "gate": "gate"}));
    marking.send(&["a"]);
    marking.wait_for_marks(&["a|success|delivered"]);
    airflow.stop();
    marking.send(&["b"]);
    marking.wait_for_reason("pending", "onnection refused");
    airflow.restart();
    airflow.wait_for_state("gated", "restart", "gate", "success");
    marking.wait_for_marks(&["a|success|delivered", "b|success|delivered", "gate|success|delivered"]);
}

fn a_target_that_says_nothing_to_airflow_is_refused(version: Version) {
    let (airflow, _using) = with_others(version);
    let mut marking = Marking::with(airflow);
    marking.define("s", &["a"], json!({}));
    let url = marking.service.url();
    let refused = |target: &str| {
        let ran = marking.home.run(&["wait", "open", "s", "w", "--target", target, "--url", &url]);
        assert_ne!(ran.code, Some(0), "{ran}");
        ran.stderr
    };
    assert!(refused(r#"{"dag_id": "gated"}"#).contains("it names no `dag_id` and `run_id` in Airflow"));
    assert!(
        refused(r#"{"dag_id": "gated", "run_id": "r", "map_index": "1"}"#).contains("`map_index` must be a number")
    );
    assert!(refused(r#"{"dag_id": "gated", "run_id": "r", "gate": "a"}"#).contains("`a` is a task of the sensor"));
    // Nothing is to be marked anywhere: whoever opens it waits for its end.
    marking.open("s", "w", &json!({}));
    marking.send(&["a"]);
    marking.command(&["wait", "until", "s", "w", "--at-most", "60"]);
    marking.wait_for_marks(&["a|success|delivered"]);
}
