//! Two services with a store each, and one group.

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{Home, noon_zone},
};

use super::{TASKS, sensor, table_written};

fn home(brokers: &str, group: &str) -> Home {
    let home = Home::new(&format!("[kafka]\nbrokers = \"{brokers}\"\ngroup = \"{group}\"\n"))
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/load.json", sensor(&["accounts"]));
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_one_ends_with_an_explanation_and_the_first_goes_on() {
    let cluster = Cluster::start(&["etl-finish"], 2).await;
    let (ours, theirs) = (home(&cluster.brokers(), "shared"), home(&cluster.brokers(), "shared"));
    let mut first = ours.serve();
    ours.wait_for_rows(&mut first, TASKS, &["accounts|pending"]);
    cluster.send(&message("etl-finish", table_written("other").to_string())).await;
    ours.wait_for_rows(&mut first, "SELECT sum(next) FROM offsets", &["1"]);
    let refused = theirs.run(&["run"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    let store = |home: &Home| home.rows("SELECT identity FROM store").remove(0);
    for part in ["`shared` is read for the store", &store(&ours), &store(&theirs), "Set another `group`"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    assert_eq!(theirs.rows("SELECT count(*) FROM offsets"), ["0"]);
    cluster.send(&message("etl-finish", table_written("accounts").to_string())).await;
    ours.wait_for_rows(&mut first, TASKS, &["accounts|success"]);
}
