//! Commands for matcher authors: from an empty folder to a file that is tested and measured.

use std::fs;

use eventlatch_tests::home::{Home, Ran};
use serde_json::{Value, json};

use crate::guests::ORDER_SHIPPED;

/// An empty folder, in which crates are built without the network and once for all tests.
fn home() -> Home {
    Home::new("")
        .with("EVENTLATCH_TELEMETRY_LOG", "off")
        .with("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/languages/cargo"))
        .with("CARGO_NET_OFFLINE", "true")
        .with("CARGO_TERM_QUIET", "true")
}

fn parsed(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

#[test]
fn from_an_empty_folder_to_a_file_that_is_tested_and_measured() {
    let home = home();
    assert_result!(home.run(&["matcher", "new", "orders"]), @r"
    made orders: the rule is in orders/src/lib.rs

    next:
      cd orders
      eventlatch matcher test    # builds it; runs cases/ and scenarios/
      eventlatch matcher bench   # says what a message costs
    exit 0
    ");
    assert_result!(home.run(&["matcher", "build", "orders"]), @r"
     built    orders/build/orders.wasm
     matcher  orders 0.1.0
     topics   orders
     size     [SIZE]
     cases    4
     sha256   [SHA256]
    exit 0
    ");
    assert_result!(home.run(&["matcher", "test", "orders"]), @r"
    ok      orders/cases/messages.json  a message of today fulfils
    ok      orders/cases/messages.json  another status is another message
    ok      orders/cases/messages.json  what happened yesterday is a near miss
    ok      orders/cases/messages.json  a message without its id is malformed
    ok      orders/scenarios/days.json  a task is marked by the day's message, and waits anew the next day

    5 passed in [TIME]
    exit 0
    ");
    let costs = |of: &str| parsed(&home.run(&["matcher", "bench", of, "--format", "json"]));
    let (first, second) = (costs("orders"), costs("orders/build/orders.wasm"));
    assert_eq!(first["last"], Value::Null);
    assert_eq!(second["last"]["sha256"], first["sha256"]);
    assert_eq!(first["hits"], 2, "the one that fulfils and the near miss");
    let calls = ["extract", "confirm"].into_iter().flat_map(|call| [1, 64, 1_000].map(|batch| (call, batch)));
    assert_eq!(first["batches"].as_array().unwrap().len(), 6);
    for (number, (call, batch)) in calls.enumerate() {
        let (first, second) = (&first["batches"][number], &second["batches"][number]);
        assert_eq!((&first["call"], &first["messages"]), (&json!(call), &json!(batch)));
        assert_eq!(first["fuel_per_message"], second["fuel_per_message"], "fuel is the same each time");
        assert!(first["fuel_per_message"].as_f64() > Some(100.0), "{first:#}");
        assert!(
            first["ns_per_message"].as_f64() > Some(0.0) && first["returned"]["used"].as_u64() > Some(0),
            "{first:#}"
        );
        assert_eq!(first["time"]["limit"], (250 + batch) * 1_000_000);
    }
    assert_eq!(first["memory"]["limit"], 64 << 20);
    let told = home.run(&["matcher", "bench", "orders"]);
    assert!(told.stdout.contains("extract  3 messages of orders, from its cases\n"), "{told}");
    assert!(told.stdout.contains("confirm  2 cases whose message has the wanted key\n"), "{told}");
    assert!(told.stdout.contains("(+0.0 %)"), "{told}");
}

#[test]
fn what_a_matcher_gets_wrong_is_told_case_by_case() {
    let home = home();
    assert_eq!(home.run(&["matcher", "new", "shipments", "--topic", "shop.shipments"]).code, Some(0));
    let source = fs::read_to_string(home.path("shipments/src/lib.rs")).unwrap();
    home.write("shipments/src/lib.rs", source.replace(".same_business_day())", ")"));
    let ran = home.run(&["matcher", "test", "shipments", "--junit", "report.xml"]);
    assert_result!(ran, @r#"
    ok      shipments/cases/messages.json  a message of today fulfils
    ok      shipments/cases/messages.json  another status is another message
    FAILED  shipments/cases/messages.json  what happened yesterday is a near miss
      verdict
        - expected  "refused"
        + actual    "fulfilled"
    ok      shipments/cases/messages.json  a message without its id is malformed
    ok      shipments/scenarios/days.json  a task is marked by the day's message, and waits anew the next day

    4 passed, 1 failed in [TIME]
    exit 1
    "#);
    let report = fs::read_to_string(home.path("report.xml")).unwrap();
    assert!(report.contains(r#"<testsuite name="shipments" tests="5" failures="1""#), "{report}");
    let told = parsed(&home.run(&["matcher", "test", "shipments", "--format", "json"]));
    assert_eq!((&told["summary"]["passed"], &told["summary"]["failed"]), (&json!(4), &json!(1)));
    assert_eq!(told["cases"][2]["differences"][0]["field"], "verdict");
}

#[test]
fn what_cannot_be_begun_or_built_says_what_to_do() {
    let home = home();
    assert_result!(home.run(&["matcher", "new", "Orders"]), @r"
    ! error: `Orders` is no name for a matcher: use lower-case letters, digits and single dashes, a letter first, as in `order-shipped`
    exit 4
    ");
    home.write("orders/notes.txt", "mine");
    assert_result!(home.run(&["matcher", "new", "orders"]), @r"
    ! error: `orders` is there already (hint: another name, or remove it first)
    exit 4
    ");
    assert_result!(home.run(&["matcher", "build", "orders"]), @r"
    ! error: `orders` is no matcher's folder: it has no `Cargo.toml`, `matcher.py` or `package.json` (hint: `eventlatch matcher new NAME` makes one)
    exit 4
    ");
    assert_result!(home.run(&["matcher", "test", "nowhere"]), @r"
    ! error: there is no folder `nowhere`
    exit 4
    ");
    assert_eq!(home.run(&["matcher", "new", "parcels"]).code, Some(0));
    let cases = r#"{"message": {"value": 1, "arrival": "noon"}, "expect": {"reject": ""}}"#;
    home.write("parcels/cases/wrong.json", cases);
    assert_result!(home.run(&["matcher", "test", "parcels"]), @r#"
    ! error: parcels/cases/wrong.json:1: `noon` is no time: write "[DATE]T08:00:00", or RFC 3339 with an offset
    exit 3
    "#);
    fs::remove_file(home.path("parcels/cases/wrong.json")).unwrap();
    assert_result!(home.with("PATH", "/nowhere").run(&["matcher", "build", "parcels"]), @r"
    ! error: `rustc` is not there: install Rust from https://rustup.rs
    exit 4
    ");
}

#[test]
fn one_message_is_asked_about() {
    let home = home();
    home.write("shipped.wasm", ORDER_SHIPPED);
    let ask = |more: &[&str], message: &str| {
        home.run_with_input(&[&["matcher", "run", "shipped.wasm", "--on", "2019-07-07"], more].concat(), message)
    };
    let message = r#"{"order": "o-17", "shipped_at": "2019-07-07 08:00:00"}"#;
    assert_result!(ask(&["--wanted", r#"{"order": "o-17"}"#], message), @r#"
     key         ["o-17"]
     event time  [DATE]T08:00:00
     fulfilled
    exit 0
    "#);
    assert_result!(ask(&["--topic", "order-shipped"], message), @r#"
     key         ["o-17"]
     event time  [DATE]T08:00:00
     not asked
    exit 0
    "#);
    assert_result!(ask(&[], "no order"), @r"
     event time  -
     reject      expected ident at line 1 column 2
    exit 0
    ");
    let wanted = r#"{"order": "o-17", "topic": "order-shipped", "frequency": "D", "task_id": "t"}"#;
    home.write("message.json", message.replace("07 08", "06 08"));
    let told = parsed(&ask(&["--wanted", wanted, "--message", "message.json", "--format", "json"], ""));
    assert_eq!((&told["event_time"], &told["verdict"]), (&json!("2019-07-06T08:00:00"), &json!("refused")));
    assert_result!(ask(&["--wanted", "o-17"], ""), @r"
    ! error: invalid value 'o-17' for '--wanted <JSON>': write a JSON object: expected value at line 1 column 1
    ! 
    ! For more information, try '--help'.
    exit 2
    ");
}

#[test]
fn a_file_is_inspected_whether_it_is_good_or_not() {
    let home = home();
    home.write("shipped.wasm", ORDER_SHIPPED);
    let told = home.run(&["matcher", "inspect", "shipped.wasm"]);
    let head: String =
        told.stdout.lines().take_while(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
    assert_result!(head, @r"
    name       order-shipped
    summary    an order left the warehouse
    version    0.1.0
    interface  eventlatch:matcher@1.0.0
    topics     order-shipped
    day shift  0 s
    origin     shipped.wasm
    size       [SIZE]
    sha256     [SHA256]
    cases      0
    form       core module
    imports    eventlatch:matcher/host@1.0.0
    exports    eventlatch:matcher/guest@1.0.0#configure
               eventlatch:matcher/guest@1.0.0#confirm
               eventlatch:matcher/guest@1.0.0#describe
               eventlatch:matcher/guest@1.0.0#extract
               eventlatch:matcher/guest@1.0.0#prepare
    ");
    assert_eq!(
        parsed(&home.run(&["matcher", "inspect", "shipped.wasm", "--format", "json"]))["content"]["form"],
        "core module"
    );
    let other = wat::parse_str(r#"(module (import "env" "now" (func)) (func (export "run")))"#).unwrap();
    home.write("other.wasm", other);
    assert_result!(home.run(&["matcher", "inspect", "other.wasm"]), @r"
     size     [SIZE]
     sha256   [SHA256]
     cases    0
     form     core module
     imports  env
     exports  run
    ! error: cannot inspect other.wasm
    !   caused by: it does not export `eventlatch:matcher/guest`, only `run` (hint: write the matcher with the SDK's `export_matcher!`, or against the WIT world `eventlatch:matcher/matcher`)
    exit 4
    ");
}
