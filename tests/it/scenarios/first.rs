//! `eventlatch test init`: a scenario that passes, made of a sensor file.

use eventlatch_tests::home::Home;
use insta::assert_snapshot;
use serde_json::Value;

const SENSORS: &str = r#"
[[sensors]]
name = "mixed"
timezone = "Asia/Taipei"
wanted = [
  { frequency = "D", topic = "etl-finish", db = "db0", table = "t", partition_values = "{{yyyymm|dt.format}}", task_id = "t" },
  { frequency = "M", topic = "etl-finish", db = "db0", table = "u", task_id = "any" },
  { frequency = "H", topic = "job-finish", job_name = "j", task_id = "j", count = 3, distinct = ["region"] },
]
[[sensors]]
name = "asked"
open = "request"
require = "any"
timeout = "0 22 * * *"
wanted = [
  { frequency = "once", topic = "job-finish", job_name = "k", is_success = false, task_id = "k" },
  { frequency = "Y", topic = "job-finish", job_name = "l", optional = true, task_id = "l" },
]
"#;

#[test]
fn it_passes_at_once_and_is_never_written_over_another_one() {
    let home = Home::new("");
    home.write("sensors/all.toml", SENSORS);
    let init = ["test", "init", "sensors/all.toml", "--output", "first.json"];
    assert_snapshot!(home.run(&init), @r"
    wrote first.json
    exit 0
    ");
    let ran = home.run(&["test", "first.json"]);
    assert!(ran.code == Some(0) && ran.stdout.contains("1 passed"), "{ran}");
    let first: Value = serde_json::from_slice(&std::fs::read(home.path("first.json")).unwrap()).unwrap();
    let noon = &first["steps"][1]["expect"];
    assert_eq!((&noon["mixed"]["complete"], &noon["asked"]["complete"]), (&Value::from(true), &Value::from(true)));
    assert_eq!(noon["asked"]["missing"], Value::Array(Vec::new()));
    assert_eq!(first["steps"][2]["expect"]["mixed"]["missing"], Value::from(vec!["t", "j"]));
    assert_snapshot!(home.run(&init), @r"
    ! error: `first.json` is there already (hint: another name, or remove it first)
    exit 3
    ");
}

#[test]
fn what_cannot_be_made_up_is_left_to_the_author() {
    let home = Home::new(
        "[matchers.uploads]\nuse = \"fields\"\n[matchers.uploads.config]\ntopic = \"uploads\"\nkey = [{ field = \"file\" }]\ntime = \"written\"\n",
    );
    home.write("sensors/up.toml", r#"wanted = [{ frequency = "D", topic = "uploads", file = "a", task_id = "u" }]"#);
    let ran = home.run(&["test", "init", "sensors/up.toml"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stderr.contains("to do: complete the message for the task `u` of `up` in step 2"), "{ran}");
    assert!(
        ran.stderr.contains("to do: a message made up was refused: uploads/0@0: ") && ran.stderr.contains("`written`"),
        "{ran}"
    );
    home.write("first.json", &ran.stdout);
    assert_eq!(home.run(&["test", "first.json"]).code, Some(0));
}

#[test]
fn a_sensor_file_with_a_mistake_is_told() {
    let home = Home::new("");
    home.write("x.toml", "wanted = [{ frequency = \"D\", topic = \"job-finish\", task_id = \"u\" }]");
    let ran = home.run(&["test", "init", "x.toml"]);
    assert!(ran.code == Some(3) && ran.stderr.contains("x.toml:1: the wanted message of `u`"), "{ran}");
    assert_eq!(home.run(&["test", "init", "gone.toml"]).code, Some(3));
}
