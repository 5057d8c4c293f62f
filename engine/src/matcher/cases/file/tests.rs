//! What is read, and what is said of mistakes.

use super::*;

fn wrong(text: &str) -> String {
    parse("c.json", text).unwrap_err().to_string()
}

#[test]
fn a_case_has_all_that_a_message_has() {
    let text = r#"{
        "case": "all of it", "timezone": "Asia/Taipei", "config": {"a": 1},
        "message": {"topic": "t", "value": {"b":  2}, "key": "k", "headers": {"h": "v"}, "arrival": "2019-07-07T08:00:00"},
        "wanted": {"b": 2}, "expect": {"verdict": "refused", "reason": "day", "keys": [["x"]], "event_time": null}
    }"#;
    let case = parse("dir/c.json", text).unwrap().pop().unwrap();
    assert_eq!((&*case.name, &*case.file, case.topic.as_deref()), ("all of it", "dir/c.json", Some("t")));
    assert_eq!(case.message.arrival.to_string(), "2019-07-07T00:00:00Z");
    assert_eq!(case.message.value.as_deref(), Some(br#"{"b":  2}"#.as_slice()), "the bytes as they are written");
    assert_eq!(case.message.key.as_deref(), Some(b"k".as_slice()));
    assert_eq!(case.message.headers.len(), 1);
}

#[test]
fn a_value_may_be_any_bytes_or_none() {
    let value = |value: &str| {
        let text = format!(
            r#"[{{"message": {{{value}, "arrival": "2019-07-07T08:00:00Z"}}, "expect": {{"reject": ""}}}},
                {{"message": {{{value}, "arrival": "2019-07-07T08:00:00Z"}}, "expect": {{"reject": ""}}}}]"#
        );
        let cases = parse("dir/c.json", &text).unwrap();
        assert_eq!([&*cases[0].name, &cases[1].name], ["c 1", "c 2"]);
        cases[1].message.value.clone()
    };
    assert_eq!(value(r#""value": null"#), None);
    assert_eq!(value(r#""raw": """#), Some(Bytes::new()));
    assert_eq!(value(r#""base64": "AAEC""#), Some(Bytes::from_static(&[0, 1, 2])));
}

#[test]
fn mistakes_are_told_with_their_line() {
    let message = r#""message": {"raw": "x", "arrival": "2019-07-07T08:00:00"}"#;
    let of = |rest: &str| wrong(&format!("{{{message},\n{rest}}}"));
    assert_eq!(wrong("{\n\"massage\": 1}").split(", expected").next().unwrap(), "c.json:2: unknown key `massage`");
    assert_eq!(of(r#""wanted": {}"#), "c.json:2: missing key `expect`");
    assert_eq!(
        of(r#""expect": {}"#),
        "c.json:2: `expect` is empty: give a `verdict`, a `reject`, a `problem`, `keys` or an `event_time`"
    );
    assert_eq!(
        of(r#""expect": {"verdict": "maybe"}"#),
        "c.json:2: unknown value `maybe`, expected one of `fulfilled`, `refused`, `other`"
    );
    assert_eq!(
        of(r#""expect": {"verdict": "fulfilled"}"#),
        "c.json:1: a `verdict` or a `problem` is about something `wanted`: give it"
    );
    assert_eq!(
        of(r#""expect": {"verdict": "fulfilled", "reason": "x"}"#),
        "c.json:2: a `reason` goes with the verdict \"refused\""
    );
    assert_eq!(
        of(r#""expect": {"reject": "x", "keys": []}"#),
        "c.json:2: a `reject` stands alone: nothing else is said of a malformed message"
    );
    assert_eq!(
        of(r#""timezone": "Mars", "expect": {}"#),
        "c.json:2: there is no time zone `Mars`: write an IANA name such as \"Europe/Berlin\""
    );
    assert_eq!(
        wrong(r#"{"message": {"arrival": "2019-07-07T08:00:00"}}"#),
        "c.json:1: a message has one of: a `value` (any JSON, null for a tombstone), a `raw` text, or bytes in `base64`"
    );
    assert_eq!(
        wrong(r#"{"message": {"raw": "", "arrival": "noon"}}"#),
        "c.json:1: `noon` is no time: write \"2019-07-07T08:00:00\", or RFC 3339 with an offset"
    );
}
