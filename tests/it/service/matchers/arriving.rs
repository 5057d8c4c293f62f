//! Matchers that come to a running service by ways that were not there when it started.

use std::fs;

use eventlatch_tests::{
    cluster::Cluster,
    home::{Home, noon_zone},
    service::Service,
};

use super::{GENERATIONS, TAME, by_hand::matcher, listed, put, unruly_sensor};

/// A place for a service without a matcher directory, on a cluster.
fn home(cluster: &Cluster) -> Home {
    Home::new("")
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone())
        .with("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/languages/cargo"))
        .with("CARGO_NET_OFFLINE", "true")
        .with("CARGO_TERM_QUIET", "true")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_matcher_directory_may_be_made_while_it_runs() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let home = home(&cluster);
    let mut service = home.serve();
    fs::create_dir(home.path("matchers")).unwrap();
    put(&home, "matchers/unruly.wasm", TAME);
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    home.write("sensors/names.json", unruly_sensor(&["a"]));
    home.wait_for_rows(&mut service, "SELECT count(*) FROM wanted", &["1"]);
    assert!(!service.log().contains("go on as they are"), "{}", service.log());
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_built_and_pushed() {
    let cluster = Cluster::start(&["orders"], 1).await;
    let home = home(&cluster);
    assert_eq!(home.run(&["matcher", "new", "orders"]).code, Some(0));
    let mut service: Service = home.serve();
    let (code, said) = matcher(&home, &mut service, &["push", "orders"]);
    assert!(code == Some(0) && said.contains("serves, and is pinned"), "{said}");
    assert!(said.contains("cases of its own: 4"), "{said}");
    assert_eq!(listed(&mut service, "orders")["origin"], "pushed");
    assert!(home.path("orders/build/orders.wasm").is_file());
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}
