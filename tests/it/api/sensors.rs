//! Sensors that are defined over HTTP.

use insta::assert_snapshot;
use serde_json::json;

use super::{Caller, home, serve};

fn wanted(job: &str) -> serde_json::Value {
    json!({"frequency": "D", "topic": "job-finish", "job_name": job, "task_id": "t"})
}

fn finished(job: &str) -> String {
    let value = json!({"job_name": job, "is_success": true, "timestamp": jiff::Timestamp::now().as_second()});
    format!("{}\n", json!({"topic": "job-finish", "value": value}))
}

#[test]
fn what_is_defined_is_awaited_when_it_is_answered_and_after_a_restart() {
    let home = home();
    let mut service = serve(&home);
    let caller = Caller::of(&mut service);
    let definition = json!({"require": "any", "wanted": [wanted("j"), wanted("k")]});
    let put = || caller.put("/v1/sensors/s", &definition);
    assert_eq!(put(), "200 application/json {\"added\":1,\"changed\":0,\"unchanged\":0}");
    assert_eq!(put(), "200 application/json {\"added\":0,\"changed\":0,\"unchanged\":1}");
    assert!(caller.post("/v1/sensors/s/waits", "{\"name\": \"w\"}").starts_with("201 "));
    service.feed(&finished("j"));
    let state = "SELECT waits.state FROM waits JOIN sensors ON sensors.id = sensor_id WHERE sensors.name = 's'";
    home.wait_for_rows(&mut service, state, &["complete"]);
    let matches = caller.json("/v1/matches?sensor=s&task_id=t&topic=job-finish");
    assert_eq!((matches["matches"].as_array().unwrap().len(), &matches["next_before"]), (1, &json!(null)));
    assert_eq!(caller.json("/v1/matches?sensor=s&since=2999-01-01T00:00:00Z")["matches"], json!([]));

    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    service.start_again();
    let caller = Caller::of(&mut service);
    let sensor = caller.json("/v1/sensors/s");
    assert_eq!((&sensor["owner"], &sensor["definition"]["require"]), (&json!("api"), &json!("any")));
    assert!(caller.post("/v1/sensors/s/waits", "{\"name\": \"x\"}").starts_with("201 "));
    service.feed(&finished("k"));
    home.wait_for_rows(&mut service, "SELECT state FROM waits WHERE name = 'x'", &["complete"]);
    assert_eq!(caller.delete("/v1/sensors/s"), "204 - ");
    assert!(caller.delete("/v1/sensors/s").starts_with("404 "));
    assert_eq!(caller.json("/v1/sensors?limit=1")["next_after"], json!("one"));
    assert_eq!(caller.json("/v1/sensors?after=one")["sensors"], json!([]));
}

