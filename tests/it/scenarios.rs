//! Scenario files, played on a virtual clock through the real matchers, index, windows and store.
//!
//! Plays what the files here need; `eventlatch test` will play the whole format.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use eventlatch::{
    app::Matchers,
    config::{Config, sensors},
    domain::message::{Message, Partition, Slice, Span},
    pipeline::{
        Shared,
        checking::Checker,
        judging::{self, judge},
        turning,
    },
    store::{MarkMode, SensorStatus, Store},
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::{Map, Value, json};

macro_rules! scenarios {
    ($($test:ident: $file:literal,)*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $test() {
            Scenario::read($file).play().await;
        })*

        #[test]
        fn no_scenario_is_forgotten() {
            let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
            let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
            let there = files.filter(|path| path.extension().is_some_and(|it| it == "json")).count();
            assert_eq!(there, [$($file),*].len());
        }
    };
}

scenarios! {
    business_day: "business-day",
    daily_and_monthly: "daily-and-monthly",
    daily_reset: "daily-reset",
    malformed: "malformed",
    not_this_one: "not-this-one",
    two_sensors_one_message: "two-sensors-one-message",
}

struct Scenario {
    file: Value,
    zone: TimeZone,
    _directory: tempfile::TempDir,
    config: Config,
}

/// A scenario under way.
struct Play {
    shared: Shared,
    zone: TimeZone,
    /// What the store expects of each topic next.
    next: BTreeMap<String, i64>,
}

impl Scenario {
    fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.json"));
        let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let zone = file.get("timezone").and_then(Value::as_str).unwrap_or("UTC").to_owned();
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.store.path = directory.path().join("eventlatch.db");
        config.matchers.cache = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
        config.sensors.timezone = zone.clone();
        if let Some(matchers) = file.get("matchers") {
            config.matchers.named = serde_json::from_value(matchers.clone()).unwrap();
        }
        Self { zone: TimeZone::get(&zone).unwrap(), file, _directory: directory, config }
    }

    async fn play(self) {
        let steps = self.file["steps"].as_array().unwrap();
        let mut play = self.begin(instant(&steps[0]["at"], &self.zone)).await;
        for step in steps {
            let now = instant(&step["at"], &self.zone);
            turning::begin(&play.shared, now).await.unwrap();
            for message in step["send"].as_array().into_iter().flatten() {
                play.send(message, now).await;
            }
            play.check(&step["expect"], now).await;
        }
    }

    async fn begin(&self, now: Timestamp) -> Play {
        let matchers = Matchers::load(&self.config).await.unwrap();
        let checker = Checker {
            registry: &matchers.registry,
            pool: &matchers.pool,
            timezone: &self.config.sensors.timezone,
            now,
        };
        let text = json!({"sensors": self.file["sensors"]}).to_string();
        let checked = checker.check(&sensors::parse(Path::new("scenario.json"), &text).unwrap()).await;
        assert_eq!(checked.problems, []);
        let store = Store::open(&self.config.store, MarkMode::Local).unwrap();
        store.change_sensors(now, checked.sensors, Vec::new()).await.unwrap();
        let shared =
            Shared::new(store, Arc::clone(&matchers.pool), eventlatch::matcher::Registry::clone(&matchers.registry));
        shared.reindex().await.unwrap();
        Play { shared, zone: self.zone.clone(), next: BTreeMap::new() }
    }
}

impl Play {
    async fn send(&mut self, message: &Value, now: Timestamp) {
        let topic = message["topic"].as_str().unwrap();
        let value = match (message.get("value"), message.get("raw")) {
            (Some(Value::Null), _) => None,
            (Some(value), _) => Some(value.to_string().into_bytes()),
            (None, raw) => Some(raw.unwrap().as_str().unwrap().as_bytes().to_vec()),
        };
        let arrival = message.get("arrived").map_or(now, |at| instant(at, &self.zone));
        let next = self.next.entry(topic.to_owned()).or_default();
        let (offset, from) = (*next, (*next > 0).then_some(*next));
        *next += 1;
        let partition = Partition { cluster: "scenario".into(), topic: topic.into(), number: 0, epoch: 0 };
        let messages = vec![Message { offset, arrival, key: None, value, headers: Vec::new() }];
        let slice = Slice { partition, span: Span { from, to: offset + 1 }, messages };
        let recordings =
            judge(&self.shared, &std::sync::Arc::new(vec![slice]), judging::Manner::Usual).await.unwrap().unwrap();
        self.shared.store.record(recordings).await.unwrap();
    }

    async fn check(&self, expect: &Value, now: Timestamp) {
        let status = self.shared.store.status(now, None, 100).await.unwrap();
        for (name, expected) in expect.as_object().into_iter().flatten() {
            if name == "dead_letters" {
                let dead_letters = self.shared.store.dead_letters(Default::default(), None, 1_000).await.unwrap().len();
                assert_eq!(json!(dead_letters), *expected, "dead letters at {now}");
                continue;
            }
            let sensor = status.iter().find(|sensor| sensor.name == *name).unwrap();
            assert_eq!(actual(sensor, expected), *expected, "sensor {name} at {now}");
        }
    }
}

/// What the sensor says in the fields, and the keys of their maps, that are expected.
fn actual(sensor: &SensorStatus, expected: &Value) -> Value {
    let mut actual = Map::new();
    for (field, expected) in expected.as_object().unwrap() {
        let keys = expected.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>());
        let of_task = |value: &dyn Fn(&eventlatch::store::WantedStatus) -> Value| {
            let wanted = sensor.wanted.iter().filter(|it| keys.as_ref().is_some_and(|keys| keys.contains(&it.task_id)));
            Value::Object(wanted.map(|it| (it.task_id.clone(), value(it))).collect())
        };
        let tasks = |received: bool| {
            let those = sensor.wanted.iter().filter(|it| it.received.is_some() == received);
            Value::from(those.map(|it| it.task_id.clone()).collect::<Vec<_>>())
        };
        let value = match field.as_str() {
            "complete" => Value::from(sensor.complete),
            "missing" => tasks(false),
            "received" => tasks(true),
            "expires" => of_task(&|it| json!(it.expires)),
            "near_misses" => of_task(&|it| Value::from(it.near_misses.count)),
            other => panic!("this player does not know `{other}`"),
        };
        actual.insert(field.clone(), value);
    }
    Value::Object(actual)
}

/// A civil time in the scenario's zone, or RFC 3339.
fn instant(at: &Value, zone: &TimeZone) -> Timestamp {
    let text = at.as_str().unwrap();
    text.parse().unwrap_or_else(|_| {
        let civil: DateTime = text.parse().unwrap();
        zone.to_timestamp(civil).unwrap()
    })
}
