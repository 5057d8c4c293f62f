//! The rules of `airflow-events`, message by message, as Airflow 3.3 and its provider for Apache Kafka 2.1 publish them.

use airflow_events::AirflowEvents;
use eventlatch_sdk::civil::date;
use eventlatch_sdk::testing::{Bench, Outcome};

const TASK: &str = r#"{"schema_version": 1, "source": "prod", "event": "task_instance.success",
    "timestamp": "2026-01-05T02:00:00.512345+00:00", "dag_id": "load", "task_id": "orders",
    "run_id": "scheduled__2026-01-04T00:00:00+00:00", "try_number": 1, "map_index": -1, "previous_state": "running"}"#;
const RUN: &str = r#"{"schema_version": 1, "source": "prod", "event": "dag_run.failed",
    "timestamp": "2026-01-05T02:00:01+00:00", "dag_id": "load", "run_id": "manual__1", "run_type": "manual",
    "logical_date": "", "start_date": "2026-01-05 01:00:00+00:00", "end_date": "", "msg": "task_failure"}"#;
const ARRIVAL: &str = "2026-01-05T02:00:02";

fn bench() -> Bench {
    Bench::of::<AirflowEvents>("{}").expect("a good configuration")
}

#[track_caller]
fn check(wanted: &str, message: &str, expect: Outcome) {
    assert_eq!(bench().judge(wanted, message, ARRIVAL), Ok(expect), "{wanted} {message}");
}

fn refused(reason: &str) -> Outcome {
    Outcome::Refused(reason.to_owned())
}

#[test]
fn a_task_or_a_run_as_a_whole() {
    let task = r#"{"dag_id": "load", "upstream_task_id": "orders"}"#;
    check(task, TASK, Outcome::Fulfilled);
    check(task, &TASK.replace("success", "running"), Outcome::Other);
    check(task, &TASK.replace(r#""load""#, r#""other""#), Outcome::Other);
    check(task, RUN, Outcome::Other);
    let run = r#"{"dag_id": "load", "state": "failed"}"#;
    check(run, RUN, Outcome::Fulfilled);
    check(run, &TASK.replace("success", "failed"), Outcome::Other);
    check(r#"{"dag_id": "load"}"#, RUN, Outcome::Other);
}

#[test]
fn a_certain_run_of_the_business_date() {
    let template = r#"{"dag_id": "load", "upstream_task_id": "orders",
                       "run_id": "scheduled__{{ business_date|dt.add_day(n=-1) }}T00:00:00+00:00"}"#;
    check(template, TASK, Outcome::Fulfilled);
    check(template, &TASK.replace("01-04T", "01-03T"), Outcome::Other);
    let rendered = bench().prepare(template, date(2026, 3, 1)).unwrap().rendered;
    assert!(rendered.contains("scheduled__2026-02-28T00:00:00+00:00"), "{rendered}");
}

#[test]
fn one_instance_of_one_airflow() {
    let wanted = |more: &str| format!(r#"{{"dag_id": "load", "upstream_task_id": "orders", {more}}}"#);
    check(&wanted(r#""source": "prod", "map_index": -1"#), TASK, Outcome::Fulfilled);
    check(&wanted(r#""source": "test""#), TASK, refused("it is of the Airflow `prod`"));
    check(&wanted(r#""map_index": 3"#), TASK, refused("its map_index is -1"));
    check(&wanted(r#""map_index": 3"#), &TASK.replace("-1,", "3,"), Outcome::Fulfilled);
}

#[test]
fn what_happened_yesterday_is_a_near_miss() {
    let yesterday = TASK.replace("2026-01-05T02", "2026-01-04T02");
    let reason = "the event's business date is 2026-01-04, that of its arrival 2026-01-05";
    check(r#"{"dag_id": "load", "upstream_task_id": "orders"}"#, &yesterday, refused(reason));
}

#[test]
fn what_is_malformed_is_told() {
    let rejected = |message: &str, says: &str| match bench().judge(r#"{"dag_id": "load"}"#, message, ARRIVAL) {
        Ok(Outcome::Rejected(reason)) => assert!(reason.contains(says), "{reason}"),
        other => panic!("{other:?}"),
    };
    rejected(
        &TASK.replace(r#""schema_version": 1"#, r#""schema_version": 2"#),
        "its schema_version is 2; this matcher knows 1",
    );
    rejected(&TASK.replace(r#""task_id": "orders","#, ""), "an event of a task without `task_id`");
    rejected(&TASK.replace(r#""dag_id": "load","#, ""), "dag_id");
    check(r#"{"dag_id": "load"}"#, &RUN.replace("dag_run.failed", "asset.created"), Outcome::Other);
}

#[test]
fn what_could_never_come_is_refused() {
    let problem = |wanted: &str| bench().prepare(wanted, date(2026, 1, 5)).unwrap_err().to_string();
    assert_eq!(problem(r#"{"dag_id": ""}"#), "dag_id: must not be empty");
    assert!(problem(r#"{"dag_id": "d", "state": "skipped"}"#).starts_with("state: a run is never skipped"));
    assert!(problem(r#"{"dag_id": "d", "map_index": 1}"#).starts_with("map_index: is of a mapped task"));
    assert!(problem(r#"{"dag_id": "d", "run_id": "{{ day }}"}"#).starts_with("run_id: unknown name in template"));
    assert!(problem(r#"{"dag_id": "d", "state": "queued"}"#).contains("queued"));
    assert!(problem(r#"{"dag_id": "d", "task": "t"}"#).contains("task"));
}
