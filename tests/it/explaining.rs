//! Why a sensor still waits, and what one message would do: the command beside a service and without one, and the API.

use eventlatch_tests::{
    broker::brokers,
    home::{DEADLINE, Home, noon_zone},
    service::Service,
    topic::{Topic, unique},
    waiting::wait_for,
};
use serde_json::{Value, json};

/// A service that has read three messages: one is here, one is refused, one is set aside.
fn serve(home: &Home) -> Service {
    home.write(
        "sensors/one.toml",
        r#"wanted = [
  { frequency = "D", topic = "job-finish", job_name = "a", task_id = "a" },
  { frequency = "D", topic = "job-finish", job_name = "b", task_id = "b" },
  { frequency = "D", topic = "etl-finish", db = "d", table = "t", task_id = "c" },
]"#,
    );
    let mut service = Service::start_fed(home.command(&["run", "--input", "-"]), &home.path("service.log"));
    service.url();
    let now = jiff::Timestamp::now();
    let job = |name: &str, at: jiff::Timestamp| json!({"topic": "job-finish", "value": {"job_name": name, "is_success": true, "timestamp": at.to_string()}});
    let long_ago = "2019-07-07T00:00:00Z".parse().unwrap();
    for message in [job("a", now), job("b", long_ago), json!({"topic": "etl-finish", "value": {"db": "d"}})] {
        service.feed(&format!("{message}\n"));
    }
    home.wait_for_rows(
        &mut service,
        "SELECT (SELECT count(*) FROM near_misses), (SELECT count(*) FROM dead_letters)",
        &["1|1"],
    );
    service
}

fn home() -> Home {
    // Kafka is not there: it is asked in vain.
    Home::new("[kafka]\nbrokers = \"127.0.0.1:1\"").with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone())
}

fn get(url: &str) -> Value {
    ureq::get(url).call().unwrap().body_mut().read_json().unwrap()
}

/// Without what differs from moment to moment.
fn still(mut explanation: Value) -> Value {
    explanation.as_object_mut().unwrap().remove("at");
    explanation
}

#[test]
fn a_sensor_is_explained_beside_the_service_by_it_and_without_it() {
    let home = home();
    let mut service = serve(&home);
    let url = service.url();
    let page = home.run(&["explain", "one"]).stdout;
    let mut lines = page.lines();
    assert!(lines.next().unwrap().ends_with("waits for 2 of 3: b, c"), "{page}");
    let whys: Vec<_> = page.lines().filter(|line| line.trim_start().starts_with("why ")).collect();
    assert!(whys[0].contains("was refused: the event's business date is 2019-07-0"), "{page}");
    assert!(whys[1].contains("1 message was set aside of its topic that day, the last one: field `"), "{page}");
    assert!(page.lines().last().unwrap().starts_with("  a  ") && page.ends_with("job-finish/0@1\n"), "{page}");

    let ask = |more: &[&str]| {
        let ran = home.run(&[&["explain", "one", "b", "--format", "json"], more].concat());
        still(serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}")))
    };
    let read = ask(&[]);
    assert_eq!(read["missing"].as_array().unwrap().len(), 1);
    assert_eq!(read["missing"][0]["near_misses"]["newest"][0]["message"], json!("job-finish/0@2"));
    assert_eq!(ask(&["--url", &url]), read, "the API says the same");
    assert_eq!(still(get(&format!("{url}/v1/sensors/one/explain?task_id=b"))), read);
    for (path, kind) in [("x/explain", "sensor"), ("one/explain?wait=w", "wait"), ("one/explain?task_id=x", "task")] {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.get(format!("{url}/v1/sensors/{path}")).call().unwrap();
        let problem: Value = answer.body_mut().read_json().unwrap();
        assert_eq!(problem["type"], json!(format!("urn:eventlatch:problem:no-such-{kind}")));
    }
    assert_eq!(home.run(&["explain", "x"]).code, Some(1));

    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    assert_eq!(ask(&[]), read, "without a service");
    let report = home.run(&["report"]).stdout;
    assert!(report.contains("waits for 2 of 3: b, c") && report.contains("job-finish/0@2"), "{report}");
    let html = home.run(&["report", "--format", "html", "--sensor", "one"]).stdout;
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("waits for 2 of 3: b, c"), "{html}");
    assert_eq!(home.run(&["report", "--date", "2019-07-07"]).stdout, "Nothing is missing.\n");
}

