//! The rules of `etl-finish`, message by message.

use etl_finish::EtlFinish;
use eventlatch_sdk::civil::date;
use eventlatch_sdk::testing::{Bench, Outcome};

const TABLE0: &str = r#"{"db": "db0", "table": "table0", "partition_values": ""}"#;
const TABLE1: &str = r#"{"db": "db1", "table": "table1", "partition_values": "{{yyyymm|dt.format(format='%Y%m')}}"}"#;

fn bench() -> Bench {
    Bench::of_fields::<EtlFinish>("{}").expect("a good configuration")
}

fn message(table: u8, partition: &str, timestamp: u32) -> String {
    format!(
        r#"{{"db": "db{table}", "table": "table{table}", "partition_values": "{partition}", "timestamp": {timestamp}}}"#
    )
}

#[track_caller]
fn check(wanted: &str, message: &str, arrival: &str, expect: Outcome) {
    assert_eq!(bench().judge(wanted, message, arrival), Ok(expect), "{message} at {arrival}");
}

#[test]
fn is_received_anew_every_day() {
    check(TABLE0, &message(0, "", 1_562_486_400), "2019-07-07T08:00:00", Outcome::Fulfilled);
    check(TABLE1, &message(1, "201907", 1_562_490_000), "2019-07-07T09:00:00", Outcome::Fulfilled);
    check(TABLE0, &message(0, "", 1_562_544_960), "2019-07-08T00:16:00", Outcome::Fulfilled);
    check(TABLE1, &message(1, "201907", 1_562_544_960), "2019-07-08T00:16:00", Outcome::Fulfilled);
}

#[test]
fn another_table_or_partition_is_another_message() {
    let other = message(0, "", 1_562_486_400).replace("table0", "table9");
    check(TABLE0, &other, "2019-07-07T08:00:00", Outcome::Other);
    check(TABLE1, &message(1, "201906", 1_562_486_400), "2019-07-07T08:00:00", Outcome::Other);
}

#[test]
fn what_happened_yesterday_is_a_near_miss() {
    let reason = "the event's business date is 2019-07-06, that of its arrival 2019-07-07";
    check(TABLE0, &message(0, "", 1_562_457_599), "2019-07-07T08:00:00", Outcome::Refused(reason.to_owned()));
    let more = r#"{"db": "db0", "table": "table0", "partition_values": "", "timestamp": 1562457600, "partition_fields": "", "rows": 12}"#;
    check(TABLE0, more, "2019-07-07T08:01:00", Outcome::Fulfilled);
}

#[test]
fn the_partition_follows_the_business_date() {
    let rendered = |day| bench().prepare(TABLE1, day).unwrap().rendered;
    assert_eq!(rendered(date(2019, 7, 8)), r#"{"db":"db1","partition_values":"201907","table":"table1"}"#);
    assert!(rendered(date(2019, 7, 1)).contains("201906"));
    let bench = Bench::of_fields::<EtlFinish>(r#"{"partition_lag_days": 0}"#).unwrap();
    assert!(bench.prepare(TABLE1, date(2019, 7, 1)).unwrap().rendered.contains("201907"));
}

#[test]
fn without_a_partition_any_will_do() {
    let any = r#"{"db": "db0", "table": "table0"}"#;
    for partition in ["", "201907", "x"] {
        check(any, &message(0, partition, 1_562_486_400), "2019-07-07T08:00:00", Outcome::Fulfilled);
    }
    check(TABLE0, &message(0, "x", 1_562_486_400), "2019-07-07T08:00:00", Outcome::Other);
}

#[test]
fn civil_times_are_read_in_the_sensors_zone() {
    let bench = bench().offset_hours(8);
    let at = |time: &str| message(0, "", 0).replace(": 0}", &format!(r#": "{time}"}}"#));
    let judge = |time| bench.judge(TABLE0, at(time), "2019-07-07T00:30:00").unwrap();
    assert_eq!(judge("2019-07-07 00:10:00"), Outcome::Fulfilled);
    assert_eq!(judge("2019-07-06T16:10:00Z"), Outcome::Fulfilled);
    assert!(matches!(judge("2019-07-06 23:59:59"), Outcome::Refused(_)));
}

#[test]
fn malformed_messages_are_rejected_with_a_reason() {
    for (message, reason) in [
        ("test", "not JSON: expected ident at line 1 column 2"),
        ("", "empty message; expected a JSON object"),
        ("[1,2]", "not a JSON object"),
        (
            r#"{"db": "db0", "table": "table0", "timestamp": 1562486400}"#,
            "field `partition_values` is missing; it must be text",
        ),
        (
            r#"{"db": 1, "table": "t", "partition_values": "", "timestamp": 1562486400}"#,
            "field `db` must be text, not a number",
        ),
        (
            r#"{"db": "d", "table": "t", "partition_values": "", "timestamp": null}"#,
            "field `timestamp` must be epoch seconds or text, not null",
        ),
        (
            r#"{"db": "d", "table": "t", "partition_values": "", "timestamp": 1562486400000}"#,
            "field `timestamp`: 1562486400000 looks like milliseconds (or smaller units); \
             expected seconds since the Unix epoch",
        ),
    ] {
        assert_eq!(bench().reject(message).as_deref(), Some(reason), "{message}");
    }
    let framed = [b"\0\0\0\0\x07".as_slice(), message(0, "", 1).as_bytes()].concat();
    assert!(bench().reject(framed).unwrap().contains("schema registry"));
}

#[test]
fn wrong_wanted_messages_are_problems_of_a_field() {
    for (wanted, field, part) in [
        (r#"{"db": "d"}"#, Some("table"), "is missing"),
        (
            r#"{"db": "d", "table": "t", "partition": ""}"#,
            Some("partition"),
            "known: `db`, `table`, `partition_values`",
        ),
        (r#"{"db": 7, "table": "t"}"#, Some("db"), "must be text, not a number"),
        (r#"{"db": "d", "table": "t", "partition_values": "{{ today }}"}"#, Some("partition_values"), "`yyyymm`"),
        ("[]", None, "not a JSON object"),
    ] {
        let problem = bench().prepare(wanted, date(2019, 7, 8)).unwrap_err();
        assert_eq!(problem.field(), field, "{problem}");
        assert!(problem.message().contains(part), "{problem}");
    }
}

#[test]
fn unknown_settings_are_refused_by_name() {
    let problems = Bench::of_fields::<EtlFinish>(r#"{"day_shift": 1, "lag": 2}"#).err().unwrap();
    let fields: Vec<_> = problems.as_slice().iter().map(|problem| problem.field()).collect();
    assert_eq!(fields, [Some("day_shift"), Some("lag")]);
}
