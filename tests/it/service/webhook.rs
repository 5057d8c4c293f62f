//! Marks by a POST, to a server that refuses, hangs, hangs up and is away: intake goes on, nothing is told twice, and the schedule of
//! what is tried again can be seen.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use eventlatch_tests::{
    home::{DEADLINE, Home, noon_zone},
    service::Service,
    summary,
    target::{Away, Manner, Posted, Target},
    waiting::wait_for,
};
use serde_json::Value;

use super::{lines, sensor, table_written};
use crate::chaos::scale;

const MARKS: &str = "SELECT task_id, status, attempts FROM marks ORDER BY id";

fn home(port: u16, marking: &str, tables: &[&str]) -> Home {
    let home = Home::new(&format!(
        r#"
        [marking]
        adapter = "webhook"
        backoff = {{ first_seconds = 0.05, limit_seconds = 0.2 }}
        {marking}
        [marking.webhook]
        url = "http://127.0.0.1:{port}/marks"
        secret = "env:MARKING_SECRET"
        token = "env:MARKING_TOKEN"
        timeout_seconds = 5
        headers = {{ X-Team = "data" }}
        "#
    ))
    .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone())
    .with("MARKING_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    .with("MARKING_TOKEN", "hunter2");
    home.write("sensors/tables.json", sensor(tables));
    home
}

fn serve(home: &Home) -> Service {
    Service::start_fed(home.command(&["run", "--input", "-"]), &home.path("service.log"))
}

fn task(posted: &Posted) -> String {
    let body: Value = serde_json::from_str(&posted.body).unwrap();
    body["task_id"].as_str().unwrap().to_owned()
}

fn tasks(posted: &[Posted]) -> Vec<String> {
    posted.iter().map(task).collect()
}

#[test]
fn whatever_the_target_does_the_effect_is_there_once() {
    let target = Target::start(|before, _| match before {
        0 => Manner::Refuse("500 Internal Server Error", ""),
        1 => Manner::Refuse("429 Too Many Requests", "retry-after: 1\r\n"),
        2 => Manner::Keep(Duration::from_secs(15)),
        3 => Manner::TakeAndClose,
        _ => Manner::Take,
    });
    let home = home(target.port, "", &["a"]);
    let mut service = serve(&home);
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let line = serde_json::json!({
        "topic": "etl-finish", "key": "k", "headers": {"traceparent": parent}, "value": table_written("a"),
    });
    service.feed(&format!("{line}\n"));
    home.wait_for_rows(&mut service, MARKS, &["a|delivered|5"]);

    let posted = target.posted();
    assert_eq!((posted.len(), target.effects().len()), (5, 1));
    let keys: HashSet<_> = posted.iter().map(|it| &it.headers["idempotency-key"]).collect();
    let bodies: HashSet<_> = posted.iter().map(|it| &it.body).collect();
    assert_eq!((keys.len(), bodies.len()), (1, 1));
    let Posted { headers, body } = &posted[0];
    assert_eq!(headers["webhook-id"], headers["idempotency-key"]);
    assert!(headers["webhook-signature"].starts_with("v1,") && headers["webhook-timestamp"].len() == 10, "{headers:?}");
    assert_eq!(
        [&headers["authorization"], &headers["x-team"], &headers["traceparent"]],
        ["Bearer hunter2", "data", parent]
    );
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["mark_id"], headers["idempotency-key"].as_str());
    assert_eq!((&body["sensor"], &body["state"]), (&Value::from("tables"), &Value::from("success")));
    let evidence = &body["evidence"];
    assert_eq!((&evidence["topic"], &evidence["key"]["text"]), (&Value::from("etl-finish"), &Value::from("k")));
    assert_eq!(evidence["traceparent"], parent);
    assert!(!service.log().contains("hunter2"));
}

#[test]
fn what_can_never_be_marked_is_kept_with_its_reason() {
    let target = Target::start(|_, posted| match task(posted).as_str() {
        "a" => Manner::Refuse("404 Not Found", ""),
        _ => Manner::Take,
    });
    let home = home(target.port, "order = \"serial\"", &["a", "b"]);
    let mut service = serve(&home);
    service.feed(&lines(&["a", "b"]));
    home.wait_for_rows(&mut service, MARKS, &["a|rejected|1", "b|delivered|1"]);
    let listed = home.run(&["mark", "list", "--status", "rejected", "--format", "json"]);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!((&listed[0]["task_id"], &listed[0]["last_error"]), (&"a".into(), &"it answers 404 Not Found".into()));

    let url = service.url();
    let retried = home.run(&["mark", "retry", "--all", "rejected", "--url", &url]);
    assert_eq!(retried.stdout, "1 of 1 marks are tried again\n", "{retried}");
    home.wait_for_rows(&mut service, MARKS, &["a|rejected|2", "b|delivered|1"]);
    assert_eq!(home.rows("SELECT actor, action, subject FROM audit"), ["cli|mark retry|mark 1"]);
    let delivered = home.run(&["mark", "retry", "2", "--url", &url]);
    assert_eq!(delivered.stdout, "0 of 1 marks are tried again; 1 are not to be delivered any more\n", "{delivered}");
}

