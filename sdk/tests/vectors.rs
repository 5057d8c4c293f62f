//! What the SDKs of all languages agree on: `vectors/`.

use std::{fs, path::Path};

use eventlatch_sdk::adapter::{Adapter, FieldWise};
use eventlatch_sdk::bindings::exports::eventlatch::matcher::guest::{Batch, Column, Date, Extracts};
use eventlatch_sdk::fields::{boolean, integer, number, scalar, text};
use eventlatch_sdk::prelude::*;
use eventlatch_sdk::registry::Frame;
use serde_json::{Value, json};

struct Order;

impl FieldMatcher for Order {
    type Config = NoConfig;

    const NAME: &'static str = "order";
    const SUMMARY: &'static str = "the rules of messages.json";

    fn fields(_: NoConfig) -> Result<Fields, Problems> {
        let fields = Fields::on("order").key(text("order")).key(integer("units")).key(boolean("paid"));
        Ok(fields.optional(number("total")).optional(scalar("by")).time("at"))
    }
}

/// A wanted message of nothing but a template.
struct Templated;

impl FieldMatcher for Templated {
    type Config = NoConfig;

    const NAME: &'static str = "templated";
    const SUMMARY: &'static str = "the rules of templates.json";

    fn fields(_: NoConfig) -> Result<Fields, Problems> {
        Ok(Fields::on("templated").key(text("text").template("yyyymm")).partition_lag_days(2))
    }
}

fn vectors(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(file);
    serde_json::from_str(&fs::read_to_string(path).expect("the vectors are there")).expect("the vectors are JSON")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("the vectors are hexadecimal"))
        .collect()
}

fn extract(value: &[u8]) -> Extracts {
    let adapter = FieldWise::<Order>::configure("{}").expect("it has no configuration");
    adapter.extract(&Batch {
        topic: "order".to_owned(),
        values: Column { bytes: value.to_vec(), ends: vec![value.len() as u32] },
        tombstones: Vec::new(),
        arrivals: vec![0],
        keys: None,
        headers: None,
    })
}

fn keys(extracts: &Extracts) -> Vec<String> {
    let ends = extracts.keys.ends.iter().map(|end| *end as usize);
    let starts = std::iter::once(0).chain(ends.clone());
    starts.zip(ends).map(|(start, end)| hex(&extracts.keys.bytes[start..end])).collect()
}

#[test]
fn keys_have_the_bytes_of_all_languages() {
    for vector in vectors("keys.json") {
        let fields = vector["fields"].as_array().unwrap();
        let key = fields.iter().fold(Key::new(), |key, field| match field {
            Value::Null => key.any(),
            Value::Bool(value) => key.boolean(*value),
            Value::String(text) => key.text(text),
            Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(whole), _) => key.integer(whole),
                (None, Some(whole)) => key.with(&whole),
                (None, None) => key.number(number.as_f64().unwrap()),
            },
            other => panic!("{other} is no field"),
        });
        // What a key's bytes are is seen of nothing else.
        let shown = format!("{key:?}");
        let bytes = unhex(vector["key"].as_str().unwrap());
        assert_eq!(shown, format!("Key({bytes:?})"), "{vector}");
    }
}

#[test]
fn messages_are_read_as_in_all_languages() {
    for vector in vectors("messages.json") {
        let value = match &vector["message"] {
            Value::String(text) => text.as_bytes().to_vec(),
            _ => unhex(vector["hex"].as_str().unwrap()),
        };
        let extracts = extract(&value);
        match &vector["rejected"] {
            Value::String(expected) => {
                let reason = extracts.rejects.first().map(|reject| reject.reason.as_str()).unwrap_or_default();
                let agrees = if expected == "not JSON" { reason.starts_with("not JSON: ") } else { reason == expected };
                assert!(agrees, "{vector}: `{reason}`");
            }
            _ => {
                assert!(extracts.rejects.is_empty(), "{vector}: {:?}", extracts.rejects);
                assert_eq!(json!(keys(&extracts)), vector["keys"], "{vector}");
                assert_eq!(extracts.times[0], vector["time"].as_i64().unwrap(), "{vector}");
                assert_eq!(extracts.time_kinds[0] == 2, vector["civil"].as_bool().unwrap(), "{vector}");
            }
        }
    }
}

#[test]
fn templates_become_what_they_do_in_all_languages() {
    let adapter = FieldWise::<Templated>::configure("{}").unwrap();
    for vector in vectors("templates.json") {
        let on: eventlatch_sdk::civil::Date = vector["on"].as_str().unwrap().parse().unwrap();
        let on = Date { year: on.year(), month: on.month().unsigned_abs(), day: on.day().unsigned_abs() };
        let wanted = json!({ "text": vector["template"] });
        match (adapter.prepare(&wanted.to_string(), on), vector["problem"].as_str()) {
            (Ok(prepared), None) => {
                let expected = json!({ "text": vector["rendered"] });
                assert_eq!(prepared.rendered, expected.to_string(), "{vector}");
            }
            (Err(problem), Some(expected)) => assert!(problem.message.contains(expected), "{vector}: {problem:?}"),
            (result, _) => panic!("{vector}: {result:?}"),
        }
    }
}

#[test]
fn frames_are_those_of_all_languages() {
    for vector in vectors("frames.json") {
        let value = unhex(vector["hex"].as_str().unwrap());
        let frame = match Frame::of(&value) {
            Ok(frame) => frame,
            Err(reject) => {
                assert_eq!(vector["rejected"], reject.reason(), "{vector}");
                continue;
            }
        };
        assert_eq!((&vector["schema_id"], &vector["payload"]), (&json!(frame.schema_id), &json!(hex(frame.payload))));
        match frame.protobuf() {
            Ok((indexes, rest)) => {
                assert_eq!((&vector["indexes"], &vector["bytes"]), (&json!(indexes), &json!(hex(rest))), "{vector}");
            }
            Err(reject) => assert_eq!(vector["protobuf_rejected"], reject.reason(), "{vector}"),
        }
    }
}
