//! Asked to end: what is in hand is recorded, and the next start goes on there.

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, Home, noon_zone},
    waiting::wait_for,
};

use super::{sensor, table_written};

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
