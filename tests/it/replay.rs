//! Messages that came before, judged by another build of their matcher: by the real command, from a real log. The candidate
//! differs in two ways (`guests/lenient`): what happened may have happened on any day, and templates see another date.

mod lines;
mod live;
mod ranges;

use std::sync::LazyLock;

use eventlatch::source::Outgoing;
use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{Home, Ran},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::guests::LENIENT;

const CANDIDATE: &str = "lenient.wasm";

/// The midnight before which and after which messages come: that with which the day before this run began.
fn midnight() -> Timestamp {
    static MIDNIGHT: LazyLock<Timestamp> = LazyLock::new(|| {
        let yesterday = Timestamp::now().to_zoned(TimeZone::UTC).date().yesterday().unwrap();
        yesterday.to_zoned(TimeZone::UTC).unwrap().timestamp()
    });
    *MIDNIGHT
}

fn minutes(minutes: i64) -> Timestamp {
    midnight() + SignedDuration::from_mins(minutes)
}

/// The date so many days from that midnight.
fn date(days: i64) -> String {
    (midnight() + SignedDuration::from_hours(24 * days)).to_zoned(TimeZone::UTC).date().to_string()
}

/// A message that arrives so many minutes after midnight and tells of something that happened at another one.
fn written(table: &str, partition: &str, happened: i64, arrives: i64) -> Outgoing {
    let value = json!({
        "db": "db0", "table": table, "partition_values": partition, "timestamp": minutes(happened).as_second(),
    });
    at(arrives, message("etl-finish", value.to_string()))
}

fn at(arrives: i64, message: Outgoing) -> Outgoing {
    Outgoing { timestamp: Some(minutes(arrives)), key: message.value.clone(), ..message }
}

/// Messages around midnight, and in what both builds differ over each.
fn messages() -> Vec<(Outgoing, Option<[&'static str; 3]>)> {
    let day = |days| date(days);
    vec![
        (written("plain", "", -10, -5), None),
        (written("plain", "", -10, 5), Some(["only-new", "plain", "the event's bu"])),
        (written("templated", &day(-3), -20, -15), Some(["only-old", "templated", "-"])),
        (written("templated", &day(-2), -20, -14), Some(["only-new", "templated", "-"])),
        (written("templated", &day(-2), 20, 25), Some(["only-old", "templated", "-"])),
        (written("templated", &day(-1), 20, 26), Some(["only-new", "templated", "-"])),
        (written("nobody's", "", 20, 27), None),
        (at(28, message("etl-finish", "no JSON")), None),
    ]
}

/// A place whose sensor wants two tables, one of them by a template.
fn home(brokers: &str) -> Home {
    let home = Home::new("").with("EVENTLATCH_KAFKA_BROKERS", brokers);
    let template = "{{yyyymm|dt.format(format='%Y-%m-%d')}}";
    let wanted = |table: &str, partition: &str| {
        json!({"frequency": "D", "topic": "etl-finish", "db": "db0", "table": table, "partition_values": partition,
               "task_id": table})
    };
    let sensor = json!({"wanted": [wanted("plain", ""), wanted("templated", template)]});
    home.write("sensors/tables.json", sensor.to_string());
    home.write(CANDIDATE, LENIENT);
    home
}

fn replay(home: &Home, arguments: &[&str]) -> Ran {
    home.run(&[&["replay", "--topic", "etl-finish", "--format", "json"], arguments].concat())
}

/// The result of a replay that ended with a code.
fn result(ran: &Ran, code: i32) -> Value {
    assert_eq!(ran.code, Some(code), "{ran}");
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Some fields of a result.
fn fields(result: &Value, names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), result[*name].clone())).collect::<serde_json::Map<_, _>>().into()
}

/// `kind partition@offset task reason` of each sample, sorted. Of a reason that is told only its beginning.
fn samples(result: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let one = |it: &Value| {
        let (kind, task, reason) = (text(&it["kind"]), text(&it["task_id"]), text(&it["reason"]));
        format!("{kind} {}@{} {task} {}", it["partition"], it["offset"], reason.get(..14).unwrap_or(&reason))
    };
    let mut all: Vec<_> = result["samples"].as_array().unwrap().iter().map(one).collect();
    all.sort();
    all
}

const COUNTED: [&str; 7] = ["messages", "different", "same", "only_old", "only_new", "other_keys", "rejects"];

/// What is counted over all messages.
fn all_counted() -> Value {
    json!({
        "messages": 8, "different": 5, "same": 1, "only_old": 2, "only_new": 3, "other_keys": 0,
        "rejects": {"old": 1, "new": 1},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deliberate_difference_is_shown_exactly() {
    let cluster = Cluster::start(&["etl-finish"], 3).await;
    let home = home(&cluster.brokers());
    let (mut expected, mut partitions) = (Vec::new(), std::collections::BTreeSet::new());
    for (message, difference) in messages() {
        let (partition, offset) = cluster.send(&message).await;
        partitions.insert(partition);
        expected.extend(difference.map(|[kind, task, why]| format!("{kind} {partition}@{offset} {task} {why}")));
    }
    expected.sort();
    assert!(partitions.len() > 1, "the messages are spread");
    let from = minutes(-60).to_string();
    let range = ["--matcher", CANDIDATE, "--from", &from];

    let all = result(&replay(&home, &[&range[..], &["--against", "live"]].concat()), 13);
    assert_eq!(fields(&all, &COUNTED), all_counted());
    assert_eq!(samples(&all), expected);
    assert_eq!((&all["partitions"], &all["wanted"], &all["wanted_by"]), (&json!(3), &json!(2), &json!("files")));
    assert_eq!((&all["against"]["origin"], &all["candidate"]["version"]), (&json!("built in"), &json!("9.0.0")));
    assert_eq!((&all["refused"], &all["gaps"]), (&json!([]), &json!([])));
    assert!(all["cost_ratio"].as_f64().unwrap() > 0.0, "{all}");

    // Held against itself, against nothing, in a part of the time, and of a few messages.
    let same = result(&replay(&home, &[&range[..], &["--against", CANDIDATE]].concat()), 0);
    assert_eq!(
        fields(&same, &["differs", "different", "same", "samples"]),
        json!({
            "differs": false, "different": 0, "same": 4, "samples": [],
        })
    );
    let alone = result(&replay(&home, &range), 0);
    assert_eq!((&alone["against"], &alone["only_new"], &alone["rejects"]["new"]), (&Value::Null, &json!(4), &json!(1)));
    assert_eq!(samples(&alone).len(), 5, "four matches and a reject: {alone}");
    let before = replay(&home, &[&range[..], &["--to", &midnight().to_string(), "--against", "live"]].concat());
    let before = result(&before, 13);
    assert_eq!(
        fields(&before, &["messages", "same", "only_old", "only_new"]),
        json!({
            "messages": 3, "same": 1, "only_old": 1, "only_new": 1,
        })
    );
    let few = result(&replay(&home, &[&range[..], &["--limit", "2"]].concat()), 0);
    assert_eq!(few["messages"], 2);
    let no_samples = replay(&home, &[&range[..], &["--against", "live", "--sample", "0"]].concat());
    assert_eq!(result(&no_samples, 13)["samples"], json!([]));
    assert!(!home.path("eventlatch.db").exists(), "nothing was recorded");
}