#[test]
fn a_target_that_is_away_holds_up_no_message_and_is_told_all_in_order() {
    let tables: Vec<_> = (0..50).map(|number| format!("t{number:02}")).collect();
    let names: Vec<_> = tables.iter().map(String::as_str).collect();
    let (away, lasting) = (Away::reserve(), scale::seconds("TARGET_AWAY", 1, 300));
    let home = home(away.port(), "order = \"serial\"", &names);
    let mut service = serve(&home);
    let schedule = "SELECT task_id, status, attempts > 0, next_attempt_at IS NOT NULL, last_error LIKE '%refused%'
                      FROM marks ORDER BY id LIMIT 2";
    let begun = Instant::now();
    for (number, name) in (1u32..).zip(&names) {
        service.feed(&lines(&[name]));
        // Intake goes on all the time long.
        home.wait_for_rows(&mut service, "SELECT count(*) FROM matches", &[&number.to_string()]);
        home.wait_for_rows(&mut service, "SELECT status FROM marks WHERE id = 1", &["pending"]);
        let next = begun + lasting / names.len() as u32 * number;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    home.wait_for_rows(&mut service, schedule, &["t00|pending|1|1|1", "t01|pending|0|0|"]);
    let listed = home.run(&["mark", "list", "--status", "pending", "--format", "json"]);
    let listed: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    let first = listed.iter().find(|it| it["task_id"] == "t00").unwrap();
    assert!(first["attempts"].as_u64() > Some(0) && first["next_attempt_at"].is_string(), "{first}");
    let attempts = first["attempts"].clone();

    let target = away.end(|_, _| Manner::Take);
    home.wait_for_rows(&mut service, "SELECT DISTINCT status FROM marks", &["delivered"]);
    assert_eq!(tasks(&target.effects()), tables);
    let faults = format!("away for {} s, {attempts} attempts in vain", begun.elapsed().as_secs());
    let came = format!("{0} messages, {0} matches meanwhile, {0} marks afterwards, in order", tables.len());
    summary::tell("chaos", "the marks' target", &format!("{faults} | {came} | {} s", begun.elapsed().as_secs()));
}

#[test]
fn no_more_marks_are_on_their_way_than_are_allowed() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, highest) = (Arc::clone(&now), Arc::clone(&most));
    let target = Target::start(move |_, _| {
        highest.fetch_max(counted.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // So that there would be more of them.
        std::thread::sleep(Duration::from_millis(100));
        counted.fetch_sub(1, Ordering::SeqCst);
        Manner::Take
    });
    let tables: Vec<_> = (0..10).map(|number| format!("t{number}")).collect();
    let names: Vec<_> = tables.iter().map(String::as_str).collect();
    let home = home(target.port, "concurrency = 2", &names);
    let mut service = serve(&home);
    service.feed(&lines(&names));
    home.wait_for_rows(&mut service, "SELECT status, count(*) FROM marks GROUP BY 1", &["delivered|10"]);
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[test]
fn within_a_partition_one_holds_up_the_rest_and_others_overtake() {
    let is_open = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&is_open);
    let target = Target::start(move |_, posted| match task(posted) == "a" && !asked.load(Ordering::SeqCst) {
        true => Manner::Refuse("503 Service Unavailable", ""),
        false => Manner::Take,
    });
    let home = home(target.port, "order = \"partition\"\nconcurrency = 4", &["a", "b", "c"]);
    let jobs = serde_json::json!({"wanted": [
        {"frequency": "D", "topic": "job-finish", "job_name": "x", "task_id": "x"},
        {"frequency": "D", "topic": "job-finish", "job_name": "y", "task_id": "y"},
    ]});
    home.write("sensors/jobs.json", jobs.to_string());
    let mut service = serve(&home);
    service.feed(&lines(&["a", "b", "c"]));
    for job in ["x", "y"] {
        let value =
            serde_json::json!({"job_name": job, "is_success": true, "timestamp": jiff::Timestamp::now().as_second()});
        service.feed(&format!("{}\n", serde_json::json!({"topic": "job-finish", "value": value})));
    }
    let by_task = "SELECT task_id, status FROM marks ORDER BY task_id";
    home.wait_for_rows(&mut service, by_task, &["a|pending", "b|pending", "c|pending", "x|delivered", "y|delivered"]);
    assert_eq!(tasks(&target.effects()), ["x", "y"]);
    is_open.store(true, Ordering::SeqCst);
    home.wait_for_rows(&mut service, "SELECT DISTINCT status FROM marks", &["delivered"]);
    assert_eq!(tasks(&target.effects()), ["x", "y", "a", "b", "c"]);
}

#[test]
fn a_kill_repeats_attempts_and_no_effect() {
    let tables: Vec<_> = (0..120).map(|number| format!("t{number:03}")).collect();
    let names: Vec<_> = tables.iter().map(String::as_str).collect();
    let target = Target::start(|before, _| {
        // So that a kill meets some that are on their way.
        std::thread::sleep(Duration::from_millis(20));
        if before % 7 == 3 { Manner::TakeAndClose } else { Manner::Take }
    });
    let home = home(target.port, "", &names);
    let mut service = serve(&home);
    service.feed(&lines(&names));
    home.wait_for_rows(&mut service, "SELECT count(*) FROM matches", &["120"]);
    for kill in 1..=4 {
        let posted = kill * 20;
        wait_for("marks on their way", DEADLINE, || match target.posted().len() {
            so_far if so_far >= posted => Ok(()),
            so_far => Err(format!("{so_far}\n{}", service.log_end())),
        });
        service.kill();
        service.start_again();
    }
    home.wait_for_rows(&mut service, "SELECT DISTINCT status FROM marks", &["delivered"]);
    let mut done = tasks(&target.effects());
    done.sort();
    assert_eq!(done, tables);
    assert!(target.posted().len() > tables.len(), "no attempt was repeated");
}
