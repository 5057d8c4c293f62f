//! Waits that are opened, waited for and cancelled over HTTP.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{Caller, home, serve};
use eventlatch_tests::{home::Home, service::Service};

/// A service with a sensor on which nobody waits yet.
fn with_sensor(home: &Home) -> (Service, Caller) {
    let mut service = serve(home);
    let caller = Caller::of(&mut service);
    let wanted = json!([{"frequency": "D", "topic": "job-finish", "job_name": "j", "task_id": "t"}]);
    assert!(caller.put("/v1/sensors/s", &json!({ "wanted": wanted })).starts_with("200 "));
    (service, caller)
}

fn finish(service: &mut Service) {
    let value = json!({"job_name": "j", "is_success": true, "timestamp": jiff::Timestamp::now().as_second()});
    service.feed(&format!("{}\n", json!({"topic": "job-finish", "value": value})));
}

fn open(caller: &Caller, body: Value) -> String {
    caller.post("/v1/sensors/s/waits", &body.to_string())
}

#[test]
fn what_makes_no_sense_is_not_opened() {
    let home = home();
    let (_service, caller) = with_sensor(&home);
    assert!(open(&caller, json!({"name": "w"})).starts_with("201 "));
    let answers = [
        open(&caller, json!({"name": "w"})),
        open(&caller, json!({"name": ""})),
        open(&caller, json!({"name": "x", "timeout": 0})),
        open(&caller, json!({"name": "x", "timeout": "0 0 30 2 *"})),
        open(&caller, json!({"name": "x", "late": "maybe"})),
        open(&caller, json!({"name": "x", "business_date": "today"})),
        open(&caller, json!({"name": "x", "target": "d"})),
        open(&caller, json!({"name": "x", "target": {"gate": "t"}})),
        open(&caller, json!({"name": "x", "target": {"on_complete": {}}})),
        open(&caller, json!({"nam": "x"})),
        caller.post("/v1/sensors/none/waits", "{\"name\": \"x\"}"),
        caller.get("/v1/sensors/none/waits"),
        caller.get("/v1/sensors/s/waits/none"),
        caller.get("/v1/sensors/s/waits/none?wait_until_ended=9"),
        caller.get("/v1/sensors/s/waits/w?wait_until_ended=301"),
        caller.get("/v1/sensors/s/waits/w?wait_until_ended=1&wait_until_settled=1"),
        caller.delete("/v1/sensors/s/waits/none"),
        caller.get("/v1/waits?state=open"),
    ];
    assert_snapshot!(answers.join("\n").replace(" application/problem+json", ""), @r#"
    409 {"type":"urn:eventlatch:problem:wait-exists","title":"there is such a wait already","status":409,"detail":"the sensor `s` has a wait `w` already (hint: take another name)"}
    422 {"type":"urn:eventlatch:problem:invalid-wait","title":"the wait makes no sense","status":422,"detail":"the name of a wait has 1 to 200 characters"}
    422 {"type":"urn:eventlatch:problem:invalid-wait","title":"the wait makes no sense","status":422,"detail":"`timeout` must be seconds, 1 to 3155760000, or a cron expression such as \"0 22 * * *\", not 0 (hint: leave it out to wait until the window ends)"}
    422 {"type":"urn:eventlatch:problem:invalid-wait","title":"the wait makes no sense","status":422,"detail":"`timeout`: the cron expression `0 0 30 2 *` never comes"}
    422 {"type":"urn:eventlatch:problem:invalid-wait","title":"the wait makes no sense","status":422,"detail":"`late` must be \"ignore\" or \"heal\", not \"maybe\""}
    422 {"type":"urn:eventlatch:problem:invalid-wait","title":"the wait makes no sense","status":422,"detail":"`today` is no date: write \"2019-07-07\", or with an hour \"2019-07-07T05:00\""}
    422 {"type":"urn:eventlatch:problem:invalid-wait","title":"the wait makes no sense","status":422,"detail":"`target` must be an object (a table) such as {\"dag_id\": \"…\", \"run_id\": \"…\"}, not \"d\""}
    422 {"type":"urn:eventlatch:problem:invalid-wait","title":"the wait makes no sense","status":422,"detail":"`t` is a task of the sensor, and cannot stand for all of them (hint: another name in `target`)"}
    422 {"type":"urn:eventlatch:problem:invalid-wait","title":"the wait makes no sense","status":422,"detail":"`target`: `on_complete` is nothing that marking by `local` can do"}
    400 {"type":"urn:eventlatch:problem:bad-request","title":"the request makes no sense","status":400,"detail":"Failed to deserialize the JSON body into the target type: nam: unknown field `nam`, expected one of `name`, `business_date`, `timeout`, `on_timeout`, `late`, `target` at line 1 column 6"}
    404 {"type":"urn:eventlatch:problem:no-such-sensor","title":"there is no such sensor","status":404,"detail":"there is no sensor `none` (hint: `eventlatch status`)"}
    404 {"type":"urn:eventlatch:problem:no-such-sensor","title":"there is no such sensor","status":404,"detail":"there is no sensor `none`"}
    404 {"type":"urn:eventlatch:problem:no-such-wait","title":"there is no such wait","status":404,"detail":"the sensor `s` has no wait `none`"}
    404 {"type":"urn:eventlatch:problem:no-such-wait","title":"there is no such wait","status":404,"detail":"the sensor `s` has no wait `none`"}
    400 {"type":"urn:eventlatch:problem:bad-request","title":"the request makes no sense","status":400,"detail":"`wait_until_ended` is 301: it must be 0 to 300"}
    400 {"type":"urn:eventlatch:problem:bad-request","title":"the request makes no sense","status":400,"detail":"`wait_until_ended` and `wait_until_settled` exclude each other"}
    404 {"type":"urn:eventlatch:problem:no-such-wait","title":"there is no such wait","status":404,"detail":"the sensor `s` has no wait `none`"}
    400 {"type":"urn:eventlatch:problem:bad-request","title":"the request makes no sense","status":400,"detail":"Failed to deserialize query string: state: unknown variant `open`, expected one of `waiting`, `complete`, `failed`, `skipped`, `cancelled`"}
    "#);
    assert_eq!(caller.json("/v1/waits?state=waiting")["waits"].as_array().unwrap().len(), 2);
}

#[test]
fn many_wait_for_one_end_and_all_are_answered() {
    let home = home();
    let (mut service, caller) = with_sensor(&home);
    assert!(open(&caller, json!({"name": "w"})).starts_with("201 "));
    let address = caller.url.trim_start_matches("http://");
    let request =
        "GET /v1/sensors/s/waits/w?wait_until_ended=60 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let mut polls: Vec<_> = (0..400).map(|_| TcpStream::connect(address).unwrap()).collect();
    polls.iter_mut().for_each(|poll| poll.write_all(request.as_bytes()).unwrap());
    finish(&mut service);
    for mut poll in polls {
        let mut answer = String::new();
        poll.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"state\":\"complete\""), "{answer}");
    }
    let shown = home.run(&["wait", "until", "s", "w", "--url", &caller.url]);
    assert!(shown.code == Some(0) && shown.stdout.contains(" · complete since "), "{shown}");
}

