//! The cases of the matchers that come with eventlatch, and of the example, in the engine.

use eventlatch::matcher::{
    BUILTINS,
    cases::{self, Case, Ran},
};

use super::*;

/// The cases of a matcher of this repository.
fn cases_of(matcher: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(matcher).join("cases");
    let files = cases::files(&folder).unwrap();
    files.iter().flat_map(|file| cases::read(file).unwrap()).collect()
}

fn run(guest: &[u8], cases: &[Case]) -> Vec<Ran> {
    let runtime = runtime();
    let generation = load(&runtime, guest).unwrap();
    cases::run(&runtime, &generation, cases).unwrap()
}

/// What does not hold, a line each.
fn failures(ran: &[Ran]) -> Vec<String> {
    let of = |one: &Ran| one.differences.iter().map(|it| format!("{}: {it}", one.case)).collect::<Vec<_>>();
    ran.iter().flat_map(of).collect()
}

#[test]
fn the_matchers_of_this_repository_pass_their_cases() {
    let [etl_finish, job_finish, fields, airflow_events] = BUILTINS;
    for (matcher, guest) in [
        ("matchers/etl-finish", etl_finish),
        ("matchers/job-finish", job_finish),
        ("matchers/fields", fields),
        ("matchers/airflow-events", airflow_events),
        ("examples/order-shipped", ORDER_SHIPPED),
    ] {
        let cases = cases_of(matcher);
        assert!(cases.len() >= 3, "{matcher} has cases");
        assert_eq!(failures(&run(guest, &cases)), [""; 0], "{matcher}");
    }
}

/// A list of cases about one message and one wanted message, each with its own expectations.
fn about_one_order(expectations: &[&str]) -> Vec<Case> {
    let message =
        r#"{"value": {"order": "o-17", "shipped_at": "2019-07-06 08:00:00"}, "arrival": "2019-07-07T09:00:00"}"#;
    let case =
        |expect: &&str| format!(r#"{{"message": {message}, "wanted": {{"order": "o-17"}}, "expect": {expect}}}"#);
    parsed(&format!("[{}]", expectations.iter().map(case).collect::<Vec<_>>().join(",")))
}

fn parsed(text: &str) -> Vec<Case> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("case.json");
    std::fs::write(&file, text).unwrap();
    cases::read(&file).unwrap()
}

#[test]
fn a_difference_says_what_was_expected_and_why_it_is_not_so() {
    let cases = about_one_order(&[
        r#"{"verdict": "fulfilled"}"#,
        r#"{"verdict": "refused", "reason": "too late"}"#,
        r#"{"reject": "no order"}"#,
        r#"{"problem": "order"}"#,
        r#"{"keys": [["o-17"], ["o-18"]], "event_time": null}"#,
        r#"{"verdict": "refused", "keys": [["o-17"]], "event_time": "2019-07-06T08:00:00Z"}"#,
    ]);
    let refused = "the event's business date is 2019-07-06, that of its arrival 2019-07-07";
    assert_eq!(
        failures(&run(ORDER_SHIPPED, &cases)),
        [
            format!(r#"case 1: verdict: expected "fulfilled", actual "refused" ({refused})"#),
            format!(r#"case 2: reason: expected "too late", actual "{refused}""#),
            format!(r#"case 3: reject: expected "reject", actual "refused" ({refused})"#),
            format!(r#"case 4: problem: expected "problem", actual "refused" ({refused})"#),
            r#"case 5: keys: expected [["o-17"],["o-18"]], actual [["o-17"]]"#.to_owned(),
            r#"case 5: event_time: expected null, actual "2019-07-06T08:00:00""#.to_owned(),
        ]
    );
}

#[test]
fn a_matcher_that_fails_fails_its_case() {
    let cases = parsed(
        r#"[{"message": {"value": {"name": "a", "act": "panic"}, "arrival": "2019-07-07T09:00:00"}, "expect": {"keys": []}},
            {"message": {"value": {"name": "a", "act": "loop"}, "arrival": "2019-07-07T09:00:00"}, "expect": {"reject": ""}},
            {"message": {"value": {"name": "a"}, "arrival": "2019-07-07T09:00:00"}, "config": {"no": 1}, "expect": {"keys": []}}]"#,
    );
    let failures = failures(&run(UNRULY, &cases));
    assert_eq!(failures.len(), 3, "{failures:#?}");
    assert!(failures[0].starts_with("case 1: fault: expected null, actual \"panicked"), "{failures:#?}");
    assert!(
        failures[1].starts_with("case 2: reject: expected \"reject\", actual \"fault\" (used more than"),
        "{failures:#?}"
    );
    assert!(failures[2].starts_with("case 3: config: expected {\"no\":1}, actual null (it refuses"), "{failures:#?}");
}