#[test]
fn a_message_is_judged_and_recorded_nowhere() {
    let home = home();
    let mut service = serve(&home);
    let url = service.url();
    let rows = "SELECT (SELECT count(*) FROM matches), (SELECT count(*) FROM near_misses), (SELECT count(*) FROM dead_letters)";
    let before = home.rows(rows);
    let now = jiff::Timestamp::now().to_string();
    let job = |name: &str, at: &str| json!({"topic": "job-finish", "value": {"job_name": name, "is_success": true, "timestamp": at}});
    let messages = [
        (job("b", &now), "would fulfil 1 wanted message"),
        (job("b", "2019-07-07T00:00:00Z"), "fulfils nothing; one wanted message has its key and refuses it"),
        (job("bb", &now), "nobody wants it, of 2 wanted messages of its topic"),
        (json!({"topic": "etl-finish", "value": {"db": "d"}}), "set aside by etl-finish: field `"),
        (json!({"topic": "job-finish", "value": null}), "set aside by job-finish: it does not look at tombstones"),
        (json!({"topic": "elsewhere", "value": 1}), "no sensor wants messages of the topic elsewhere"),
    ];
    for with in [vec!["--url", &*url], vec![]] {
        if with.is_empty() {
            assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
        }
        for (message, headline) in &messages {
            let ran =
                home.run_with_input(&[&["explain", "--message", "-"], with.as_slice()].concat(), &message.to_string());
            assert!(ran.stdout.starts_with(headline), "{message}: {ran}");
        }
        let (message, _) = &messages[2];
        let ran = home.run_with_input(
            &[&["explain", "--message", "-", "--format", "json"], with.as_slice()].concat(),
            &message.to_string(),
        );
        let found: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
        assert_eq!(found["nearest"][0]["differs"], json!([{"field": "job_name", "wanted": "a", "is": "bb"}]));
    }
    assert_eq!(home.run_with_input(&["explain", "--message", "-"], "{}").code, Some(6));
    assert_eq!(home.rows(rows), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_a_topic_is_read_is_asked_of_kafka() {
    let (topic, planned) = (Topic::create("explained", 2).await, Topic::planned("explained-later"));
    let matcher = |name: &str, topic: &Topic| {
        let section = "[matchers.NAME]\nuse = \"fields\"\n[matchers.NAME.config]\ntopic = \"TOPIC\"\nkey = [{ field = \"id\" }]\n";
        section.replace("NAME", name).replace("TOPIC", &topic.name)
    };
    let config = format!("{}{}", matcher("here", &topic), matcher("later", &planned));
    let home = Home::new(&config)
        .with("EVENTLATCH_KAFKA_BROKERS", brokers())
        .with("EVENTLATCH_KAFKA_GROUP", unique("group"))
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    let wanted = |topic: &Topic, task: &str| json!({"frequency": "D", "topic": topic.name, "id": "x", "task_id": task});
    let sensor = json!({"sensors": [{"name": "one", "wanted": [wanted(&topic, "a"), wanted(&planned, "b")]}]});
    home.write("sensors/one.json", sensor.to_string());
    topic.send(["{\"id\": \"y\"}".to_owned()]).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, "SELECT sum(next) FROM offsets", &["1"]);
    // Kafka is asked for two seconds at the most, and what is not known by then is not said.
    let explained = |arguments: &[&str], words: &[&str]| {
        wait_for(words[0], DEADLINE, || {
            let page = home.run(arguments).stdout;
            if words.iter().all(|words| page.contains(words)) { Ok(()) } else { Err(page) }
        });
    };
    explained(&["explain", "one"], &[", all there is\n", "why        its topic is not there in Kafka\n"]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    topic.send(["{\"id\": \"x\"}".to_owned(), "{\"id\": \"z\"}".to_owned()]).await;
    explained(&["explain", "one", "a"], &["why        2 messages of its topic are not read yet\n"]);
}
