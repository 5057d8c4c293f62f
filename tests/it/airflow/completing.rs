//! What happens once when a wait is complete.

use std::time::Duration;

use eventlatch_tests::{
    airflow::{Airflow, Version},
    waiting::wait_for,
};
use serde_json::{Value, json};

use super::{Marking, on_both, with_others};

on_both! {
    an_asset_has_its_event_once,
    a_run_is_triggered_once,
}

/// Completes a wait of which only that is wanted.
fn complete(airflow: &Airflow, on_complete: &Value) -> Marking {
    let mut marking = Marking::with(airflow);
    marking.define("orders", &["a"], json!({}));
    marking.open("orders", "w", &json!({"on_complete": on_complete}));
    marking.send(&["a"]);
    marking.wait_for_marks(&["a|success|delivered", "on_complete|success|delivered"]);
    marking
}

/// Has it delivered again, as if the answer to it had been lost.
fn repeat(marking: &mut Marking) {
    marking.service.kill();
    let lost = "UPDATE marks SET status = 'pending', resolved_at = NULL WHERE kind = 'on-complete'";
    marking.home.execute("eventlatch.db", lost);
    marking.service.start_again();
    marking.wait_for_marks(&["a|success|delivered", "on_complete|success|delivered"]);
}

/// What there is of a kind, from an Airflow that may be busy.
fn all(airflow: &Airflow, path: &str, kind: &str) -> Vec<Value> {
    wait_for(path, Duration::from_secs(60), || {
        let answer = airflow.get(path);
        answer.body[kind].as_array().cloned().ok_or_else(|| format!("{}: {}", answer.status, answer.body))
    })
}

fn runs(airflow: &Airflow, dag: &str) -> Vec<Value> {
    all(airflow, &format!("/dags/{dag}/dagRuns"), "dag_runs")
}

fn an_asset_has_its_event_once(version: Version) {
    let (airflow, _using) = with_others(version);
    let (events, of_answer) = match version {
        Version::Two => ("/datasets/events?limit=100", "dataset_events"),
        Version::Three => ("/assets/events?limit=100", "asset_events"),
    };
    let mut marking = complete(airflow, &json!({"asset": "s3://lake/orders", "extra": {"rows": 7}}));
    repeat(&mut marking);
    let mut events = all(airflow, events, of_answer);
    events.retain(|event| event["extra"]["eventlatch"]["sensor"] == "orders");
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((&events[0]["extra"]["rows"], &events[0]["extra"]["eventlatch"]["wait"]), (&json!(7), &json!("w")));
    wait_for("a run that follows from it", Duration::from_secs(120), || match runs(airflow, "listening").len() {
        1 => Ok(()),
        other => Err(format!("{other} runs\n{}", airflow.log_end())),
    });
}

fn a_run_is_triggered_once(version: Version) {
    let (airflow, _using) = with_others(version);
    let mut marking = complete(airflow, &json!({"dag_id": "report", "conf": {"rows": 7}}));
    repeat(&mut marking);
    let runs = runs(airflow, "report");
    assert_eq!(runs.len(), 1, "{runs:?}");
    let id = marking.home.rows("SELECT identity || '-' || id FROM store, marks WHERE kind = 'on-complete'").remove(0);
    assert_eq!(runs[0]["dag_run_id"], format!("eventlatch__{id}"));
    assert_eq!(
        (&runs[0]["conf"], runs[0]["note"].as_str()),
        (&json!({"rows": 7}), Some("triggered by eventlatch: sensor orders, wait w"))
    );
}
