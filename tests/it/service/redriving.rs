//! Messages that were set aside, judged again after the repair: by the real command, over HTTP, from a real log.

use eventlatch_tests::{
    broker::brokers,
    cluster::{Cluster, message},
    home::{Home, Ran, noon_zone},
    topic::{Topic, producer},
};
use serde_json::{Value, json};

use super::TASKS;
use crate::guests::UNRULY;

/// A configuration whose matcher takes a topic's messages, as its author has it at the moment.
fn config(topic: &str, time: &str) -> String {
    format!(
        "[dead_letters]\nredact = [\"card\"]\n[matchers.orders]\nuse = \"fields\"\n[matchers.orders.config]\n\
         topic = \"{topic}\"\nkey = [{{ field = \"order\" }}]\n{time}\n"
    )
}

/// Waits for things of a topic, each for the task of its own name.
fn sensor(topic: &str, field: &str, names: &[&str]) -> String {
    let wanted = |name: &&str| json!({"frequency": "D", "topic": topic, field: name, "task_id": name});
    json!({"wanted": names.iter().map(wanted).collect::<Vec<_>>()}).to_string()
}

/// What followed from messages, and how far they were read.
fn followed(home: &Home) -> Vec<String> {
    ["matches", "marks", "near_misses", "dead_letters"]
        .map(|table| home.rows(&format!("SELECT '{table} ' || count(*) FROM {table}")).remove(0))
        .into_iter()
        .chain(home.rows("SELECT 'next ' || next FROM offsets"))
        .collect()
}

/// `offset: outcome` of each letter that was judged again.
fn outcomes(ran: &Ran) -> Vec<String> {
    assert_eq!(ran.code, Some(0), "{ran}");
    let all: Vec<Value> = serde_json::from_str(&ran.stdout).unwrap();
    all.iter().map(|it| format!("{}: {}", it["offset"], it["outcome"].as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_repair_tasks_are_marked_once() {
    let topic = Topic::create("orders", 1).await;
    let home = Home::new(&config(&topic.name, "time = \"shipped_at\""))
        .with("EVENTLATCH_KAFKA_BROKERS", brokers())
        .with("EVENTLATCH_KAFKA_GROUP", &topic.name)
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/orders.json", sensor(&topic.name, "order", &["a", "b"]));
    let values = [
        r#"{"order": "deleted before the repair"}"#,
        r#"{"order": "a", "card": "4711-0815"}"#,
        r#"{"order": "nobody's"}"#,
        "not JSON, card 4711-0815",
        r#"{"order": "b"}"#,
    ];
    for value in values {
        producer().send(&topic.message(value)).await.unwrap();
    }
    let mut service = home.serve();
    home.wait_for_rows(&mut service, "SELECT count(*) FROM dead_letters", &["5"]);
    assert_eq!(home.rows(TASKS), ["a|pending", "b|pending"]);
    service.terminate();

    // Without a service they can be looked at, and not judged.
    let listed = home.run(&["dead-letter", "list", "--topic", &topic.name, "--format", "json"]);
    assert_eq!(serde_json::from_str::<Vec<Value>>(&listed.stdout).unwrap().len(), 5, "{listed}");
    let nobody = home.run(&["dead-letter", "redrive", "--all", "--url", "http://127.0.0.1:1"]);
    assert_eq!(nobody.code, Some(8), "{nobody}");
    assert!(nobody.stderr.contains("no eventlatch answers at http://127.0.0.1:1 (hint: "), "{nobody}");

    topic.cut(0, 1).await;
    home.write("eventlatch.toml", config(&topic.name, ""));
    service.start_again();
    let url = service.url();
    let redrive = || home.run(&["dead-letter", "redrive", "--all", "--url", &url, "--format", "json"]);
    let expected = [
        "0: not judged again: it is gone from Kafka: the log begins at 1 now",
        "1: fulfilled 1 wanted message",
        "2: nobody wants it",
        "3: rejected again: not JSON: expected ident at line 1 column 2",
        "4: fulfilled 1 wanted message",
    ];
    for _ in 0..2 {
        assert_eq!(outcomes(&redrive()), expected);
        assert_eq!(home.rows(TASKS), ["a|success", "b|success"]);
        assert_eq!(followed(&home), ["matches 2", "marks 2", "near_misses 0", "dead_letters 5", "next 5"]);
    }
    let kept = "SELECT \"offset\", redriven_at IS NOT NULL, outcome FROM dead_letters WHERE \"offset\" < 2 ORDER BY 1";
    let gone = format!("0|0|{}", expected[0].split_once(": ").unwrap().1);
    assert_eq!(home.rows(kept), [gone.as_str(), "1|1|fulfilled 1 wanted message"]);
    assert_eq!(home.rows("SELECT actor, action, count(*) FROM audit"), ["cli|dead-letter redrive|10"]);
    service.terminate();
    let database = std::fs::read(home.path("eventlatch.db")).unwrap();
    assert!(!database.windows(9).any(|bytes| bytes == b"4711-0815"), "a redacted value was written");
    assert!(!service.log().contains("4711-0815"), "a redacted value was logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_on_which_a_matcher_failed_is_judged_by_the_next_one() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let home = Home::new("")
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("matchers/unruly.wasm", UNRULY);
    home.write("sensors/unruly.json", sensor("unruly", "name", &["a", "b"]));
    cluster.send(&message("unruly", r#"{"name": "a", "act": "panic"}"#)).await;
    cluster.send(&message("unruly", r#"{"name": "b"}"#)).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, TASKS, &["a|pending", "b|success"]);
    let faults = "SELECT kind, fault, backtrace LIKE '%panic%', sha256 = (SELECT sha256 FROM matches), redriven_at FROM dead_letters";
    assert_eq!(home.rows(faults), ["fault|trap|1|1|"]);

    let again = home.run(&["dead-letter", "redrive", "1", "--url", &service.url(), "--format", "json"]);
    assert!(outcomes(&again)[0].starts_with("0: faulted again: panicked"), "{again}");
    assert_eq!(home.rows(TASKS), ["a|pending", "b|success"]);
    service.terminate();

    // Another build of the name: one that does not do what messages say.
    std::fs::remove_file(home.path("matchers/unruly.wasm")).unwrap();
    let repaired =
        "[matchers.unruly]\nuse = \"fields\"\nconfig = { topic = \"unruly\", key = [{ field = \"name\" }] }\n";
    home.write("eventlatch.toml", repaired);
    service.start_again();
    let mended = home.run(&["dead-letter", "redrive", "1", "--url", &service.url(), "--format", "json"]);
    assert_eq!(outcomes(&mended), ["0: fulfilled 1 wanted message"]);
    assert_eq!(home.rows(TASKS), ["a|success", "b|success"]);
    assert_eq!(home.rows("SELECT count(DISTINCT sha256) FROM matches"), ["2"]);
}
