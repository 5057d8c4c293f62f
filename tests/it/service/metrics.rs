//! What is measured, as Prometheus reads it.

use std::collections::BTreeSet;

use eventlatch::telemetry::metrics::names::ALL;
use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, Home, noon_zone},
    service::Service,
    waiting::wait_for,
};

use super::{TASKS, sensor, table_written};

/// A sample: its name with its labels, and its value.
fn samples(service: &mut Service) -> Vec<(String, f64)> {
    let url = format!("{}/metrics", service.url());
    let text = ureq::get(url).call().unwrap().body_mut().read_to_string().unwrap();
    let sample = |line: &str| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.parse().unwrap()));
    text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}

/// The sum of all samples whose name and labels have these parts.
fn value(samples: &[(String, f64)], parts: &[&str]) -> f64 {
    let meant = samples.iter().filter(|(name, _)| parts.iter().all(|part| name.contains(part)));
    meant.map(|(_, value)| value).sum()
}

/// `name{label="…"} …` with the name of its metric and the names of its labels.
fn shape(sample: &str) -> (String, BTreeSet<String>) {
    let (name, labels) = sample.split_once('{').unwrap_or((sample, "}"));
    let labels = labels.trim_end_matches('}').split("\",").filter_map(|label| label.split_once('='));
    let labels = labels.map(|(label, _)| label.to_owned()).filter(|label| label != "le").collect();
    let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
    let known = |name: &str| ALL.iter().any(|metric| metric.name == name);
    let name = histogram.filter(|name| known(name)).unwrap_or(name);
    (name.to_owned(), labels)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stage_is_measured_and_a_scrape_does_not_need_kafka() {
    let mut cluster = Cluster::start(&["etl-finish"], 2).await;
    let home = Home::new("[kafka.properties]\n\"session.timeout.ms\" = \"6000\"\n")
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a", "b"]));
    let mut service = home.serve();
    let values = [table_written("a").to_string(), table_written("x").to_string(), "malformed".to_owned()];
    cluster.producer.send_all(values.map(|value| message("etl-finish", value))).await.unwrap();
    home.wait_for_rows(&mut service, TASKS, &["a|success", "b|pending"]);
    home.wait_for_rows(&mut service, "SELECT count(*) FROM dead_letters", &["1"]);

    // The ends of the logs are asked for now and then.
    let measured = wait_for("the lag to be known and nothing to be left", DEADLINE, || {
        let samples = samples(&mut service);
        let of = |parts: &[&str]| value(&samples, parts);
        let known = samples.iter().filter(|(name, _)| name.starts_with("eventlatch_lag_messages")).count() == 2;
        let done = known && of(&["lag_messages{"]) == 0.0 && of(&["eventlatch_messages_total{"]) == 3.0;
        if done { Ok(samples) } else { Err(format!("{samples:?}")) }
    });
    let of = |parts: &[&str]| value(&measured, parts);
    assert_eq!(of(&["eventlatch_ready"]), 1.0);
    assert_eq!(of(&["eventlatch_partitions_assigned"]), 2.0);
    assert_eq!(of(&["eventlatch_matches_total{topic=\"etl-finish\"}"]), 1.0);
    assert_eq!(of(&["eventlatch_dead_letters_total{", "kind=\"reject\"", "matcher=\"etl-finish\""]), 1.0);
    assert_eq!(of(&["eventlatch_batch_messages_sum{"]), 3.0);
    assert_eq!(of(&["eventlatch_arrival_to_match_seconds_count{"]), 1.0);
    assert_eq!(of(&["eventlatch_marks_total{state=\"success\"}"]), 1.0);
    for at_least_one in [
        "eventlatch_evaluation_seconds_count{matcher=\"etl-finish\",generation=\"",
        "eventlatch_evaluation_cpu_seconds_count{matcher=\"etl-finish\",generation=\"",
        "eventlatch_store_commit_seconds_count",
        "eventlatch_store_group_requests_count",
        "eventlatch_rebalances_total{change=\"assigned\"}",
        "eventlatch_matcher_instances",
    ] {
        assert!(of(&[at_least_one]) >= 1.0, "{at_least_one}: {measured:?}");
    }
    for (sample, _) in &measured {
        let (name, labels) = shape(sample);
        let metric =
            ALL.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("{sample} is not documented"));
        assert_eq!(labels, metric.labels.iter().map(|&label| label.to_owned()).collect(), "{sample}");
    }

    cluster.while_away(|| {
        wait_for("the metrics to say that Kafka is away", DEADLINE, || {
            let samples = samples(&mut service);
            let failing =
                value(&samples, &["part_state{part=\"source\"}"]) == 2.0 && value(&samples, &["_ready"]) == 0.0;
            if failing { Ok(()) } else { Err(format!("{samples:?}")) }
        });
    });
}
