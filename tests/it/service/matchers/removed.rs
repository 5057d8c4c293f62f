//! A matcher whose file goes and comes back.

use std::fs;

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::DEADLINE,
    waiting::wait_for,
};

use super::{GENERATIONS, UNRULY, WEARY, home, listed, put, unruly_message, unruly_sensor};
use crate::service::{sensor, table_written};

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_matcher_that_is_gone_wait_for_it_and_others_go_on() {
    let cluster = Cluster::start(&["unruly", "etl-finish"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a"]));
    home.write("sensors/tables.json", sensor(&["b", "c"]));
    put(&home, "matchers/unruly.wasm", UNRULY);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    fs::remove_file(home.path("matchers/unruly.wasm")).unwrap();
    home.wait_for_rows(&mut service, GENERATIONS, &["retired"]);

    cluster.send(&message("unruly", unruly_message("a", 0, ""))).await;
    wait_for("the topic to wait", DEADLINE, || {
        service.log().contains("there is no matcher `unruly` any more").then_some(()).ok_or(service.log_end())
    });
    cluster.send(&message("etl-finish", table_written("b").to_string())).await;
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'b'", &["success"]);
    assert_eq!(home.rows("SELECT state FROM tasks WHERE task_id = 'a'"), ["pending"]);
    let shown = listed(&mut service, "unruly");
    assert_eq!(shown["state"], "gone", "{shown}");
    assert!(shown["reason"].as_str().unwrap().contains("was removed"), "{shown}");

    // Nor does it keep the service from starting.
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    service.start_again();
    cluster.send(&message("etl-finish", table_written("c").to_string())).await;
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'c'", &["success"]);
    assert_eq!(listed(&mut service, "unruly")["state"], "gone");

    put(&home, "matchers/unruly.wasm", UNRULY);
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'a'", &["success"]);
    assert_eq!(home.rows("SELECT count(*) FROM matches"), ["3"]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_back_at_once_was_never_gone() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a"]));
    put(&home, "matchers/unruly.wasm", UNRULY);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    fs::remove_file(home.path("matchers/unruly.wasm")).unwrap();
    put(&home, "matchers/other-name.wasm", UNRULY);
    fs::remove_file(home.path("matchers/other-name.wasm")).unwrap();
    put(&home, "matchers/unruly.wasm", UNRULY);
    cluster.send(&message("unruly", unruly_message("a", 0, ""))).await;
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'a'", &["success"]);
    assert!(!service.log().contains("A matcher is gone"), "{}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_renamed_leaves_no_gap() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a"]));
    put(&home, "matchers/one.wasm", UNRULY);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    // A new one under a new name is no gap either.
    for (from, to, content) in [("one", "two", UNRULY), ("two", "three", WEARY)] {
        put(&home, &format!("matchers/{to}.wasm"), content);
        fs::remove_file(home.path(&format!("matchers/{from}.wasm"))).unwrap();
        let serving = format!(
            "SELECT count(*) FROM generations WHERE matcher = 'unruly' AND state = 'serving' AND origin LIKE '%{to}.wasm'"
        );
        home.wait_for_rows(&mut service, &serving, &["1"]);
    }
    cluster.send(&message("unruly", unruly_message("a", 0, ""))).await;
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'a'", &["success"]);
    assert_eq!(listed(&mut service, "unruly")["state"], "probation");
    assert!(!service.log().contains("A matcher is gone"), "{}", service.log());
}