#[test]
fn of_many_sensors_all_are_taken_or_none() {
    let home = home();
    let mut service = serve(&home);
    let caller = Caller::of(&mut service);
    let sensor = |name: &str| json!({"name": name, "wanted": [wanted(name)]});
    let good: Vec<_> = (0..300).map(|number| sensor(&format!("s{number}"))).collect();
    let put = |sensors: &[serde_json::Value]| caller.put("/v1/sensors", &json!({"sensors": sensors}));
    let wrong = json!({"name": "w", "late": 1, "wanted": [{"frequency": "D"}, wanted("w"), wanted("w")]});
    let answers = [
        put(&[good.as_slice(), &[wrong]].concat()),
        put(&[sensor("a"), sensor("a")]),
        put(&[sensor("a"), json!({"name": "b", "wanted": []}), json!({"name": "c", "wants": []})]),
        put(&[sensor("a"), sensor("one")]),
        caller.put("/v1/sensors/a", &sensor("b")),
        caller.put("/v1/sensors/%0a", &sensor("\n")),
        caller.delete("/v1/sensors/one"),
    ];
    assert_snapshot!(answers.join("\n").replace(" application/problem+json", ""), @r#"
    422 {"type":"urn:eventlatch:problem:invalid-sensor","title":"the sensor makes no sense","status":422,"detail":"/sensors/300/late: `late` must be \"ignore\" or \"heal\", not 1","problems":[{"place":"/sensors/300/late","message":"`late` must be \"ignore\" or \"heal\", not 1"},{"place":"/sensors/300/wanted/0","message":"`topic` is missing: a wanted message has `frequency`, `topic` and `task_id`"}]}
    422 {"type":"urn:eventlatch:problem:invalid-sensor","title":"the sensor makes no sense","status":422,"detail":"/sensors/1/name: the sensor `a` is there twice","problems":[{"place":"/sensors/1/name","message":"the sensor `a` is there twice"}]}
    422 {"type":"urn:eventlatch:problem:invalid-sensor","title":"the sensor makes no sense","status":422,"detail":"/sensors/1/name: the sensor `b` wants nothing: give it at least one message in `wanted`","problems":[{"place":"/sensors/1/name","message":"the sensor `b` wants nothing: give it at least one message in `wanted`"},{"place":"/sensors/2","message":"unknown field `wants`, expected one of `name`, `timezone`, `open`, `require`, `timeout`, `on_timeout`, `late`, `target`, `wanted`"}]}
    409 {"type":"urn:eventlatch:problem:foreign-sensor","title":"the sensor belongs to somebody else","status":409,"detail":"the sensor `one` belongs to file:one.toml and can be changed only there"}
    422 {"type":"urn:eventlatch:problem:invalid-sensor","title":"the sensor makes no sense","status":422,"detail":"/name: the definition is of `b`, the path says `a`","problems":[{"place":"/name","message":"the definition is of `b`, the path says `a`"}]}
    422 {"type":"urn:eventlatch:problem:invalid-sensor","title":"the sensor makes no sense","status":422,"detail":"/name: the name of a sensor has no control characters","problems":[{"place":"/name","message":"the name of a sensor has no control characters"}]}
    409 {"type":"urn:eventlatch:problem:foreign-sensor","title":"the sensor belongs to somebody else","status":409,"detail":"the sensor `one` belongs to file:one.toml and can be changed only there"}
    "#);
    assert_eq!(home.rows("SELECT count(*) FROM sensors"), ["1"]);
    assert_eq!(put(&good), "200 application/json {\"added\":300,\"changed\":0,\"unchanged\":0}");
    assert_eq!(caller.json("/v1/status?limit=1000")["sensors"].as_array().unwrap().len(), 301);
    assert_eq!(caller.json("/v1/sensors/s7/status")["wanted"][0]["rendered"]["job_name"], json!("s7"));
}

#[test]
fn commands_define_show_and_retire() {
    let home = home();
    let mut service = serve(&home);
    let caller = Caller::of(&mut service);
    home.write("mine.toml", "timeout = \"0 22 * * *\"\nwanted = [{ frequency = \"D\", topic = \"job-finish\", job_name = \"j\", task_id = \"t\" }]");
    let run = |arguments: &[&str]| home.run(&[arguments, &["--url", &caller.url]].concat());
    assert_eq!(run(&["sensor", "put", "mine.toml"]).stdout, "1 added, 0 changed, 0 unchanged\n");
    let shown = run(&["sensor", "show", "mine"]).stdout;
    assert!(shown.contains("0 22 * * *") && shown.contains("\"job_name\":\"j\""), "{shown}");
    let listed = run(&["sensor", "list"]).stdout;
    assert!(listed.contains("file:one.toml") && listed.lines().count() == 3, "{listed}");
    home.write("wrong.json", "{\"name\": \"w\", \"late\": 1, \"open\": 2, \"wanted\": [{}]}");
    assert_snapshot!(run(&["sensor", "put", "wrong.json"]), @r#"
    ! error: the sensor makes no sense
    !   /sensors/0/late: `late` must be "ignore" or "heal", not 1
    !   /sensors/0/open: `open` must be "window" (with every window) or "request" (when somebody asks), not 2
    !   /sensors/0/wanted/0: `frequency` is missing: a wanted message has `frequency`, `topic` and `task_id`
    exit 3
    "#);
    assert_eq!(run(&["sensor", "delete", "mine"]).code, Some(0));
    assert_snapshot!(run(&["sensor", "show", "mine"]), @r"
    ! error: there is no sensor `mine` (hint: `eventlatch sensor list`)
    exit 1
    ");
}
