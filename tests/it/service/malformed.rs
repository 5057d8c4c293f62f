//! Messages that are none: each is set aside with its reason, and reading goes on.

use eventlatch::source::Outgoing;
use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{Home, noon_zone},
};
use serde_json::json;

use super::{TASKS, sensor, table_written};

const TOPIC: &str = "etl-finish";

/// `offset|kind|size|reason`, in the order of the log.
const DEAD_LETTERS: &str = r#"SELECT "offset", kind, payload_size, reason FROM dead_letters ORDER BY 1"#;

#[tokio::test(flavor = "multi_thread")]
async fn each_is_set_aside_with_its_reason_and_reading_goes_on() {
    let cluster = Cluster::start(&[TOPIC], 1).await;
    let home = Home::new("")
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a", "b"]));
    let mut service = home.serve();

    cluster.send(&good("a")).await;
    let malformed = malformed();
    for value in &malformed {
        cluster.send(&message(TOPIC, value.clone())).await;
    }
    let tombstone = Outgoing { key: Some(b"a".to_vec().into()), value: None, ..good("a") };
    cluster.send(&tombstone).await;
    cluster.send(&good("b")).await;
    // The last one has nothing behind it that could move the offset on.
    cluster.send(&message(TOPIC, "poison")).await;

    let end = malformed.len() + 4;
    home.wait_for_rows(&mut service, "SELECT next FROM offsets", &[&end.to_string()]);
    assert_eq!(home.rows(TASKS), ["a|success", "b|success"]);
    insta::assert_snapshot!(home.rows(DEAD_LETTERS).join("\n"), @r"
    1|reject|8|not JSON: expected ident at line 1 column 2
    2|reject|0|empty message; expected a JSON object
    3|reject|2|not a JSON object
    4|reject|26|not JSON: EOF while parsing an object at line 1 column 26
    5|reject|65|field `db` must be text, not a number
    6|reject|70|field `table` must be text, not null
    7|reject|63|field `timestamp` must be epoch seconds or text, not a boolean
    8|reject|70|field `timestamp`: `yesterday` is not a time; expected epoch seconds, `YYYY-MM-DD HH:MM:SS` or RFC 3339
    9|reject|72|field `timestamp`: 1562486400000 looks like milliseconds (or smaller units); expected seconds since the Unix epoch
    10|reject|47|field `partition_values` is missing; it must be text
    11|reject|46|field `timestamp` is missing; it must be epoch seconds or text
    12|reject|200079|not JSON: recursion limit exceeded at line 1 column 205
    13|reject|66|not JSON: invalid unicode code point at line 1 column 9
    14|reject|74|begins with the magic byte of a schema registry (Avro, Protobuf or JSON Schema framing); have the producer write plain JSON, or write a matcher that decodes this format
    17|reject|6|not JSON: expected value at line 1 column 1
    ");
    assert!(service.ended().is_none(), "{}", service.log_end());
}

fn good(table: &str) -> Outgoing {
    message(TOPIC, table_written(table).to_string())
}

fn malformed() -> Vec<Vec<u8>> {
    let with = |field: &str, value: serde_json::Value| {
        let mut message = table_written("a");
        message[field] = value;
        message.to_string().into_bytes()
    };
    let without = |field: &str| {
        let mut message = table_written("a");
        message.as_object_mut().unwrap().remove(field);
        message.to_string().into_bytes()
    };
    let nested = "[".repeat(100_000) + &"]".repeat(100_000);
    let deep = table_written("a").to_string().replace('}', &format!(r#", "more": {nested}}}"#));
    vec![
        b"not JSON".to_vec(),
        Vec::new(),
        b"[]".to_vec(),
        br#"{"db": "db0", "table": "a""#.to_vec(),
        with("db", json!(7)),
        with("table", json!(null)),
        with("timestamp", json!(true)),
        with("timestamp", json!("yesterday")),
        with("timestamp", json!(1_562_486_400_000_i64)),
        without("partition_values"),
        without("timestamp"),
        deep.into_bytes(),
        b"{\"db\": \"\xff\xfe\", \"table\": \"a\", \"partition_values\": \"\", \"timestamp\": 1}".to_vec(),
        [b"\0\0\0\0\x07".as_slice(), table_written("a").to_string().as_bytes()].concat(),
    ]
}
