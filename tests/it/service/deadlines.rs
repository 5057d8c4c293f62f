//! Deadlines and the end of days while the service is down: every wait ends as if it had never been.

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, Home, noon_zone},
    waiting::wait_for,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::json;

use super::{TASKS, table_written};

const WAITS: &str =
    "SELECT sensors.name, waits.state FROM waits JOIN sensors ON sensors.id = sensor_id ORDER BY 1, waits.id";

fn sensor(name: &str, tables: &[&str], timeout: Option<i64>) -> serde_json::Value {
    let wanted = |table: &&str| {
        json!({"frequency": "D", "topic": "etl-finish", "db": "db0", "table": table, "partition_values": "",
               "task_id": format!("{name}-{table}")})
    };
    let mut sensor = json!({"name": name, "wanted": tables.iter().map(wanted).collect::<Vec<_>>()});
    if let Some(timeout) = timeout {
        sensor["timeout"] = timeout.into();
    }
    sensor
}

fn wait_for_clock(until: Timestamp) {
    wait_for("the clock", DEADLINE, || {
        let now = Timestamp::now();
        if now >= until { Ok(()) } else { Err(now.to_string()) }
    });
}

async fn send(cluster: &Cluster, table: &str) {
    cluster.send(&message("etl-finish", table_written(table).to_string())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_in_time_counts_though_it_is_read_after_the_deadline() {
    let cluster = Cluster::start(&["etl-finish"], 2).await;
    let home = Home::new("")
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    let both = json!({"sensors": [sensor("in-time", &["a"], Some(30)), sensor("late", &["a", "b"], Some(30))]});
    home.write("sensors/both.json", both.to_string());
    let mut service = home.serve();
    home.wait_for_rows(&mut service, WAITS, &["in-time|waiting", "late|waiting"]);
    let deadlines = home.rows("SELECT deadline FROM waits ORDER BY deadline DESC LIMIT 1");
    let deadline: Timestamp = deadlines[0].parse().unwrap();
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());

    send(&cluster, "a").await;
    assert!(Timestamp::now() < deadline, "the test's machine is too slow for its deadline");
    wait_for_clock(deadline);
    send(&cluster, "b").await;

    service.start_again();
    home.wait_for_rows(&mut service, WAITS, &["in-time|complete", "late|failed"]);
    assert_eq!(home.rows(TASKS), ["in-time-a|success", "late-a|success", "late-b|failed"]);
    let ended = "SELECT ended_at = deadline, ended_by FROM waits WHERE state = 'failed'";
    assert_eq!(home.rows(ended), ["1|deadline"]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_ends_while_the_service_is_down_ends_as_it_would_have() {
    let cluster = Cluster::start(&["etl-finish"], 2).await;
    // A business day that ends in a moment.
    let ends = Timestamp::now() + SignedDuration::from_secs(40);
    let of_day = ends.to_zoned(TimeZone::UTC).time().duration_since(jiff::civil::Time::midnight()).as_secs();
    let shift = if of_day == 0 { 0 } else { 86_400 - of_day };
    let config = format!("[matchers.etl-finish.config]\nday_shift_seconds = {shift}\n");
    let home = Home::new(&config).with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers());
    let both = json!({"sensors": [sensor("all", &["a"], None), sensor("some", &["a", "b"], None)]});
    home.write("sensors/both.json", both.to_string());
    let mut service = home.serve();
    home.wait_for_rows(&mut service, WAITS, &["all|waiting", "some|waiting"]);
    let closes: Timestamp = home.rows("SELECT max(closes_at) FROM waits")[0].parse().unwrap();
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());

    send(&cluster, "a").await;
    assert!(Timestamp::now() < closes, "the test's machine is too slow for its day");
    wait_for_clock(closes);
    send(&cluster, "b").await;

    service.start_again();
    // The next day has its own waits.
    home.wait_for_rows(&mut service, WAITS, &["all|complete", "all|waiting", "some|failed", "some|waiting"]);
    let tasks = home.rows("SELECT task_id, state FROM tasks ORDER BY task_id, wait");
    let expect = ["all-a|success", "all-a|pending", "some-a|success", "some-a|pending", "some-b|failed"];
    assert_eq!(tasks[..5], expect);
    home.wait_for_rows(
        &mut service,
        "SELECT state FROM tasks WHERE task_id = 'some-b' ORDER BY wait",
        &["failed", "success"],
    );
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}
