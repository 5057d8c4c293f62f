//! Replays of JSON lines: no broker is asked.

use eventlatch::source::Outgoing;
use eventlatch_tests::home::Home;
use serde_json::{Value, json};

use super::{CANDIDATE, COUNTED, all_counted, fields, home, messages, minutes, replay, result, samples};
use crate::guests::{CHOOSY, TAME, UNRULY};

/// A line as `run --input` reads it.
fn line(message: &Outgoing) -> String {
    let raw = String::from_utf8(message.value.clone().unwrap().into()).unwrap();
    json!({"topic": message.topic, "raw": raw, "timestamp": message.timestamp.unwrap().to_string()}).to_string()
}

#[test]
fn lines_give_the_same_as_kafka() {
    let home = home("127.0.0.1:1");
    let lines: Vec<_> = messages().iter().map(|(message, _)| line(message)).collect();
    // Other topics are passed over; the order of lines is not that of time.
    let other = json!({"topic": "job-finish", "value": 1}).to_string();
    let text: Vec<_> = lines.into_iter().rev().chain([other, String::new()]).collect();
    home.write("messages.jsonl", text.join("\n"));
    let arguments = ["--matcher", CANDIDATE, "--against", "live", "--lines", "messages.jsonl"];
    let all = result(&replay(&home, &arguments), 13);
    assert_eq!(fields(&all, &COUNTED), all_counted());
    assert_eq!(all["from"], Value::Null);
    assert_eq!(samples(&all)[0], "only-new 0@3 templated -");

    let ranged = replay(&home, &[&arguments[..], &["--from", &minutes(10).to_string()]].concat());
    assert_eq!(result(&ranged, 13)["messages"], 4);
    let until = replay(&home, &[&arguments[..], &["--to", &minutes(10).to_string()]].concat());
    assert_eq!(result(&until, 13)["messages"], 4);
    let input = home.run_with_input(
        &["replay", "--topic", "etl-finish", "--matcher", CANDIDATE, "--lines", "-", "--format", "json"],
        &text.join("\n"),
    );
    assert_eq!(result(&input, 0)["messages"], 8);
}

/// The replay of messages for `unruly`, which wants `a` and what it is told to refuse.
fn unruly(lines: &[Value], candidate: &str, against: &str) -> Value {
    let home = Home::new("");
    home.write("unruly.wasm", UNRULY);
    home.write("tame.wasm", TAME);
    home.write("choosy.wasm", CHOOSY);
    let wanted = |name: &str| json!({"frequency": "D", "topic": "unruly", "name": name, "task_id": name});
    home.write("sensors/one.json", json!({"wanted": [wanted("a"), wanted("confirm:refuse")]}).to_string());
    let lines = lines.iter().map(|value| json!({"topic": "unruly", "value": value}).to_string());
    home.write("messages.jsonl", lines.collect::<Vec<_>>().join("\n"));
    let arguments = ["replay", "--topic", "unruly", "--matcher", candidate, "--against", against];
    let arguments = [&arguments[..], &["--lines", "messages.jsonl", "--format", "json"]].concat();
    result(&home.run(&arguments), 13)
}

#[test]
fn a_candidate_that_loops_on_a_message_is_told_and_holds_up_nothing() {
    let lines = [
        json!({"name": "a"}),
        json!({"name": "a", "act": "loop"}),
        json!({"name": "b", "act": "panic"}),
        json!({"name": "b", "act": "count"}),
        json!({"name": "confirm:refuse"}),
        json!({"name": "a"}),
    ];
    let result = unruly(&lines, "unruly.wasm", "tame.wasm");
    let expected = [
        "new-faults 0@2 - used more than",
        "new-faults 0@3 - panicked (reac",
        "only-old 0@2 a used more than",
        "only-old 0@5 confirm:refuse told to refuse",
        "other-keys 0@4 - -",
    ];
    assert_eq!(samples(&result), expected);
}

#[test]
fn wanted_messages_that_only_one_build_takes_are_told() {
    let result = unruly(&[json!({"name": "b"})], "choosy.wasm", "unruly.wasm");
    assert_eq!(fields(&result, &["differs", "different", "same"]), json!({"differs": true, "different": 0, "same": 0}));
    let refused = result["refused"].as_array().unwrap();
    let tasks: Vec<_> = refused.iter().map(|it| (it["task_id"].as_str().unwrap(), &it["by"])).collect();
    assert_eq!(tasks, [("a", &json!(["new"])), ("confirm:refuse", &json!(["new"]))]);
    assert!(refused[0]["reason"].as_str().unwrap().contains("title"), "{result}");
}

#[test]
fn a_candidate_that_keeps_failing_ends_it() {
    let home = home("127.0.0.1:1");
    home.write("unruly.wasm", UNRULY);
    let line = json!({"topic": "unruly", "value": {"name": "a", "act": "panic"}}).to_string();
    home.write("messages.jsonl", vec![line; 200].join("\n"));
    let ran = home.run(&["replay", "--topic", "unruly", "--matcher", "unruly.wasm", "--lines", "messages.jsonl"]);
    assert_eq!(ran.code, Some(4), "{ran}");
    let expected = "error: the messages from unruly/0@1 to unruly/0@200 cannot be judged by the candidate: the matcher fails on one message after another";
    // Behind what it has to say of each panic.
    assert!(ran.stderr.contains(expected), "{ran}");
}

#[test]
fn what_is_no_message_or_not_there_is_named() {
    let home = home("127.0.0.1:1");
    home.write("messages.jsonl", "{\"topic\": \"etl-finish\", \"value\": 1}\nnonsense\n");
    let ran = |file: &str| replay(&home, &["--matcher", CANDIDATE, "--lines", file]);
    let nonsense = ran("messages.jsonl");
    assert_eq!(nonsense.code, Some(6), "{nonsense}");
    assert!(nonsense.stderr.starts_with("error: messages.jsonl, line 2\n"), "{nonsense}");
    let missing = ran("other.jsonl");
    assert_eq!(missing.code, Some(6), "{missing}");
    assert!(missing.stderr.starts_with("error: cannot read other.jsonl\n"), "{missing}");
    home.write("others.jsonl", "{\"topic\": \"job-finish\", \"value\": 1}\n");
    let other = ran("others.jsonl");
    assert_eq!((other.code, other.stderr.as_str()), (Some(6), "error: there is no topic `etl-finish`\n"));
}
