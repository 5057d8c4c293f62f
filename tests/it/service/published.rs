//! Marks as messages in a Kafka topic, on the real broker.

use std::time::{Duration, Instant};

use eventlatch::source::{Outgoing, Producer};
use eventlatch_tests::{
    broker::brokers,
    home::{Home, noon_zone},
    topic::{Topic, config, unique},
};
use rdkafka::{
    ClientConfig, Message as _,
    consumer::{BaseConsumer, Consumer},
    message::Headers as _,
};
use serde_json::Value;

use super::{sensor, table_written};

fn home(marks: &str, topic: &str) -> Home {
    let home = Home::new(&format!(
        r#"
        [kafka]
        brokers = "{}"
        group = "{}"
        [marking]
        adapter = "kafka"
        backoff = {{ first_seconds = 0.05, limit_seconds = 0.2 }}
        [marking.kafka]
        topic = "{marks}"
        [matchers.tables]
        use = "fields"
        [matchers.tables.config]
        topic = "{topic}"
        key = [{{ field = "table" }}]
        time = "timestamp"
        "#,
        brokers(),
        unique("group"),
    ))
    .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    let wanted = serde_json::json!({"wanted": [
        {"frequency": "D", "topic": topic, "table": "a", "task_id": "a", "matcher": "tables"},
    ]});
    home.write("sensors/tables.json", wanted.to_string());
    home
}

/// Reads so many messages from the beginning of a topic.
fn read(topic: &Topic, number: usize) -> Vec<rdkafka::message::OwnedMessage> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers()).set("group.id", unique("reader")).set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = config.create().unwrap();
    consumer.subscribe(&[&topic.name]).unwrap();
    let (mut found, until) = (Vec::new(), Instant::now() + Duration::from_secs(60));
    while found.len() < number {
        assert!(Instant::now() < until, "only {} messages came", found.len());
        found.extend(consumer.poll(Duration::from_millis(200)).map(|message| message.unwrap().detach()));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_is_a_message_with_its_id_and_its_trace() {
    let (topic, marks) = (Topic::create("tables", 1).await, Topic::planned("marks"));
    let home = home(&marks.name, &topic.name);
    let mut service = home.serve();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let header = eventlatch::domain::message::Header { name: "traceparent".into(), value: parent.into() };
    let message = Outgoing { headers: vec![header], ..topic.message(&table_written("a").to_string()) };
    Producer::new(&config()).unwrap().send(&message).await.unwrap();
    // The topic is not there yet: the mark waits for it.
    home.wait_for_rows(&mut service, "SELECT status, attempts > 0 FROM marks", &["pending|1"]);
    marks.make(1).await;
    home.wait_for_rows(&mut service, "SELECT status FROM marks", &["delivered"]);

    let found = read(&marks, 1).remove(0);
    let header = |name: &str| {
        let all = found.headers().unwrap().iter();
        all.filter(|it| it.key == name).map(|it| String::from_utf8(it.value.unwrap().to_vec()).unwrap()).next().unwrap()
    };
    let value: Value = serde_json::from_slice(found.payload().unwrap()).unwrap();
    assert_eq!(header("traceparent"), parent);
    assert_eq!(value["mark_id"], header("eventlatch-mark-id").as_str());
    assert_eq!((&value["task_id"], &value["evidence"]["topic"]), (&"a".into(), &topic.name.as_str().into()));
    let key = String::from_utf8(found.key().unwrap().to_vec()).unwrap();
    assert!(key.starts_with("tables/") && key.ends_with("/a"), "{key}");
}

#[test]
fn marks_do_not_go_where_messages_are_read() {
    let home = Home::new("[marking]\nadapter = \"kafka\"\n[marking.kafka]\ntopic = \"etl-finish\"\n");
    home.write("sensors/tables.json", sensor(&["a"]));
    let checked = home.run(&["check"]);
    assert_eq!(checked.code, Some(3), "{checked}");
    let says = "marks cannot be published in the topic `etl-finish`: sensors want messages of it";
    assert!(checked.stderr.contains(says), "{checked}");
}
