//! Commands that look and change nothing.

use eventlatch_tests::{broker::brokers, home::Ran};

use super::home;

#[test]
fn a_good_configuration() {
    assert_result!(home("").run(&["check"]), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish
    sensors        ok  1 (wanted messages: 1)
    store          ok  eventlatch.db (will be created)
    marking        ok  local: the table `tasks` of the store
    exit 0
    ");
}

#[test]
fn a_broker_that_is_there_and_topics_that_are_not() {
    let home = home("").with("EVENTLATCH_KAFKA_BROKERS", brokers());
    home.write(
        "sensors/one.toml",
        "wanted = [{ frequency = \"D\", topic = \"never-made\", id = \"1\", task_id = \"t\" }]",
    );
    home.write(
        "eventlatch.toml",
        "[matchers.never]\nuse = \"fields\"\n[matchers.never.config]\ntopic = \"never-made\"\nkey = [{ field = \"id\" }]\n",
    );
    assert_result!(home.run(&["check", "--broker"]), @r"
    configuration  ok
    matchers       ok  airflow-events etl-finish job-finish never
    sensors        ok  1 (wanted messages: 1)
    store          ok  eventlatch.db (will be created)
    marking        ok  local: the table `tasks` of the store
    broker         ok  cluster ZXZlbnRsYXRjaC10ZXN0cw at [BROKER] (no such topic yet: never-made)
    exit 0
    ");
}

#[test]
fn the_matchers() {
    assert_result!(home("").run(&["matcher", "list"]), @r"
     NAME            VERSION  STATE                TOPICS          ORIGIN    SHA256
     airflow-events  0.1.0    would serve          airflow.events  built in  [SHA256]
     etl-finish      0.1.0    would serve          etl-finish      built in  [SHA256]
     fields          0.1.0    needs configuration  -               built in  [SHA256]
     job-finish      0.1.0    would serve          job-finish      built in  [SHA256]
    exit 0
    ");
}

#[test]
fn one_matcher() {
    assert_result!(home("").run(&["matcher", "inspect", "job-finish"]), @r#"
     name       job-finish
     summary    a job has ended
     version    0.1.0
     interface  eventlatch:matcher@1.0.0
     topics     job-finish
     day shift  0 s
     origin     built in
     size       [SIZE]
     sha256     [SHA256]
     cases      0
     form       component
     imports    eventlatch:matcher/host@1.0.0
     exports    eventlatch:matcher/guest@1.0.0

    schema of the wanted message:
    {
      "additionalProperties": false,
      "properties": {
        "is_success": {
          "default": true,
          "type": "boolean"
        },
        "job_name": {
          "type": "string"
        }
      },
      "required": [
        "job_name"
      ],
      "type": "object"
    }

    schema of the message:
    {
      "properties": {
        "is_success": {
          "type": "boolean"
        },
        "job_name": {
          "type": "string"
        },
        "timestamp": {
          "description": "epoch seconds, `YYYY-MM-DD HH:MM:SS` in the sensor's zone, or RFC 3339",
          "type": [
            "number",
            "string"
          ]
        }
      },
      "required": [
        "job_name",
        "is_success",
        "timestamp"
      ],
      "type": "object"
    }

    schema of the configuration:
    {
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "additionalProperties": false,
      "description": "`[matchers.job-finish.config]`",
      "properties": {
        "day_shift_seconds": {
          "default": 0,
          "description": "Seconds by which the business day begins before midnight (7200: at 22:00 of the day before).",
          "format": "int32",
          "type": "integer"
        }
      },
      "title": "Config",
      "type": "object"
    }
    exit 0
    "#);
}

#[test]
fn matchers_that_are_none() {
    let home = home("");
    home.write("notes.wasm", "not a matcher");
    assert_result!(home.run(&["matcher", "inspect", "notes.wasm"]), @r"
    ! error: cannot inspect notes.wasm
    !   caused by: it is not a WebAssembly file (hint: `cargo build --release --target wasm32-unknown-unknown` makes one of a matcher)
    exit 4
    ");
    assert_result!(home.run(&["matcher", "inspect", "gone.wasm"]), @r"
    ! error: cannot inspect gone.wasm
    !   caused by: No such file or directory (os error 2)
    exit 4
    ");
    assert_result!(home.run(&["matcher", "inspect", "gone"]), @r"
    ! error: there is no matcher `gone` (hint: `eventlatch matcher list`)
    exit 4
    ");
}

#[test]
fn a_sensor_that_waits() {
    let home = home("");
    home.run(&["run", "--input", "-"]);
    assert_result!(home.run(&["status"]), @r#"
    one · [DATE] · waiting, 0 of 1 received
       TASK  STATE    TOPIC       WANTED                                   RECEIVED  EXPIRES
       tbla  missing  etl-finish  db=db0 partition_values="" table=table0  -         [DATE] 23:59:59

    No service runs on this database, so nothing is read: `eventlatch run`
    exit 0
    "#);
}

#[test]
fn completions() {
    for shell in ["bash", "zsh", "fish"] {
        let Ran { code, stdout, stderr } = home("").run(&["completions", shell]);
        assert!(code == Some(0) && stderr.is_empty() && stdout.contains("eventlatch"), "{shell}: {stderr}");
    }
}

#[test]
fn the_help() {
    assert_result!(home("").run(&["--help"]), @r"
    Waits for Kafka messages so that no workflow task has to

    Usage: eventlatch [OPTIONS] <COMMAND>

    Commands:
      run          Run the service
      demo         See it work, without any broker: the example of three wanted messages
      check        Check configuration, sensors, matchers and marking; changes nothing
      test         Play scenarios: sensor tests on a virtual clock
      send         Send messages to a topic
      status       Show what has been received and what is still missing
      explain      Say why a sensor still waits, or what one message would do
      replay       Judge messages that came before by another build of a matcher, and show what differs
      report       Report what is missing now, or was on a date
      matcher      Write matchers, try them out, and look at those that serve
      dead-letter  Look at messages that were set aside, and have them judged again
      mark         Look at what is to be told to the outside, and have it tried again
      partition    Look at partitions, and release those that stand still
      sensor       Look at sensors, and define them in a running service
      wait         Open waits on a sensor, look at them, wait for their end
      store        Save the store while the service runs, look whether it is sound, give free space back
      openapi      Print the OpenAPI document of the HTTP API
      completions  Print a completion script for a shell
      help         Print this message or the help of the given subcommand(s)

    Options:
      -c, --config <FILE>  The configuration file [default: eventlatch.toml, if there is one] [env: EVENTLATCH_CONFIG=]
      -h, --help           Print help
      -V, --version        Print version

    Exit codes: 0 done · 1 unexpected failure, or a scenario or case that differs · 2 wrong command line · 3 configuration, sensor, scenario or case file · 4 matcher · 5 store · 6 Kafka or input file · 7 marking · 8 the API: its address is taken, no service answers, or it wants a token · 9 a wait failed, was skipped or cancelled · 10 a wait has not ended yet · 11 a message at which the service is to stop (`on_fault`, `on_reject`) · 12 the service did not end in order: a second signal, or `shutdown_seconds` were over · 13 two builds differ over the messages of a replay
    exit 0
    ");
}
