//! The rules of `job-finish`, message by message.

use eventlatch_sdk::testing::{Bench, Outcome};
use job_finish::JobFinish;

fn bench(config: &str) -> Bench {
    Bench::of_fields::<JobFinish>(config).expect("a good configuration")
}

fn message(name: &str, success: bool, timestamp: u32) -> String {
    format!(r#"{{"job_name": "{name}", "is_success": {success}, "timestamp": {timestamp}}}"#)
}

#[test]
fn success_is_what_is_wanted_unless_it_says_otherwise() {
    let bench = bench("{}");
    let judge = |wanted, success| bench.judge(wanted, message("jn0", success, 1_562_486_400), "2019-07-07T08:00:00");
    for wanted in [r#"{"job_name": "jn0"}"#, r#"{"job_name": "jn0", "is_success": true}"#] {
        assert_eq!(judge(wanted, true), Ok(Outcome::Fulfilled));
        assert_eq!(judge(wanted, false), Ok(Outcome::Other));
    }
    assert_eq!(judge(r#"{"job_name": "jn0", "is_success": false}"#, false), Ok(Outcome::Fulfilled));
    assert_eq!(bench.wanted_schema()["properties"]["is_success"]["default"], true);
}

#[test]
fn the_business_day_begins_before_midnight() {
    let bench = bench(r#"{"day_shift_seconds": 7200}"#);
    let judge =
        |timestamp, arrival| bench.judge(r#"{"job_name": "jn0"}"#, message("jn0", true, timestamp), arrival).unwrap();
    assert_eq!(bench.settings().day_shift_seconds, 7200);
    assert_eq!(judge(1_562_533_200, "2019-07-07T21:00:00"), Outcome::Fulfilled);
    let reason = "the event's business date is 2019-07-07, that of its arrival 2019-07-08";
    assert_eq!(judge(1_562_536_799, "2019-07-07T22:00:01"), Outcome::Refused(reason.to_owned()));
    assert_eq!(judge(1_562_538_600, "2019-07-07T23:00:00"), Outcome::Fulfilled);
    assert_eq!(judge(1_562_543_400, "2019-07-08T00:10:00"), Outcome::Fulfilled);
}

#[test]
fn malformed_messages_are_rejected() {
    let bench = bench("{}");
    for message in [
        r#"{"job_name": "jn0", "is_success": true}"#,
        r#"{"job_name": "jn0", "is_success": true, "timestamp": "soon"}"#,
        r#"{"job_name": "jn0", "is_success": "true", "timestamp": 1}"#,
        r#"{"job_name": "jn0", "timestamp": 1}"#,
    ] {
        assert!(bench.reject(message).is_some(), "{message}");
    }
    assert_eq!(bench.reject(message("jn0", true, 1)), None);
}
