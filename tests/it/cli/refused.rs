//! What is wrong is told once, with file, line and remedy, and an exit code.

use eventlatch_tests::{
    home::{DEADLINE, Home},
    waiting::wait_for,
};
use insta::assert_snapshot;

use super::home;

fn check(config: &str) -> String {
    home(config).run(&["check"]).to_string()
}

fn check_sensor(file: &str, text: &str) -> String {
    let home = home("");
    home.write(&format!("sensors/{file}"), text);
    home.run(&["check"]).to_string()
}

#[test]
fn an_unknown_key() {
    assert_snapshot!(check("[kafka]\nbrokers = \"localhost:9092\"\ngrup = \"mine\"\n"), @r#"
    ! error: eventlatch.toml:3:1: unknown key `grup`, expected one of `brokers`, `group`, `client_id`, `delivery`, `start`, `on_gap`, `max_messages`, `max_bytes`, `max_wait_ms`, `tombstones`, `commit_interval_seconds`, `instance_id`, `protocol`, `properties`
    !   |
    ! 3 | grup = "mine"
    !   | ^^^^
    exit 3
    "#);
}

#[test]
fn an_unknown_section() {
    assert_snapshot!(check("[kakfa]\nbrokers = \"localhost:9092\"\n"), @r"
    ! error: eventlatch.toml:1:2: unknown key `kakfa`, expected one of `kafka`, `topics`, `store`, `sensors`, `matchers`, `marking`, `dead_letters`, `report`, `api`, `service`, `telemetry`
    !   |
    ! 1 | [kakfa]
    !   |  ^^^^^
    exit 3
    ");
}

#[test]
fn a_value_of_the_wrong_type() {
    assert_snapshot!(check("[matchers]\nworkers = \"many\"\n"), @r#"
    ! error: eventlatch.toml:2:11: wrong type: string "many", expected a whole number
    !   |
    ! 2 | workers = "many"
    !   |           ^^^^^^
    exit 3
    "#);
}

#[test]
fn a_text_that_is_not_closed() {
    assert_snapshot!(check("[kafka]\nbrokers = \"localhost\n"), @r#"
    ! error: eventlatch.toml:2:21: invalid basic string, expected `"`
    !   |
    ! 2 | brokers = "localhost
    !   |                     ^
    exit 3
    "#);
}

#[test]
fn a_file_that_is_not_there() {
    assert_snapshot!(home("").run(&["check", "-c", "other.toml"]), @r"
    ! error: cannot read the configuration `other.toml` (hint: name the file with `-c FILE`)
    !   caused by: No such file or directory (os error 2)
    exit 3
    ");
}

#[test]
fn a_variable_of_the_wrong_type() {
    assert_snapshot!(home("").with("EVENTLATCH_KAFKA_MAX_MESSAGES", "lots").run(&["check"]), @r#"
    ! error: the environment variable EVENTLATCH_KAFKA_MAX_MESSAGES cannot be used: wrong type: string "lots", expected a whole number
    exit 3
    "#);
}

#[test]
fn marking_without_its_section() {
    assert_snapshot!(check("[marking]\nadapter = \"sql\"\n"), @r#"
    ! error: eventlatch.toml: `adapter = "sql"` needs a section `[marking.sql]`
    exit 3
    "#);
}

#[test]
fn marking_in_a_database_that_is_not_there() {
    let config = "[marking]\nadapter = \"sql\"\n[marking.sql]\ndatabase = \"jobs.db\"\nstatement = \"SELECT 1\"\n";
    assert_snapshot!(check(config), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    sensors        ok  1 (wanted messages: 1)
    store          ok  eventlatch.db (will be created)
    ! error: tasks cannot be marked: unable to open database file: jobs.db
    exit 7
    ");
}

#[test]
fn a_statement_with_an_unknown_parameter() {
    let home = home(
        "[marking]\nadapter = \"sql\"\n[marking.sql]\ndatabase = \"jobs.db\"\n\
         statement = \"UPDATE jobs SET state = :stat\"\n",
    );
    home.execute("jobs.db", "CREATE TABLE jobs (state)");
    assert_snapshot!(home.run(&["check"]), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    sensors        ok  1 (wanted messages: 1)
    store          ok  eventlatch.db (will be created)
    ! error: tasks cannot be marked: the statement has the unknown parameter `:stat`; known are :mark_id, :sensor, :wait, :business_date, :task_id, :state, :target, :topic, :partition, :offset, :matcher, :sha256, :event_time, :arrival
    exit 7
    ");
}

#[test]
fn a_property_that_would_break_a_guarantee() {
    assert_snapshot!(check("[kafka.properties]\nclient.rack = \"a\"\nenable.auto.commit = true\n"), @r"
    ! error: eventlatch.toml:3:13: `enable.auto.commit` cannot be set here: an offset is stored only once the messages before it are recorded
    !   |
    ! 3 | enable.auto.commit = true
    !   |             ^^^^^^
    exit 3
    ");
}

#[test]
fn a_property_that_nobody_knows() {
    assert_snapshot!(check("[kafka.properties]\nsesion.timeout.ms = 6000\n"), @r"
    ! error: `sesion.timeout.ms` in [kafka.properties]: No such configuration property
    exit 3
    ");
}

#[test]
fn a_broker_that_does_not_answer() {
    let home = home("[kafka]\nbrokers = \"127.0.0.1:1\"\n");
    assert_snapshot!(home.run(&["check", "--broker", "--timeout", "2"]), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    sensors        ok  1 (wanted messages: 1)
    store          ok  eventlatch.db (will be created)
    marking        ok  local: the table `tasks` of the store
    ! error: no Kafka broker answers at 127.0.0.1:1: 127.0.0.1:1: Connect to ipv4#127.0.0.1:1 failed: Connection refused; check `brokers` in [kafka] and the network between
    exit 6
    ");
}

#[test]
fn a_topic_that_no_matcher_serves() {
    let sensor = "wanted = [\n  { frequency = \"D\", topic = \"orders\", task_id = \"t\" },\n]\n";
    assert_snapshot!(check_sensor("two.toml", sensor), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: the sensor files cannot be used
    !   sensors/two.toml:2: no matcher serves the topic `orders` (hint: topics served are `airflow.events`, `etl-finish`, `job-finish`)
    exit 3
    ");
}

#[test]
fn a_topic_that_two_matchers_serve() {
    let config = r#"
        [matchers.other]
        use = "fields"
        [matchers.other.config]
        topic = "etl-finish"
        key = [{ field = "db" }]
        "#;
    assert_snapshot!(check(config), @r#"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish other
    ! error: the sensor files cannot be used
    !   sensors/one.toml:2: the topic `etl-finish` is served by several matchers: `etl-finish`, `other` (hint: name one with `matcher = "…"`)
    exit 3
    "#);
}

#[test]
fn a_matcher_that_is_not_there() {
    assert_snapshot!(check("[matchers.orders]\nuse = \"order-shipped\"\n"), @r"
    configuration  ok
    ! error: there is no matcher `order-shipped` for [matchers.orders] (hint: the matchers are `airflow-events`, `etl-finish`, `fields`, `job-finish`; `use` names another one)
    exit 4
    ");
}

#[test]
fn a_matcher_without_what_it_needs() {
    assert_snapshot!(check("[matchers.orders]\nuse = \"fields\"\n"), @r"
    configuration  ok
    ! error: cannot load the matcher `orders`
    !   caused by: it refuses [matchers.orders.config]: missing field `topic`
    exit 4
    ");
}

#[test]
fn a_matcher_with_a_setting_that_it_does_not_know() {
    assert_snapshot!(check("[matchers.etl-finish.config]\npartition_lag = 2\n"), @r"
    configuration  ok
    ! error: cannot load a built-in matcher
    !   caused by: it refuses [matchers.etl-finish.config]: `partition_lag`: unknown field; known: `day_shift_seconds`, `partition_lag_days`
    exit 4
    ");
}

#[test]
fn a_file_that_is_no_matcher() {
    let home = home("");
    home.write("matchers/notes.wasm", "not a matcher");
    assert_snapshot!(home.run(&["check"]), @r"
    configuration  ok
    ! error: cannot load the matcher `matchers/notes.wasm`
    !   caused by: it is not a WebAssembly file (hint: `cargo build --release --target wasm32-unknown-unknown` makes one of a matcher)
    exit 4
    ");
}

#[test]
fn a_template_that_cannot_be_read() {
    let sensor = r#"
wanted = [
  { frequency = "D", topic = "etl-finish", db = "d", table = "t", partition_values = "{{yyyymm|dt.fromat()}}", task_id = "t" },
]
"#;
    assert_snapshot!(check_sensor("two.toml", sensor), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: the sensor files cannot be used
    !   sensors/two.toml:3: the wanted message of `t`: `partition_values`: unknown filter in template: filter dt.fromat is unknown; for dates there are `dt.format`, `dt.add_day` and `dt.add_month`
    exit 3
    ");
}

#[test]
fn toml_that_cannot_be_read() {
    assert_snapshot!(check_sensor("two.toml", "wanted = [\n  { frequency = \"D\", topic\n]\n"), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: the sensor files cannot be used
    !   sensors/two.toml:3: invalid inline table element, expected `=`
    exit 3
    ");
}

#[test]
fn json_that_cannot_be_read() {
    assert_snapshot!(check_sensor("two.json", "{\"wanted\": [\n  {\"frequency\": \"D\",}\n]}\n"), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: the sensor files cannot be used
    !   sensors/two.json:2: trailing comma
    exit 3
    ");
}

#[test]
fn several_mistakes_at_once() {
    let sensor = r#"{"timezone": "Europe/Berlin", "wanted": [
  {"frequency": "X", "topic": "etl-finish", "db": "d", "table": "t", "task_id": "t"},
  {"frequency": "D", "topic": "job-finish", "job_nam": "j", "task_id": "t"},
  {"frequency": "D", "topic": "job-finish", "job_name": "j"}
]}
"#;
    assert_snapshot!(check_sensor("two.json", sensor), @r#"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: the sensor files cannot be used
    !   sensors/two.json:2: `X` is not a frequency: write "H" (hour), "D" (business day), "W", "M" (month), "Q", "Y" or "once"
    !   sensors/two.json:3: the wanted message of `t`: `job_name`: is missing; it must be text
    !   sensors/two.json:4: `task_id` is missing: a wanted message has `frequency`, `topic` and `task_id`
    exit 3
    "#);
}

#[test]
fn a_sensor_without_anything_wanted() {
    assert_snapshot!(check_sensor("two.toml", "name = \"two\"\nwanted = []\n"), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: the sensor files cannot be used
    !   sensors/two.toml:1: the sensor `two` wants nothing: give it at least one message in `wanted`
    exit 3
    ");
}

#[test]
fn a_sensor_with_an_unknown_key() {
    assert_snapshot!(check_sensor("two.toml", "name = \"two\"\nwnated = []\n"), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: the sensor files cannot be used
    !   sensors/two.toml:2: unknown key `wnated`, expected one of `name`, `timezone`, `open`, `require`, `timeout`, `on_timeout`, `late`, `target`, `wanted`
    exit 3
    ");
}

#[test]
fn a_sensor_whose_terms_make_no_sense() {
    let sensor = r#"
timezone = 7
wanted = [{ frequency = "D", topic = "job-finish", task_id = "t", job_name = "j" }]
"#;
    assert_snapshot!(check_sensor("two.toml", sensor), @r#"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: the sensor files cannot be used
    !   sensors/two.toml:2: `timezone` must be an IANA name such as "Europe/Berlin", not 7
    exit 3
    "#);
    let sensor = r#"
open = "now"
require = 4
timeout = "0 0 30 2 *"
on_timeout = "wait"
late = true
wanted = [
  { frequency = "D", topic = "job-finish", task_id = "t", job_name = "j", count = 0 },
  { frequency = "D", topic = "job-finish", task_id = "u", job_name = "j", optional = true },
  "job-finish",
]
"#;
    assert_snapshot!(check_sensor("two.toml", sensor), @r#"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: the sensor files cannot be used
    !   sensors/two.toml:2: `open` must be "window" (with every window) or "request" (when somebody asks), not "now"
    !   sensors/two.toml:3: `require = 4` can never be met: 2 of the wanted messages are not optional (hint: write "all" or less)
    !   sensors/two.toml:4: `timeout`: the cron expression `0 0 30 2 *` never comes
    !   sensors/two.toml:5: `on_timeout` must be "fail" or "skip", not "wait"
    !   sensors/two.toml:6: `late` must be "ignore" or "heal", not true
    !   sensors/two.toml:8: `count` must be how many messages are wanted, 1 to 4294967295, not 0
    !   sensors/two.toml:10: a wanted message must be a dictionary (an object, a table), not "job-finish"
    exit 3
    "#);
}

#[test]
fn two_sensors_of_one_name() {
    assert_snapshot!(check_sensor("two.toml", &format!("name = \"one\"\n{}", super::SENSOR)), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: the sensor files cannot be used
    !   sensors/two.toml:1: the sensor `one` is defined in sensors/one.toml too: rename one
    exit 3
    ");
}

#[test]
fn a_zone_that_does_not_exist() {
    assert_snapshot!(check_sensor("two.toml", &format!("timezone = \"Berlin\"\n{}", super::SENSOR)), @r#"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: the sensor files cannot be used
    !   sensors/two.toml:1: there is no time zone `Berlin`: write an IANA name such as "Europe/Berlin"
    exit 3
    "#);
}

#[test]
fn a_sensor_directory_that_is_not_there() {
    assert_snapshot!(check("[sensors]\ndirectory = \"nowhere\"\n"), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: cannot read the sensor directory `nowhere` (hint: create it, or set `directory` in [sensors])
    !   caused by: No such file or directory (os error 2)
    exit 3
    ");
}

#[test]
fn a_sensor_directory_that_is_a_file() {
    assert_snapshot!(check("[sensors]\ndirectory = \"eventlatch.toml\"\n"), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: cannot read the sensor directory `eventlatch.toml` (hint: create it, or set `directory` in [sensors])
    !   caused by: Not a directory (os error 20)
    exit 3
    ");
}

#[test]
fn sensor_files_that_cannot_be_read() {
    let home = home("");
    home.write("sensors/text.toml", b"name = \"\xff\"");
    std::fs::create_dir(home.path("sensors/two.toml")).unwrap();
    assert_snapshot!(home.run(&["check"]), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    ! error: the sensor files cannot be used
    !   sensors/text.toml: cannot be read: stream did not contain valid UTF-8
    !   sensors/two.toml: cannot be read: Is a directory (os error 21)
    exit 3
    ");
}

#[test]
fn a_store_of_a_newer_version() {
    let home = started_once();
    home.execute("eventlatch.db", "PRAGMA user_version = 99");
    assert_snapshot!(home.run(&["run", "--input", "-"]), @r"
    ! error: the store eventlatch.db has schema version 99, this eventlatch knows versions up to 5: use the newer eventlatch that wrote it, or restore a backup
    exit 5
    ");
    assert_snapshot!(home.run(&["check"]), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    sensors        ok  1 (wanted messages: 1)
    ! error: the store eventlatch.db has schema version 99, this eventlatch knows versions up to 5: use the newer eventlatch that wrote it, or restore a backup
    exit 5
    ");
}

#[test]
fn a_store_that_is_another_database() {
    let home = home("");
    home.execute("eventlatch.db", "CREATE TABLE mine (id)");
    assert_snapshot!(home.run(&["run", "--input", "-"]), @r"
    ! error: eventlatch.db is no eventlatch store (its application id is 0x00000000, ours 0x65766c74): give another `[store] path`
    exit 5
    ");
}

#[test]
fn a_store_that_is_no_database() {
    let home = home("");
    home.write("eventlatch.db", "this is not a database, but it is long enough to be mistaken for one ".repeat(20));
    assert_snapshot!(home.run(&["status"]), @r"
    ! error: eventlatch.db is no SQLite database: give another `[store] path`
    exit 5
    ");
}

#[test]
fn a_store_in_use() {
    let home = home("[kafka]\nbrokers = \"127.0.0.1:1\"\n");
    let _first = home.serve();
    wait_for("the store to be made", DEADLINE, || {
        home.rows_of("eventlatch.db", "SELECT 1 FROM sensors").map_err(|error| error.to_string())
    });
    assert_snapshot!(home.run(&["run"]), @r"
    ! error: the store eventlatch.db is in use by another process: stop that one, give this one another `[store] path`, or let it wait by `eventlatch run --standby`
    exit 5
    ");
}

#[test]
fn a_store_that_is_not_there() {
    assert_snapshot!(home("").run(&["status"]), @r"
    ! error: there is no store at eventlatch.db: `eventlatch run` makes one
    exit 5
    ");
}

#[test]
fn a_sensor_that_is_not_there() {
    assert_snapshot!(started_once().run(&["status", "two"]), @r"
    ! error: there is no sensor `two` (hint: `eventlatch status` lists all)
    exit 1
    ");
}

#[test]
fn a_command_that_is_none() {
    assert_snapshot!(home("").run(&["strat"]), @r"
    ! error: unrecognized subcommand 'strat'
    ! 
    !   tip: some similar subcommands exist: 'store', 'status'
    ! 
    ! Usage: eventlatch [OPTIONS] <COMMAND>
    ! 
    ! For more information, try '--help'.
    exit 2
    ");
}

/// A service that has a store.
fn started_once() -> Home {
    let home = home("");
    let ran = home.run(&["run", "--input", "-"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    home
}
