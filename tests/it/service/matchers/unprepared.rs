//! A matcher that cannot be asked what is wanted on some day.

use std::time::Duration;

use eventlatch::source::Outgoing;
use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, noon_zone},
    waiting::wait_for,
};
use jiff::{Timestamp, tz::TimeZone};

use super::{UNRULY, WEARY, home, listed, put, unruly_message, unruly_sensor};
use crate::service::{sensor, table_written};

#[tokio::test(flavor = "multi_thread")]
async fn its_topics_wait_on_that_day_and_others_go_on() {
    let cluster = Cluster::start(&["unruly", "etl-finish"], 1).await;
    let home = home(&cluster);
    let yesterday = Timestamp::now() - Duration::from_secs(24 * 60 * 60);
    let day = yesterday.to_zoned(TimeZone::get(&noon_zone()).unwrap()).date();
    // One alone would be taken for a mistake in it.
    let busy = [1, 2].map(|number| format!("loop on {day} {number}"));
    home.write("sensors/names.json", unruly_sensor(&[&busy[0], &busy[1]]));
    home.write("sensors/tables.json", sensor(&["b"]));
    put(&home, "matchers/unruly.wasm", UNRULY);
    let mut service = home.serve();
    let of_yesterday = |message| Outgoing { timestamp: Some(yesterday), ..message };

    cluster.send(&of_yesterday(message("unruly", unruly_message(&busy[0], 0, "")))).await;
    wait_for("the topic to wait", DEADLINE, || {
        service.log().contains("cannot be asked of the matcher").then_some(()).ok_or(service.log_end())
    });
    let shown = listed(&mut service, "unruly");
    assert_eq!(shown["state"], "quarantined", "{shown}");
    cluster.send(&of_yesterday(message("etl-finish", table_written("b").to_string()))).await;
    cluster.send(&message("etl-finish", table_written("b").to_string())).await;
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'b'", &["success"]);
    home.wait_for_rows(&mut service, "SELECT topic, next FROM offsets ORDER BY 1", &["etl-finish|2"]);

    put(&home, "matchers/unruly.wasm", WEARY);
    home.wait_for_rows(&mut service, "SELECT next FROM offsets WHERE topic = 'unruly'", &["1"]);
    let matches = "SELECT business_date FROM matches WHERE topic = 'unruly'";
    assert_eq!(home.rows(matches), [day.to_string()]);
    assert_eq!(listed(&mut service, "unruly")["reason"], serde_json::Value::Null);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}
