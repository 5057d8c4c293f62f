//! A matcher that loops on some messages, in a service that goes on.

use eventlatch_tests::cluster::{Cluster, message};

use super::{UNRULY, home, put, unruly_message, unruly_sensor};
use crate::service::{sensor, table_written};

#[tokio::test(flavor = "multi_thread")]
async fn the_messages_that_it_loops_on_are_set_aside_and_all_others_judged() {
    let cluster = Cluster::start(&["unruly", "etl-finish"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a"]));
    home.write("sensors/tables.json", sensor(&["b"]));
    put(&home, "matchers/unruly.wasm", UNRULY);
    let mut service = home.serve();

    let act = |number| if [100, 250].contains(&number) { "loop" } else { "" };
    let messages = (0..300).map(|number| message("unruly", unruly_message("a", number, act(number))));
    cluster.producer.send_all(messages).await.unwrap();
    cluster.send(&message("etl-finish", table_written("b").to_string())).await;
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'b'", &["success"]);
    home.wait_for_rows(&mut service, "SELECT next FROM offsets WHERE topic = 'unruly'", &["300"]);

    let faults = r#"SELECT "offset" || ' ' || fault FROM dead_letters ORDER BY "offset""#;
    assert_eq!(home.rows(faults), ["100 timed-out", "250 timed-out"]);
    assert_eq!(home.rows("SELECT count(*) FROM matches WHERE topic = 'unruly'"), ["298"]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}