#[test]
fn commands_open_show_and_cancel() {
    let home = home();
    let (mut service, caller) = with_sensor(&home);
    let run = |arguments: &[&str]| home.run(&[arguments, &["--url", &caller.url]].concat());
    let opened = run(&["wait", "open", "s", "a b/c", "--timeout", "3600", "--on-timeout", "skip"]);
    assert!(opened.stdout.starts_with("s · a b/c · ") && opened.stdout.contains("pending"), "{opened}");
    assert_eq!(run(&["wait", "until", "s", "a b/c", "--at-most", "0"]).code, Some(10));
    assert!(run(&["wait", "cancel", "s", "a b/c", "--reason", "no need"]).stdout.contains(" · cancelled since "));
    assert_eq!(run(&["wait", "until", "s", "a b/c"]).code, Some(9));
    let audited = home.rows("SELECT actor, action, subject, detail FROM audit WHERE action = 'wait cancel'");
    assert_eq!(audited.len(), 1);
    assert!(audited[0].starts_with("cli|wait cancel|s/a b/c|"), "{audited:?}");
    assert_eq!(run(&["wait", "list", "s"]).stdout.lines().count(), 2);
    let none = run(&["wait", "show", "s", "none"]);
    assert_eq!(none.to_string(), "! error: the sensor `s` has no wait `none` (hint: `eventlatch wait list`)\nexit 1");
    assert_eq!(service.terminate().code(), Some(0));
}

/// The names of the next events, and the id of the last of them.
fn events(lines: &mut dyn Iterator<Item = String>, number: usize) -> (Vec<String>, String) {
    let (mut told, mut id) = (Vec::new(), String::new());
    while told.len() < number {
        let line = lines.next().unwrap();
        if let Some(event) = line.strip_prefix("event: ") {
            told.push(event.to_owned());
        } else if let Some(new) = line.strip_prefix("id: ") {
            new.clone_into(&mut id);
        }
    }
    (told, id)
}

#[test]
fn changes_are_told_as_they_happen_and_again_to_who_was_away() {
    let home = home();
    let (mut service, caller) = with_sensor(&home);
    let follow = |query: &str| {
        let address = caller.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "GET /v1/changes{query} HTTP/1.0\r\nhost: localhost\r\n\r\n").unwrap();
        BufReader::new(stream).lines().map(Result::unwrap)
    };
    let mut lines = follow("?sensor=s");
    assert!(lines.by_ref().take_while(|line| !line.is_empty()).any(|line| line.contains("text/event-stream")));
    assert!(open(&caller, json!({"name": "w"})).starts_with("201 "));
    finish(&mut service);
    assert_eq!(events(&mut lines, 4).0, ["wait-opened", "task-marked", "wait-ended", "wait-settled"]);
    assert!(caller.delete("/v1/sensors/s").starts_with("204 "));
    let (told, id) = events(&mut lines, 1);
    assert_eq!(told, ["sensor-changed"]);
    let run = id.split('-').next().unwrap();
    let (all, _) = events(&mut follow(&format!("?sensor=s&after={run}-0")), 6);
    assert_eq!(all, ["sensor-changed", "wait-opened", "task-marked", "wait-ended", "wait-settled", "sensor-changed"]);
    assert_eq!(events(&mut follow("?after=1-1"), 1).0, ["lagged"]);
    assert!(caller.get("/v1/changes?after=x").starts_with("400 "));
    // Nobody who follows holds the service up.
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}
