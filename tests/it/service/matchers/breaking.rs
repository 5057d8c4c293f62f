//! A matcher that keeps failing, with no build before it that could help.

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::DEADLINE,
    waiting::wait_for,
};

use super::{GENERATIONS, UNRULY, WEARY, home, put, unruly_message, unruly_sensor};
use crate::service::{sensor, table_written};

#[tokio::test(flavor = "multi_thread")]
async fn its_topic_waits_until_a_build_comes_that_works_and_others_go_on() {
    let cluster = Cluster::start(&["unruly", "etl-finish"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a"]));
    home.write("sensors/tables.json", sensor(&["b"]));
    put(&home, "matchers/unruly.wasm", WEARY);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);

    let bad = (0..200).map(|number| message("unruly", unruly_message("a", 10_000 + number, "")));
    cluster.producer.send_all(bad).await.unwrap();
    home.wait_for_rows(&mut service, GENERATIONS, &["quarantined"]);
    wait_for("the topic to wait", DEADLINE, || {
        service.log().contains("A topic waits").then_some(()).ok_or(service.log_end())
    });
    cluster.send(&message("etl-finish", table_written("b").to_string())).await;
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'b'", &["success"]);

    put(&home, "matchers/unruly.wasm", UNRULY);
    home.wait_for_rows(&mut service, "SELECT next FROM offsets WHERE topic = 'unruly'", &["200"]);
    home.wait_for_rows(&mut service, GENERATIONS, &["retired", "serving"]);
    // A few may have been set aside one by one before there were too many; none is missing.
    let rows = "SELECT (SELECT count(*) FROM matches WHERE topic = 'unruly') + (SELECT count(*) FROM dead_letters)";
    assert_eq!(home.rows(rows), ["200"]);
    let aside: u64 = home.rows("SELECT count(*) FROM dead_letters")[0].parse().unwrap();
    assert!(aside <= 50, "{aside} were set aside");
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}
