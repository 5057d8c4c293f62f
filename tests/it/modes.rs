//! The eleven examples of kafka-go-worker as configurations of eventlatch, each on the same hundred messages.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use eventlatch::source::Outgoing;
use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{Home, noon_zone},
    service::Service,
    topic::unique,
};
use serde_json::json;

const TOPICS: [&str; 2] = ["etl-finish", "job-finish"];
const PARTITIONS: i32 = 3;
const MESSAGES: usize = 100;

/// Of the keys 1 to 9 that the messages have.
const KEYS: usize = 9;

/// The one that is no good is in the middle, as the seed has it.
const BAD: std::ops::Range<usize> = 50..70;

const MATCHES: &str = r#"SELECT "partition", "offset" FROM matches WHERE topic = 'job-finish' ORDER BY id"#;
const OFFSETS: &str = r#"SELECT "partition", next FROM offsets WHERE topic = 'job-finish' AND next > 0 ORDER BY 1"#;
const SET_ASIDE: &str = r#"SELECT "partition", "offset", kind FROM dead_letters"#;
const FROZEN: &str = r#"SELECT "partition", "offset" FROM frozen_partitions"#;
const DONE: &str = "SELECT count(*) FROM tasks WHERE task_id LIKE 'job%' AND state = 'success'";

/// What was sent: the place of the bad message, and where the partitions end.
struct Set {
    cluster: Cluster,
    bad: (i32, i64),
    ends: BTreeMap<i32, i64>,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mode_does_what_it_says_with_the_seed_set() {
    let set = Set::send().await;
    let modes = modes();
    assert_eq!(modes.len(), 11, "{modes:?}");
    for mode in modes {
        println!("{}", mode.display());
        let home = set.home(&mode);
        let mut service = home.serve();
        if mode.ends_with("11-freeze") {
            set.freezes(&home, &mut service);
        } else {
            set.is_read_to_the_end(&home, &mut service);
        }
        assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    }
}

/// The directories of the examples.
fn modes() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/modes");
    let entries = fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path());
    let mut modes: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    modes.sort();
    modes
}

impl Set {
    async fn send() -> Self {
        let cluster = Cluster::start(&TOPICS, PARTITIONS).await;
        let mut random = fastrand::Rng::new();
        let bad_one = random.usize(BAD);
        let mut bad = (0, 0);
        for number in 0..MESSAGES {
            let key = 1 + if number < KEYS { number } else { random.usize(..KEYS) };
            let value = json!({"job_name": key.to_string(), "is_success": true, "timestamp": now()}).to_string();
            let value = if number == bad_one { "error".to_owned() } else { value };
            let place =
                cluster.send(&Outgoing { key: Some(key.to_string().into()), ..message("job-finish", value) }).await;
            if number == bad_one {
                bad = place;
            }
        }
        let table = json!({"db": "db0", "table": "table0", "partition_values": "", "timestamp": now()});
        cluster.send(&message("etl-finish", table.to_string())).await;
        let ends = cluster.ends("job-finish").into_iter().filter(|(_, end)| *end > 0).collect();
        Self { cluster, bad, ends }
    }

    /// The files of an example as they are, except for what depends on the place and the time.
    fn home(&self, mode: &Path) -> Home {
        let home = Home::new(&fs::read_to_string(mode.join("eventlatch.toml")).unwrap())
            .with("EVENTLATCH_KAFKA_BROKERS", self.cluster.brokers())
            .with("EVENTLATCH_KAFKA_GROUP", unique("mode"))
            .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
        for sensor in fs::read_dir(mode.join("sensors")).unwrap().map(|entry| entry.unwrap().path()) {
            let name = sensor.file_name().unwrap().to_str().unwrap();
            home.write(&format!("sensors/{name}"), fs::read(&sensor).unwrap());
        }
        home
    }

    /// No lag, every message once, in the order of its partition, the bad one set aside.
    fn is_read_to_the_end(&self, home: &Home, service: &mut Service) {
        let ends: Vec<_> = self.ends.iter().map(|(partition, end)| format!("{partition}|{end}")).collect();
        home.wait_for_rows(service, OFFSETS, &texts(&ends));
        home.wait_for_rows(service, DONE, &[&KEYS.to_string()]);
        assert_eq!(home.rows(SET_ASIDE), [format!("{}|{}|reject", self.bad.0, self.bad.1)]);
        assert_eq!(in_order(home).values().map(Vec::len).sum::<usize>(), MESSAGES - 1);
        if home.path("sensors/tables.toml").exists() {
            home.wait_for_rows(service, "SELECT state FROM tasks WHERE task_id = 'table0'", &["success"]);
        }
    }

    /// Two partitions are read to their ends; the third one stands still at the bad message, also after a restart.
    fn freezes(&self, home: &Home, service: &mut Service) {
        let (partition, bad) = self.bad;
        let until = |(of, end): (&i32, &i64)| (*of, if *of == partition { bad } else { *end });
        let next: BTreeMap<_, _> = self.ends.iter().map(until).collect();
        let rows: Vec<_> =
            next.iter().map(|(of, next)| format!("{of}|{next}")).filter(|row| !row.ends_with("|0")).collect();
        for _ in 0..2 {
            home.wait_for_rows(service, OFFSETS, &texts(&rows));
            home.wait_for_rows(service, FROZEN, &[&format!("{partition}|{bad}")]);
            assert_eq!(home.rows(SET_ASIDE), [""; 0]);
            let matched = in_order(home);
            for (of, next) in &next {
                let expected: Vec<_> = (0..*next).collect();
                assert_eq!(matched.get(of).cloned().unwrap_or_default(), expected, "partition {of}");
            }
            assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
            service.start_again();
            service.url();
        }
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn texts(rows: &[String]) -> Vec<&str> {
    rows.iter().map(String::as_str).collect()
}

/// The offsets of the matches of each partition, which were recorded in their order.
fn in_order(home: &Home) -> BTreeMap<i32, Vec<i64>> {
    let mut partitions: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for row in home.rows(MATCHES) {
        let (partition, offset) = row.split_once('|').unwrap();
        partitions.entry(partition.parse().unwrap()).or_default().push(offset.parse().unwrap());
    }
    for (partition, offsets) in &partitions {
        assert!(offsets.is_sorted_by(|one, other| one < other), "partition {partition}: {offsets:?}");
    }
    partitions
}
