//! Asked to end: what is in hand is recorded, and the next start goes on there.

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, Home, noon_zone, open},
    service::Service,
    waiting::wait_for,
};

use super::{lines, sensor, table_written};

const COUNT: usize = 20_000;

#[tokio::test(flavor = "multi_thread")]
async fn the_batch_in_hand_is_recorded_and_the_next_start_goes_on() {
    let cluster = Cluster::start(&["etl-finish"], 1).await;
    let home = Home::new("[kafka]\nmax_messages = 100\n")
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a"]));
    let value = table_written("a").to_string();
    cluster.producer.send_all((0..COUNT).map(|_| message("etl-finish", value.clone()))).await.unwrap();

    let mut service = home.serve();
    let next = || home.rows_of("eventlatch.db", "SELECT next FROM offsets").unwrap_or_default();
    wait_for("the first messages to be recorded", DEADLINE, || (!next().is_empty()).then_some(()).ok_or(service.log()));
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    // Every message is a match: they are as many as the offset says.
    let recorded = home.rows("SELECT count(*) FROM matches");
    assert_eq!(recorded, next());
    assert_ne!(recorded, [COUNT.to_string()], "it ended only when there was nothing more to do");

    service.start_again();
    home.wait_for_rows(&mut service, "SELECT next FROM offsets", &[&COUNT.to_string()]);
    assert_eq!(home.rows("SELECT count(*), count(DISTINCT \"offset\") FROM matches"), [format!("{COUNT}|{COUNT}")]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}

/// A service that reads lines, with marks that hang: the database of its tasks is locked.
fn with_hanging_marks(config: &str) -> (Home, Service, rusqlite::Connection) {
    let home = Home::new(&format!(
        "{config}\n[marking]\nadapter = \"sql\"\n[marking.sql]\ndatabase = \"jobs.db\"\n\
         statement = \"INSERT INTO jobs VALUES (:task_id, :state)\"\n"
    ))
    .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a"]));
    home.execute("jobs.db", "CREATE TABLE jobs (name, state)");
    let mut service = Service::start_fed(home.command(&["run", "--input", "-"]), &home.path("service.log"));
    home.wait_for_rows(&mut service, "SELECT count(*) FROM waits", &["1"]);
    let lock = open(&home.path("jobs.db"));
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    service.feed(&lines(&["a"]));
    home.wait_for_rows(&mut service, "SELECT count(*) FROM matches", &["1"]);
    (home, service, lock)
}

#[test]
fn a_second_signal_ends_it_at_once_and_nothing_is_lost() {
    let (home, mut service, lock) = with_hanging_marks("");
    service.signal("TERM");
    wait_for("it to begin to stop", DEADLINE, || {
        service.log().contains("Stopping").then_some(()).ok_or_else(|| service.log_end())
    });
    service.signal("INT");
    let ended = wait_for("it to end", DEADLINE, || service.ended().ok_or_else(|| service.log_end()));
    assert!(matches!(ended.code(), Some(0 | 12)), "{}", service.log_end());
    drop(lock);
    service.start_again();
    home.wait_for_rows(&mut service, "SELECT DISTINCT status FROM marks WHERE state = 'success'", &["delivered"]);
    assert_eq!(home.rows_of("jobs.db", "SELECT * FROM jobs").unwrap(), ["a|success"]);
}

#[test]
fn what_does_not_end_in_time_is_named_and_done_again() {
    let (home, mut service, lock) = with_hanging_marks("[service]\nshutdown_seconds = 1\n");
    assert_eq!(service.terminate().code(), Some(12), "{}", service.log_end());
    assert!(service.log_end().contains("did not end in time: marking"), "{}", service.log_end());
    drop(lock);
    service.start_again();
    home.wait_for_rows(&mut service, "SELECT DISTINCT status FROM marks WHERE state = 'success'", &["delivered"]);
    assert_eq!(home.rows_of("jobs.db", "SELECT * FROM jobs").unwrap(), ["a|success"]);
}

#[test]
fn it_stops_while_no_broker_is_there() {
    let home = Home::new("").with("EVENTLATCH_KAFKA_BROKERS", "127.0.0.1:1");
    home.write("sensors/tables.json", sensor(&["a"]));
    for signal in ["TERM", "INT"] {
        let mut service = home.serve();
        service.url();
        service.signal(signal);
        let ended = wait_for("it to end", DEADLINE, || service.ended().ok_or_else(|| service.log_end()));
        assert_eq!(ended.code(), Some(0), "{}", service.log_end());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_in_order_while_the_broker_is_away_in_the_middle() {
    let mut cluster = Cluster::start(&["etl-finish"], 1).await;
    let home = Home::new("")
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a"]));
    let value = table_written("a").to_string();
    cluster.send(&message("etl-finish", value.clone())).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, "SELECT count(*) FROM matches", &["1"]);
    cluster.while_away(|| assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end()));
    cluster.send(&message("etl-finish", value)).await;
    service.start_again();
    home.wait_for_rows(&mut service, "SELECT count(*) FROM matches", &["2"]);
}

/// Kafka has to be told how far was read, and answers nothing.
#[tokio::test(flavor = "multi_thread")]
async fn it_stops_in_order_while_the_broker_is_silent() {
    let cluster = Cluster::start(&["etl-finish"], 1).await;
    let home = Home::new("")
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_KAFKA_COMMIT_INTERVAL_SECONDS", "3600")
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a"]));
    cluster.send(&message("etl-finish", table_written("a").to_string())).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, "SELECT count(*) FROM matches", &["1"]);
    cluster.while_silent(|| assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end()));
    assert!(service.log().contains("Kafka was not told that this member leaves its group"), "{}", service.log_end());
    assert_eq!(home.rows("SELECT next FROM offsets"), ["1"]);
}
