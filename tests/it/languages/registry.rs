//! `examples/schema-registry`: matchers in Rust for messages that a schema registry's serializers wrote.

use std::{collections::BTreeMap, sync::Arc};

use eventlatch::matcher::{Limits, Settings};
use eventlatch_tests::languages::{cargo, run, rust};
use serde_json::json;

use super::{Bench, told};

fn avro() -> Arc<[u8]> {
    rust("examples/schema-registry/avro")
}

#[test]
fn they_pass_their_own_tests() {
    let said = run(cargo("examples/schema-registry").args(["test", "--locked", "--quiet"]));
    assert!(said.contains("3 passed") && said.contains("2 passed"), "{said}");
}

/// Another order of fields than the reader's.
const SCHEMA: &str = r#"{"type": "record", "name": "Payment", "fields": [
    {"name": "amount", "type": "double"}, {"name": "order", "type": "string"},
    {"name": "paid_at", "type": {"type": "long", "logicalType": "timestamp-millis"}}]}"#;

fn settings(config: &serde_json::Value) -> BTreeMap<String, Settings> {
    let settings = serde_json::from_value(json!({ "config": config })).unwrap();
    BTreeMap::from([("payment-avro".to_owned(), settings)])
}

/// A double, a text behind its length, and a long, zigzag and in groups of seven bits.
const AVRO: &[u8] = b"\0\0\0\0\x07\x00\x00\x00\x00\x00\xe0X@\x08o-17\x80\x90\x93\xb7\xf9Z";

#[tokio::test(flavor = "multi_thread")]
async fn avro_is_read_by_the_schema_of_the_configuration() {
    let named = settings(&json!({ "schemas": { "7": SCHEMA } }));
    let bench = Bench::with(&avro(), Limits::default(), &named);
    let unknown = [b"\0\0\0\0\x08", &AVRO[5..]].concat();
    let told = told(&bench.extract(&[AVRO, b"{}", &unknown, &AVRO[..9]]).await, 4);
    assert!(told[0].ends_with("2019-07-07T08:00:00Z))"), "{}", told[0]);
    assert!(told[1].contains("magic byte"), "{}", told[1]);
    assert!(told[2].contains("schema 8"), "{}", told[2]);
    assert!(told[3].starts_with("rejected: not a payment of schema 7"), "{}", told[3]);
}

#[test]
fn an_avro_schema_that_is_none_is_refused_by_its_id() {
    let words = super::refusal(&avro(), &settings(&json!({ "schemas": { "7": "{" } })));
    assert!(words.contains("schemas.7") && words.contains("is no Avro schema"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn protobuf_is_read_by_the_type_compiled_in() {
    let bench = Bench::of(&rust("examples/schema-registry/protobuf"));
    let message = b"\0\0\0\0\x07\0\x0a\x04o-17\x10\x80\xc8\xc9\xdb\xbc-";
    let told = told(&bench.extract(&[message, b"\0\0\0\0\x07\x02\x02\x0a\x00", b"\0\0\0\0\x07\0\xff"]).await, 3);
    assert!(told[0].ends_with("2019-07-07T08:00:00Z))"), "{}", told[0]);
    assert!(told[1].contains("message [1]"), "{}", told[1]);
    assert!(told[2].contains("not a `Shipment`"), "{}", told[2]);
}
