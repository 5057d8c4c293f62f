//! What a range holds: nothing, not everything, or what nobody made.

use eventlatch::source::Outgoing;
use eventlatch_tests::{
    broker::brokers,
    home::{Home, Ran},
    topic::{Topic, producer},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::result;

/// A place with a matcher for a topic of its own.
fn home(topic: &str) -> Home {
    let config = format!(
        "[matchers.orders]\nuse = \"fields\"\nconfig = {{ topic = \"{topic}\", key = [{{ field = \"order\" }}] }}\n"
    );
    let home = Home::new(&config).with("EVENTLATCH_KAFKA_BROKERS", brokers());
    let wanted = json!({"frequency": "D", "topic": topic, "order": "a", "task_id": "load"});
    home.write("sensors/orders.json", json!({"wanted": [wanted]}).to_string());
    home
}

fn replay(home: &Home, topic: &str, arguments: &[&str]) -> Ran {
    home.run(&[&["replay", "--topic", topic, "--matcher", "orders", "--format", "json"], arguments].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_from_kafka_is_said() {
    let topic = Topic::create("replay", 1).await;
    let home = home(&topic.name);
    // Kafka knows milliseconds.
    let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap();
    let begin = now - SignedDuration::from_hours(5);
    let at = |hours| begin + SignedDuration::from_hours(hours);
    for hours in 0..4 {
        let message = Outgoing { timestamp: Some(at(hours)), ..topic.message(r#"{"order": "a"}"#) };
        producer().send(&message).await.unwrap();
    }
    topic.cut(0, 2).await;
    let from = |hours| at(hours).to_string();
    let all = result(&replay(&home, &topic.name, &["--from", &from(0)]), 0);
    assert_eq!((&all["messages"], &all["only_new"]), (&json!(2), &json!(2)));
    let gone = format!("{}/0: the log begins at the offset 2: what came before it is gone from Kafka", topic.name);
    assert_eq!(all["gaps"], json!([gone]));
    let late = result(&replay(&home, &topic.name, &["--from", &from(3)]), 0);
    assert_eq!((&late["messages"], &late["gaps"]), (&json!(1), &json!([])));
    // One that is there is of the range, though one from before it stands behind it.
    let message = Outgoing { timestamp: Some(at(2)), ..topic.message(r#"{"order": "a"}"#) };
    producer().send(&message).await.unwrap();
    let until = result(&replay(&home, &topic.name, &["--from", &from(1), "--to", &from(3)]), 0);
    assert_eq!(until["messages"], 2, "{until}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_range_and_an_unknown_topic_say_so() {
    let (topic, planned) = (Topic::create("replay", 2).await, Topic::planned("replay"));
    let empty = home(&topic.name).run(&["replay", "--topic", &topic.name, "--matcher", "orders", "--from", "-2h"]);
    assert_eq!(empty.code, Some(0), "{empty}");
    assert!(empty.stdout.ends_with("\n\nNo message arrived in this time: nothing was judged.\n"), "{empty}");
    let unknown = replay(&home(&planned.name), &planned.name, &["--from", "-2h"]);
    assert_eq!((unknown.code, unknown.stderr), (Some(6), format!("error: there is no topic `{}`\n", planned.name)));
    let unserved = replay(&home(&planned.name), "etl-finish", &["--from", "-2h"]);
    let expected = format!(
        "error: the matcher `orders` does not serve the topic `etl-finish` (hint: it serves `{}`)\n",
        planned.name
    );
    assert_eq!((unserved.code, unserved.stderr), (Some(4), expected));
}

#[test]
fn a_range_must_make_sense() {
    let home = home("orders");
    let refused = |arguments: &[&str]| {
        let ran = replay(&home, "orders", arguments);
        (ran.code, ran.stderr.lines().next().unwrap_or_default().to_owned())
    };
    let (code, told) = refused(&[]);
    assert_eq!((code, told.as_str()), (Some(2), "error: the following required arguments were not provided:"));
    let (code, told) = refused(&["--from", "yesterday"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("write a time as 2026-01-31T08:00:00Z"), "{told}");
    let (code, told) = refused(&["--from", "2026-01-02", "--to", "2026-01-01"]);
    assert_eq!(code, Some(3));
    assert!(told.contains("nothing is from 2026-01-02T00:00:00Z on and before 2026-01-01T00:00:00Z"), "{told}");
    let (code, told) = refused(&["--from", "-1d", "--against", "dead"]);
    assert_eq!(code, Some(2));
    assert!(told.contains("write `live`, or name a `.wasm` file"), "{told}");
}
