//! What people and test runners are told.

use std::fs;

use eventlatch_tests::home::Home;
use insta::assert_snapshot;

const WRONG: &str = r#"{
  "scenario": "what <is> \"wrong\" & why",
  "sensors": [{"name": "s", "wanted": [{"frequency": "D", "topic": "job-finish", "job_name": "a", "task_id": "a"}]}],
  "steps": [{
    "at": "2019-07-07T08:00:00",
    "send": [
      {"topic": "job-finish", "value": {"job_name": "a", "is_success": true, "timestamp": "2019-07-06 08:00:00"}},
      {"topic": "job-finish", "raw": "\u001b[2J"}
    ],
    "expect": {"s": {"complete": true, "received": ["a"], "waits": {"r": {"state": "waiting"}}}, "dead_letters": 0}
  }]
}"#;

fn home() -> Home {
    let home = Home::new("");
    home.write("wrong.json", WRONG);
    home
}

#[test]
fn differences_are_told_with_step_sensor_and_field() {
    insta::with_settings!({filters => vec![(r"\d+\.\d s", "[TIME]")]}, {
        assert_snapshot!(home().run(&["test", "wrong.json"]), @r#"
        FAILED  wrong.json  what <is> "wrong" & why
          step 1, 2019-07-07T08:00:00: sensor s, complete
            - expected  true
            + actual    false
              near miss of a: the event's business date is 2019-07-06, that of its arrival 2019-07-07
              set aside: job-finish/0@1: not JSON: expected value at line 1 column 1
          step 1, 2019-07-07T08:00:00: sensor s, received
            - expected  ["a"]
            + actual    []
              near miss of a: the event's business date is 2019-07-06, that of its arrival 2019-07-07
              set aside: job-finish/0@1: not JSON: expected value at line 1 column 1
          step 1, 2019-07-07T08:00:00: sensor s, waits.r.state
            - expected  "waiting"
            + actual    nothing of that name
          step 1, 2019-07-07T08:00:00: dead_letters
            - expected  0
            + actual    1
              job-finish/0@1: not JSON: expected value at line 1 column 1

        0 passed, 1 failed in [TIME]
        exit 1
        "#);
    });
}

#[test]
fn a_junit_report_is_xml_that_holds_everything() {
    let home = home();
    assert_eq!(home.run(&["test", "wrong.json", "--junit", "report.xml"]).code, Some(1));
    let report = fs::read_to_string(home.path("report.xml")).unwrap();
    insta::with_settings!({filters => vec![(r#"time="[0-9.]+""#, "time=[TIME]")]}, {
        assert_snapshot!(report, @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites tests="1" failures="1" errors="0" time=[TIME]>
          <testsuite name="scenarios" tests="1" failures="1" errors="0" time=[TIME]>
            <testcase classname="wrong.json" name="what &lt;is&gt; &quot;wrong&quot; &amp; why" file="wrong.json" time=[TIME]>
              <failure message="step 1, 2019-07-07T08:00:00: sensor s, complete: expected true, actual false (and 3 more)">step 1, 2019-07-07T08:00:00: sensor s, complete: expected true, actual false
          near miss of a: the event&apos;s business date is 2019-07-06, that of its arrival 2019-07-07
          set aside: job-finish/0@1: not JSON: expected value at line 1 column 1
        step 1, 2019-07-07T08:00:00: sensor s, received: expected [&quot;a&quot;], actual []
          near miss of a: the event&apos;s business date is 2019-07-06, that of its arrival 2019-07-07
          set aside: job-finish/0@1: not JSON: expected value at line 1 column 1
        step 1, 2019-07-07T08:00:00: sensor s, waits.r.state: expected &quot;waiting&quot;, actual nothing of that name
        step 1, 2019-07-07T08:00:00: dead_letters: expected 0, actual 1
          job-finish/0@1: not JSON: expected value at line 1 column 1
        </failure>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    });
}
