//! A build that fails after it was taken.

use eventlatch_tests::cluster::{Cluster, message};

use super::{GENERATIONS, UNRULY, WEARY, home, listed, put, unruly_message, unruly_sensor};

const GOOD: usize = 10_000;
const BAD: usize = 2_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_begins_to_fail_is_rolled_back_and_nothing_is_lost() {
    let cluster = Cluster::start(&["unruly"], 2).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a", "b"]));
    put(&home, "matchers/unruly.wasm", UNRULY);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    put(&home, "matchers/unruly.wasm", WEARY);
    home.wait_for_rows(&mut service, GENERATIONS, &["retired", "serving"]);

    let messages = |range: std::ops::Range<usize>| {
        range.map(|number| eventlatch::source::Outgoing {
            key: Some(number.to_string().into()),
            ..message("unruly", unruly_message(if number == GOOD + 7 { "b" } else { "a" }, number, ""))
        })
    };
    cluster.producer.send_all(messages(0..GOOD)).await.unwrap();
    home.wait_for_rows(&mut service, "SELECT sum(next) FROM offsets", &[&GOOD.to_string()]);
    assert_eq!(home.rows("SELECT count(DISTINCT sha256) FROM matches"), ["1"]);
    assert_eq!(home.rows(GENERATIONS), ["retired", "serving"], "{}", service.log_end());

    cluster.producer.send_all(messages(GOOD..GOOD + BAD)).await.unwrap();
    home.wait_for_rows(&mut service, "SELECT sum(next) FROM offsets", &[&(GOOD + BAD).to_string()]);
    home.wait_for_rows(&mut service, GENERATIONS, &["retired", "rolled-back", "serving"]);
    let all = (GOOD + BAD).to_string();
    // What one build brought is caught up for the other, where they render differently.
    let places = "SELECT count(DISTINCT \"partition\" || '/' || \"offset\") FROM matches";
    assert_eq!(home.rows(places), [all]);
    assert_eq!(home.rows("SELECT count(*) FROM dead_letters"), ["0"]);
    // What was judged by one build counts for the other, however each renders what is wanted.
    home.wait_for_rows(&mut service, "SELECT state FROM waits", &["complete"]);
    assert_eq!(home.rows("SELECT state FROM tasks ORDER BY task_id"), ["success", "success"]);
    let reason = &home.rows("SELECT reason FROM generations WHERE state = 'rolled-back'")[0];
    assert!(reason.contains("panicked"), "{reason}");
    assert_eq!(listed(&mut service, "unruly")["refused"]["reason"], reason.as_str());

    let took = format!(
        "SELECT cast(round((julianday(ended_at) - julianday((SELECT min(arrival) FROM matches WHERE id > {GOOD})))
                           * 86400000) AS INTEGER) FROM generations WHERE state = 'rolled-back'"
    );
    println!("rolled back {} ms after the first message on which it failed had arrived", home.rows(&took)[0]);

    // The file that failed still lies there: a restart does not try it again.
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    service.start_again();
    cluster.producer.send_all(messages(GOOD..GOOD + 1)).await.unwrap();
    home.wait_for_rows(&mut service, "SELECT sum(next) FROM offsets", &[&(GOOD + BAD + 1).to_string()]);
    assert_eq!(home.rows(GENERATIONS), ["retired", "rolled-back", "serving"], "{}", service.log_end());
    assert_eq!(home.rows("SELECT count(*) FROM dead_letters"), ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_does_not_end_a_probation() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let home = home(&cluster);
    home.write("sensors/names.json", unruly_sensor(&["a"]));
    put(&home, "matchers/unruly.wasm", UNRULY);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    // One that comes while the service is down is on probation like any other.
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    put(&home, "matchers/unruly.wasm", WEARY);
    for _ in 0..2 {
        service.start_again();
        home.wait_for_rows(&mut service, GENERATIONS, &["retired", "serving"]);
        let shown = listed(&mut service, "unruly");
        assert_eq!((&shown["state"], &shown["version"]), (&"probation".into(), &"2.0.0".into()), "{shown}");
        assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    }
    service.start_again();
    let bad = (0..BAD).map(|number| message("unruly", unruly_message("a", GOOD + number, "")));
    cluster.producer.send_all(bad).await.unwrap();
    home.wait_for_rows(&mut service, GENERATIONS, &["retired", "rolled-back", "serving"]);
    home.wait_for_rows(&mut service, "SELECT count(*) FROM matches", &[&BAD.to_string()]);
    assert_eq!(home.rows("SELECT count(*) FROM dead_letters"), ["0"]);
}
