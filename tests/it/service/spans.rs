//! Spans of messages, as a collector gets them.

use eventlatch_tests::{
    collector::Collector,
    home::{DEADLINE, Home, noon_zone},
    service::Service,
    waiting::wait_for,
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{Span, status::StatusCode},
};
use prost::Message as _;
use serde_json::json;

use super::{sensor, table_written};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn home(endpoint: &str) -> Home {
    let home = Home::new(
        r#"
        [marking]
        adapter = "sql"
        backoff = { first_seconds = 0.05, limit_seconds = 0.2 }
        [marking.sql]
        database = "jobs.db"
        statement = "UPDATE jobs SET state = :state WHERE name = :task_id"
        [telemetry.otlp]
        headers = { authorization = "Bearer t0ken" }
        "#,
    )
    .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone())
    .with("EVENTLATCH_TELEMETRY_OTLP_ENDPOINT", endpoint);
    home.write("sensors/tables.json", sensor(&["a", "b"]));
    home.execute("jobs.db", "CREATE TABLE jobs (name, state); INSERT INTO jobs VALUES ('a', 'waiting')");
    home
}

fn serve(home: &Home) -> Service {
    Service::start_fed(home.command(&["run", "--input", "-"]), &home.path("service.log"))
}

/// A line with a message that says that a table was written.
fn line(table: &str, flags: Option<&str>) -> String {
    let headers = flags.map(|flags| json!({"traceparent": format!("00-{TRACE}-{PARENT}-{flags}")}));
    let headers = headers.unwrap_or_else(|| json!({}));
    json!({"topic": "etl-finish", "value": table_written(table), "headers": headers}).to_string() + "\n"
}

fn spans(collector: &Collector) -> Vec<Span> {
    let decoded = |posted: &eventlatch_tests::collector::Posted| {
        assert_eq!(posted.path, "/v1/traces");
        assert!(posted.headers.contains(&("authorization".to_owned(), "Bearer t0ken".to_owned())), "{posted:?}");
        ExportTraceServiceRequest::decode(&*posted.body).unwrap()
    };
    let resources = collector.posted().iter().flat_map(|posted| decoded(posted).resource_spans).collect::<Vec<_>>();
    let of_service = |attributes: &[KeyValue]| text(attributes, "service.name").as_deref() == Some("eventlatch");
    assert!(resources.iter().all(|it| of_service(&it.resource.as_ref().unwrap().attributes)));
    resources.into_iter().flat_map(|it| it.scope_spans).flat_map(|it| it.spans).collect()
}

fn text(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|it| it.key == key)?.value.clone()?.value?;
    Some(match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_message_continues_its_trace_and_its_mark_continues_it() {
    let collector = Collector::start();
    let home = home(&collector.url());
    let mut service = serve(&home);
    service.feed(&line("a", Some("01")));
    home.wait_for_rows(&mut service, "SELECT status FROM marks WHERE task_id = 'a'", &["delivered"]);
    service.feed("{\"topic\": \"etl-finish\", \"value\": \"malformed\"}\n");
    let named = |all: &[Span], name: &str| all.iter().filter(|span| span.name == name).cloned().collect::<Vec<_>>();
    let all = wait_for("the spans", DEADLINE, || {
        let all = spans(&collector);
        let done = named(&all, "judge etl-finish").len() == 2 && named(&all, "mark sql").len() == 1;
        if done { Ok(all) } else { Err(format!("{all:#?}\n{}", service.log_end())) }
    });

    let judged = named(&all, "judge etl-finish");
    let matched = judged.iter().find(|span| hex(&span.trace_id) == TRACE).unwrap();
    assert_eq!(hex(&matched.parent_span_id), PARENT);
    for (key, value) in [
        ("messaging.system", "kafka"),
        ("messaging.destination.name", "etl-finish"),
        ("messaging.destination.partition.id", "0"),
        ("messaging.kafka.offset", "1"),
        ("messaging.consumer.group.name", "eventlatch"),
        ("eventlatch.outcome", "matched"),
    ] {
        assert_eq!(text(&matched.attributes, key).as_deref(), Some(value), "{key}: {matched:#?}");
    }
    let batches = named(&all, "process etl-finish");
    assert!(batches.iter().any(|batch| batch.span_id == matched.links[0].span_id), "{all:#?}");

    let [mark] = &named(&all, "mark sql")[..] else { panic!("{all:#?}") };
    assert_eq!((hex(&mark.trace_id), &mark.parent_span_id), (TRACE.to_owned(), &matched.span_id));
    assert_eq!(text(&mark.attributes, "eventlatch.outcome").as_deref(), Some("delivered"));
    assert_eq!(home.rows("SELECT traceparent FROM matches"), [format!("00-{TRACE}-{}-01", hex(&matched.span_id))]);

    let refused = judged.iter().find(|span| hex(&span.trace_id) != TRACE).unwrap();
    assert!(batches.iter().any(|batch| batch.span_id == refused.parent_span_id), "{all:#?}");
    assert_eq!(refused.status.as_ref().unwrap().code, StatusCode::Error as i32);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}

#[test]
fn what_was_not_sampled_is_handed_on_as_it_came_and_the_last_spans_are_sent_at_the_end() {
    let collector = Collector::start();
    let home = home(&collector.url());
    let ran = home.run_with_input(&["run", "--input", "-"], &line("a", Some("00")));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(home.rows("SELECT traceparent FROM matches"), [format!("00-{TRACE}-{PARENT}-00")]);
    let names: Vec<_> = spans(&collector).into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["process etl-finish"]);
}

#[test]
fn a_collector_that_is_away_holds_up_nobody() {
    let home = home("http://127.0.0.1:1");
    let mut service = serve(&home);
    service.feed(&line("a", None));
    home.wait_for_rows(&mut service, "SELECT status FROM marks WHERE task_id = 'a'", &["delivered"]);
    wait_for("the log to say so", DEADLINE, || match service.log().matches("Spans are not taken").count() {
        0 => Err(service.log_end()),
        _ => Ok(()),
    });
    service.feed(&line("b", None));
    home.wait_for_rows(&mut service, "SELECT count(*) FROM matches", &["2"]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    assert_eq!(service.log().matches("Spans are not taken").count(), 1, "{}", service.log_end());
}
