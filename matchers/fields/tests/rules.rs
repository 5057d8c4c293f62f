//! What can be configured, and what a configuration is refused for.

use eventlatch_sdk::testing::{Bench, Outcome};
use fields::ConfiguredFields;

fn bench(config: &str) -> Bench {
    Bench::of_fields::<ConfiguredFields>(config).expect("a good configuration")
}

const ORDERS: &str = r#"{
    "topic": "orders",
    "key": [{"field": "shop"}, {"field": "year", "kind": "integer"}],
    "optional": [{"field": "part", "template": "day"}, {"field": "paid", "kind": "boolean"}, {"field": "note", "kind": "scalar"}],
    "time": "written_at",
    "day_shift_seconds": 3600,
    "partition_lag_days": 1
}"#;

const ORDER: &str = r#"{"shop": "s\u0031", "year": 2019.0, "part": "20190706", "paid": true, "note": 7, "written_at": "2019-07-07T08:00:00Z"}"#;

#[track_caller]
fn check(wanted: &str, expect: Outcome) {
    assert_eq!(bench(ORDERS).judge(wanted, ORDER, "2019-07-07T09:00:00"), Ok(expect), "{wanted}");
}

#[test]
fn every_subset_of_the_optional_fields_may_be_open() {
    for part in ["", r#", "part": "{{ day|dt.format('%Y%m%d') }}""#] {
        for paid in ["", r#", "paid": true"#] {
            for note in ["", r#", "note": 7.0"#] {
                check(&format!(r#"{{"shop": "s1", "year": 2019{part}{paid}{note}}}"#), Outcome::Fulfilled);
            }
        }
    }
    check(r#"{"shop": "s1", "year": 2019, "note": "7"}"#, Outcome::Other);
    check(r#"{"shop": "s1", "year": 2019, "paid": false}"#, Outcome::Other);
    check(r#"{"shop": "s1", "year": 2020}"#, Outcome::Other);
}

#[test]
fn settings_follow_the_configuration() {
    let settings = bench(ORDERS).settings();
    assert_eq!((settings.topics, settings.day_shift_seconds), (vec!["orders".to_owned()], 3600));
}

#[test]
fn without_a_time_equal_keys_are_enough() {
    let bench = bench(r#"{"topic": "t", "key": [{"field": "id", "kind": "number", "default": 1}]}"#);
    let judge = |message| bench.judge("{}", message, "2019-07-07T09:00:00").unwrap();
    assert_eq!(judge(r#"{"id": 1.0}"#), Outcome::Fulfilled);
    assert_eq!(judge(r#"{"id": 10e-1}"#), Outcome::Fulfilled);
    assert_eq!(judge(r#"{"id": 1.5}"#), Outcome::Other);
    assert_eq!(judge(r#"{"id": "1"}"#), Outcome::Rejected("field `id` must be a number, not text".to_owned()));
}

#[test]
fn whole_numbers_have_no_fraction() {
    let bench = bench(r#"{"topic": "t", "key": [{"field": "id", "kind": "integer"}]}"#);
    assert_eq!(bench.reject(r#"{"id": 1.5}"#).as_deref(), Some("field `id` must be a whole number, not 1.5"));
    assert_eq!(bench.reject(r#"{"id": 18446744073709551615}"#), None);
}

#[test]
fn all_problems_are_told_at_once() {
    let config = r#"{
        "topic": "", "key": [], "rule": "same_business_day", "day_shift_seconds": 90000,
        "optional": [{"field": "a"}, {"field": "a"}, {"field": "topic"}, {"field": "n", "kind": "number", "template": "d"}]
    }"#;
    let problems = Bench::of_fields::<ConfiguredFields>(config).err().unwrap();
    let fields: Vec<_> = problems.as_slice().iter().filter_map(|problem| problem.field()).collect();
    assert_eq!(fields, ["topic", "key", "optional", "rule", "day_shift_seconds", "a", "topic", "n"]);
}

#[test]
fn unknown_and_wrong_settings_are_errors() {
    for (config, part) in [
        (r#"{"topic": "t", "keys": []}"#, "keys: unknown field; known:"),
        (r#"{"topic": "t", "key": [{"field": "a", "kind": "date"}]}"#, "unknown variant `date`"),
        (r#"{"topic": "t", "key": [{"field": "a", "type": "text"}]}"#, "unknown field `type`"),
        (
            r#"{"topic": "t", "key": [{"field": "a", "kind": "boolean", "default": "yes"}]}"#,
            "its default must be a boolean",
        ),
        ("{}", "missing field `topic`"),
    ] {
        let problems = Bench::of_fields::<ConfiguredFields>(config).err().unwrap().to_string();
        assert!(problems.contains(part), "{problems}");
    }
}
