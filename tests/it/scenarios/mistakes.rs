//! Scenario files that cannot be played: told with file, line and what to write, whatever else is played.

use eventlatch_tests::home::Home;

/// A scenario with one line of its own, the fifth.
fn with(line: &str) -> String {
    format!(
        "{{\n\"scenario\": \"x\",\n\"sensors\": [{{\"name\": \"s\", \"wanted\": [\n{}]}}],\n{line}\n}}\n",
        r#"{"frequency": "D", "topic": "job-finish", "job_name": "a", "task_id": "a"}"#
    )
}

#[track_caller]
fn broken(text: &str, told: &str) {
    let home = Home::new("");
    home.write("x.json", text);
    let ran = home.run(&["test", "x.json"]);
    assert_eq!(ran.code, Some(3), "{ran}");
    assert!(ran.stdout.contains(&format!("  x.json:{told}")), "{told} is not told:\n{ran}");
    assert!(ran.stdout.contains("0 passed, 1 broken"), "{ran}");
}

#[test]
fn unknown_fields_are_told_with_their_line() {
    broken(&with(r#""stepz": []"#), "5: unknown key `stepz`");
    broken(&with("\"steps\": [\n{\"at\": \"2019-07-07T08:00:00\", \"sned\": []}]"), "6: unknown key `sned`");
    let expect = |it: &str| {
        with(&format!("\"steps\": [{{\"at\": \"2019-07-07T08:00:00\",\n\"expect\": {{\n\"s\": {{{it}}}}}}}]"))
    };
    broken(&expect("\"completed\": true"), "7: unknown key `completed`");
    broken(&expect("\"waits\": {\"r\": {\"state\": \"done\"}}"), "7: unknown value `done`");
    broken(&expect("\"complete\": 1"), "7: wrong type: integer `1`, expected a boolean");
    let send = "\"steps\": [{\"at\": \"2019-07-07T08:00:00\", \"send\": [\n{\"topic\": \"t\", \"valeu\": 1}]}]";
    broken(&with(send), "6: unknown key `valeu`");
}

#[test]
fn what_makes_no_sense_is_told_with_its_line() {
    let steps = |steps: &str| with(&format!("\"steps\": [\n{steps}]"));
    broken(&with("\"steps\": []"), "5: a scenario needs at least one step");
    broken(&with("\"steps\": [], \"timezone\": \"Mars/Base\""), "5: there is no time zone `Mars/Base`");
    broken(&steps("{\"at\": \"soon\"}"), "6: `soon` is no time");
    let backwards = "{\"at\": \"2019-07-07T08:00:00\"},\n{\"at\": \"2019-07-07T07:59:59\"}";
    broken(&steps(backwards), "7: `at` lies before that of the step before");
    let later = "{\"at\": \"2019-07-07T08:00:00\", \"send\": [{\"topic\": \"t\", \"value\": 1,\n\"arrived\": \"2019-07-07T08:00:01\"}]}";
    broken(&steps(later), "7: `arrived` lies after `at` of its step");
    broken(
        &steps("{\"at\": \"2019-07-07T08:00:00\", \"send\": [{\"topic\": \"t\"}]}"),
        "6: a message has either a `value`",
    );
    broken(
        &steps("{\"at\": \"2019-07-07T08:00:00\", \"expect\": {\"t\": {}}}"),
        "6: there is no sensor `t` at this step",
    );
    let open = |more: &str| {
        steps(&format!(
            "{{\"at\": \"2019-07-07T08:00:00\", \"open\": [{{\"sensor\": \"s\", \"wait\": \"r\",\n{more}}}]}}"
        ))
    };
    broken(&open("\"timeout\": 0"), "7: `timeout` must be seconds");
    broken(&open("\"on_timeout\": \"wait\""), "7: `on_timeout` must be");
    broken(&open("\"business_date\": \"2019-02-30\""), "7: `2019-02-30` is no date");
}

#[test]
fn a_time_that_the_clock_leaves_out_is_none() {
    let steps = "\"timezone\": \"Europe/Berlin\",\n\"steps\": [\n{\"at\": \"2024-03-31T02:30:00\"}]";
    broken(&with(steps), "7: `2024-03-31T02:30:00` is a time that the clocks of the zone leave out");
}

#[test]
fn sensors_are_checked_as_everywhere() {
    let text = with("\"steps\": [{\"at\": \"2019-07-07T08:00:00\"}]");
    broken(&text.replace("\"job_name\"", "\"jobname\""), "4: the wanted message of `a`");
    broken(&text.replace("\"D\"", "\"daily\""), "4: `daily` is not a frequency");
    broken(&text.replace("\"wanted\"", "\"require\": 2, \"wanted\""), "3: `require = 2` can never be met");
    let put = with(
        "\"steps\": [{\"at\": \"2019-07-07T08:00:00\", \"put\": [{\"name\": \"t\",\n\"timeout\": \"never\", \"wanted\": [{}]}]}]",
    );
    broken(&put, "6: `timeout`: `never` is not a cron expression");
}

#[test]
fn one_that_cannot_be_read_keeps_no_other_from_being_played() {
    let home = Home::new("");
    home.write("all/a.json", "{");
    home.write(
        "all/b.json",
        with("\"steps\": [{\"at\": \"2019-07-07T08:00:00\", \"expect\": {\"s\": {\"complete\": false}}}]"),
    );
    let ran = home.run(&["test", "all"]);
    assert_eq!(ran.code, Some(3), "{ran}");
    assert!(ran.stdout.contains("BROKEN  all/a.json") && ran.stdout.contains("ok      all/b.json"), "{ran}");
    assert!(ran.stdout.contains("1 passed, 1 broken"), "{ran}");
    assert_eq!(home.run(&["test", "gone.json"]).code, Some(3));
    home.write("empty/readme.txt", "");
    assert_eq!(home.run(&["test", "empty"]).code, Some(3));
}
