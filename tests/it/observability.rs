//! The dashboard and the alert rules of the examples name metrics that there are.

use std::{collections::BTreeSet, fs, path::Path};

use eventlatch::telemetry::metrics::names::{ALL, Kind};

/// All words in a file of the examples that look like names of metrics.
fn named(file: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/observability").join(file);
    let text = fs::read_to_string(path).unwrap();
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("eventlatch_")).map(str::to_owned).collect()
}

/// The names under which Prometheus has a metric.
fn series() -> BTreeSet<String> {
    let of = |kind: Kind, name: &str| match kind {
        Kind::Histogram => ["_bucket", "_sum", "_count"].map(|part| format!("{name}{part}")).to_vec(),
        Kind::Counter | Kind::Gauge => vec![name.to_owned()],
    };
    ALL.iter().flat_map(|metric| of(metric.kind, metric.name)).collect()
}

#[test]
fn the_examples_name_metrics_that_there_are() {
    for file in ["dashboard.json", "alerts.yml"] {
        let unknown: Vec<_> = named(file).difference(&series()).cloned().collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
    }
}

#[test]
fn the_dashboard_is_an_object_that_shows_every_stage() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/observability/dashboard.json");
    let dashboard: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(dashboard["title"], "eventlatch");
    let shown = named("dashboard.json");
    let missing = ALL.iter().filter(|metric| !shown.iter().any(|name| name.starts_with(metric.name)));
    assert_eq!(missing.map(|metric| metric.name).collect::<Vec<_>>(), Vec::<&str>::new());
}
