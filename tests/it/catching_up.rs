//! Catching up on a virtual clock, from a log in memory: texts that change in open windows, and days long past.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use eventlatch::{
    app::Matchers,
    config::Config,
    domain::{
        message::{Message, Partition, Slice, Span},
        sensor::{Late, Opening, Owner, Require, Sensor, Timeout},
        target::Target,
        wait::OnTimeout,
        wanted::{WantedId, WantedMessage},
        window::Frequency,
    },
    matcher::Registry,
    pipeline::{
        Shared,
        catching_up::{Logs, Scanner},
        judging::{Manner, judge},
        turning,
    },
    source::{Extent, Log, Piece, SourceError, Start},
    store::{MarkMode, Store},
};
use jiff::Timestamp;
use serde_json::{Map, json};

const TOPIC: &str = "orders";

/// The orders of a day bear its date.
const OF_THE_DAY: &str = "{{day|dt.format(format='%Y-%m-%d')}}";

/// A log of one partition, in memory.
#[derive(Clone, Default)]
struct MemoryLog {
    messages: Arc<Mutex<Vec<Message>>>,
    read: Arc<Mutex<usize>>,
    /// The topic is deleted once it was asked how far it reaches: nothing comes of it.
    vanishes: Arc<AtomicBool>,
    asked: Arc<AtomicBool>,
}

impl MemoryLog {
    fn append(&self, arrival: Timestamp, value: Option<Vec<u8>>) -> Message {
        let mut messages = self.messages.lock().unwrap();
        let message = Message {
            offset: messages.len() as i64,
            arrival,
            key: None,
            value: value.map(Into::into),
            headers: Vec::new(),
        };
        messages.push(message.clone());
        message
    }
}

impl Log for MemoryLog {
    fn cluster(&mut self) -> Result<Arc<str>, SourceError> {
        Ok("memory".into())
    }

    fn start(&self) -> Start {
        Start::Earliest
    }

    fn extents(&mut self, _: &str, since: Timestamp) -> Result<Vec<Extent>, SourceError> {
        if self.asked.swap(true, Ordering::Relaxed) && self.vanishes.load(Ordering::Relaxed) {
            return Ok(Vec::new());
        }
        let messages = self.messages.lock().unwrap();
        let high = messages.len() as i64;
        let first = messages.iter().position(|message| message.arrival >= since).map_or(high, |at| at as i64);
        Ok(vec![Extent { partition: 0, low: 0, since: first, high }])
    }

    fn read(&mut self, _: &str, _: i32, from: i64, until: i64) -> Result<Piece, SourceError> {
        if self.vanishes.load(Ordering::Relaxed) {
            return Ok(Piece { next: from, ..Piece::default() });
        }
        let to = until.min(from + 2);
        let messages = self.messages.lock().unwrap()[from as usize..to as usize].to_vec();
        *self.read.lock().unwrap() += messages.len();
        Ok(Piece { messages, next: to, gone_before: None })
    }
}

/// A pipeline without loops.
struct Bench {
    shared: Shared,
    scanner: Scanner,
    log: MemoryLog,
    path: std::path::PathBuf,
    _directory: tempfile::TempDir,
}

impl Bench {
    async fn new(days: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.store.path = directory.path().join("eventlatch.db");
        config.matchers.cache = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled"));
        let orders = json!({"orders": {"use": "fields", "config": {
            "topic": TOPIC, "key": [{"field": "order", "template": "day"}],
        }}});
        config.matchers.named = serde_json::from_value(orders).unwrap();
        let matchers = Matchers::load(&config).await.unwrap();
        let store = Store::open(&config.store, MarkMode::Local).unwrap();
        let shared = Shared::new(store, Arc::clone(&matchers.pool), Registry::clone(&matchers.registry));
        let log = MemoryLog::default();
        let open = log.clone();
        let logs: Logs = Arc::new(move || Ok(Box::new(open.clone())));
        let scanner = Scanner { shared: shared.clone(), logs: Some(logs), days };
        Self { shared, scanner, log, path: config.store.path, _directory: directory }
    }

    /// Defines a sensor that waits for one order.
    async fn define(&self, at: &str, name: &str, frequency: Frequency, order: &str) -> WantedId {
        let owner = Owner::File("orders.json".to_owned());
        let changed =
            self.shared.change_sensors(instant(at), vec![(owner, sensor(name, frequency, order))], Vec::new());
        let changed = changed.await.unwrap();
        self.turn(at).await;
        changed.came[0]
    }

    /// The clock shows another time.
    async fn turn(&self, at: &str) {
        turning::begin(&self.shared, instant(at)).await.unwrap();
        self.scanner.catch_up(instant(at)).await.unwrap();
    }

    /// Orders that arrive, each at its time.
    async fn send(&self, orders: &[(&str, &str)]) {
        for (at, order) in orders {
            let value = Some(json!({"order": order}).to_string().into_bytes());
            let message = self.log.append(instant(at), value);
            let offset = message.offset;
            let partition = Partition { cluster: "memory".into(), topic: TOPIC.into(), number: 0, epoch: 0 };
            let span = Span { from: Some(offset).filter(|offset| *offset > 0).into(), to: offset + 1 };
            let slices = Arc::new(vec![Slice { partition, span, messages: vec![message] }]);
            let recordings = judge(&self.shared, &slices, Manner::Usual).await.unwrap().unwrap();
            self.shared.store.record(recordings).await.unwrap();
        }
    }

    /// `offset as text` of each match, in order.
    fn matches(&self) -> Vec<String> {
        let db = rusqlite::Connection::open_with_flags(&self.path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let sql = "SELECT \"offset\" || ' ' || rendered FROM matches JOIN renderings ON renderings.id = rendering_id
                    ORDER BY \"offset\", rendered";
        let mut statement = db.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|row| row.unwrap().replace("{\"order\":\"", "").replace("\"}", "")).collect()
    }

    fn read(&self) -> usize {
        std::mem::take(&mut *self.log.read.lock().unwrap())
    }
}

fn sensor(name: &str, frequency: Frequency, order: &str) -> Sensor {
    let fields = json!({"order": order});
    let wanted = WantedMessage {
        topic: TOPIC.into(),
        frequency,
        task_id: name.to_owned(),
        matcher: "orders".into(),
        day_shift_seconds: 0,
        optional: false,
        count: 1,
        distinct: Vec::new(),
        fields: fields.as_object().cloned().unwrap_or_else(Map::new),
    };
    Sensor {
        name: name.to_owned(),
        timezone: "UTC".to_owned(),
        opening: Opening::Window,
        require: Require::All,
        timeout: Timeout::WindowEnd,
        on_timeout: OnTimeout::Fail,
        late: Late::Ignore,
        target: Target::default(),
        wanted: vec![wanted],
    }
}

fn instant(at: &str) -> Timestamp {
    format!("{at}:00Z").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_changes_in_an_open_month_meets_its_earlier_days() {
    let bench = Bench::new(35).await;
    bench.define("2019-07-03T12:00", "monthly", Frequency::Month, OF_THE_DAY).await;
    bench.send(&[("2019-07-03T13:00", "2019-07-05"), ("2019-07-04T13:00", "2019-07-04")]).await;
    assert_eq!(bench.matches(), ["1 2019-07-04"]);
    bench.turn("2019-07-05T00:00").await;
    assert_eq!(bench.matches(), ["0 2019-07-05", "1 2019-07-04"]);

    // Nothing was read while the service was down; a day's text comes into force when the clock says so.
    bench.send(&[("2019-07-05T13:00", "2019-07-08")]).await;
    bench.turn("2019-07-08T09:00").await;
    assert_eq!(bench.matches(), ["0 2019-07-05", "1 2019-07-04", "2 2019-07-08"]);
    assert!(bench.read() > 0);
    bench.turn("2019-07-08T10:00").await;
    assert_eq!(bench.read(), 0, "nothing is read twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_of_the_day_is_there_when_its_day_begins() {
    let bench = Bench::new(35).await;
    bench.define("2019-07-03T12:00", "daily", Frequency::Day, OF_THE_DAY).await;
    bench.send(&[("2019-07-03T13:00", "2019-07-04"), ("2019-07-04T13:00", "2019-07-04")]).await;
    bench.turn("2019-07-04T14:00").await;
    assert_eq!(bench.matches(), ["1 2019-07-04"]);
    assert_eq!(bench.read(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensor_has_what_its_windows_hold_and_no_more() {
    let bench = Bench::new(35).await;
    // Tuesday, 9 July: the month, the week and the day began at different times.
    bench.define("2019-07-09T07:00", "other", Frequency::Day, "never").await;
    let orders = ["2019-06-30T12:00", "2019-07-01T00:00", "2019-07-08T12:00", "2019-07-09T08:00"].map(|at| (at, "a"));
    bench.send(&orders).await;
    for (frequency, expected) in [
        (Frequency::Month, &["1 a", "2 a", "3 a"][..]),
        (Frequency::Week, &["1 a", "2 a", "2 a", "3 a", "3 a"]),
        (Frequency::Day, &["1 a", "2 a", "2 a", "3 a", "3 a", "3 a"]),
    ] {
        bench.define("2019-07-09T12:00", frequency.letter(), frequency, "a").await;
        assert_eq!(bench.matches(), expected, "{frequency}");
    }
    bench.define("2019-07-09T12:00", "once", Frequency::Once, "a").await;
    assert_eq!(bench.matches().len(), 6, "before its registration nothing counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_long_past_is_looked_at_alone() {
    let bench = Bench::new(35).await;
    bench.define("2019-07-20T07:00", "other", Frequency::Day, "never").await;
    let orders = ["2019-07-05T12:00", "2019-07-06T12:00", "2019-07-07T12:00"];
    bench.send(&orders.map(|at| (at, "2019-07-06"))).await;
    let later =
        (8..20).flat_map(|day| [9, 10, 11].map(|hour| format!("2019-07-{day:02}T{hour:02}:00"))).collect::<Vec<_>>();
    bench.send(&later.iter().map(|at| (at.as_str(), "2019-07-06")).collect::<Vec<_>>()).await;
    let wanted = bench.define("2019-07-20T12:00", "daily", Frequency::Day, OF_THE_DAY).await;
    assert_eq!(bench.matches(), [""; 0]);
    bench.read();
    bench.shared.catch_up(vec![wanted], "2019-07-06".parse().unwrap()).await.unwrap();
    bench.turn("2019-07-20T12:01").await;
    assert_eq!(bench.matches(), ["1 2019-07-06"]);
    assert!(bench.read() < 6, "the log is not read to its end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_said() {
    let bench = Bench::new(3).await;
    bench.define("2019-07-20T07:00", "other", Frequency::Day, "never").await;
    let orders = ["2019-07-15T12:00", "2019-07-18T12:00", "2019-07-20T06:00"].map(|at| (at, "a"));
    bench.send(&orders).await;
    bench.define("2019-07-20T12:00", "monthly", Frequency::Month, "a").await;
    assert_eq!(bench.matches(), ["1 a", "2 a"]);
    let said = bench.shared.store.catch_ups(1).await.unwrap().remove(0).lacking;
    let expected = "messages from before 2019-07-17T12:00:00Z are not looked for: `catch_up_days` in [sensors]";
    assert_eq!(said.as_deref(), Some(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_half_made_is_not_scanned() {
    let bench = Bench::new(35).await;
    bench.define("2019-07-20T07:00", "other", Frequency::Day, "never").await;
    let orders: Vec<_> = (0..10).map(|number| number.to_string()).collect();
    bench.send(&orders.iter().map(|order| ("2019-07-20T08:00", order.as_str())).collect::<Vec<_>>()).await;
    bench.read();

    // Whoever scans looks again and again while a thousand sensors come, which are stored piece by piece.
    let (done, scanner) = (Arc::new(AtomicBool::new(false)), bench.scanner.clone());
    let scanning = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            while !done.load(Ordering::Relaxed) {
                scanner.catch_up(instant("2019-07-20T12:00")).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    let owner = Owner::File("orders.json".to_owned());
    let sensor = |number: usize| (owner.clone(), sensor(&format!("s{number}"), Frequency::Day, &orders[number % 10]));
    let put = (0..1_000).map(sensor).collect();
    bench.shared.change_sensors(instant("2019-07-20T12:00"), put, Vec::new()).await.unwrap();
    done.store(true, Ordering::Relaxed);
    scanning.await.unwrap();
    bench.scanner.catch_up(instant("2019-07-20T12:00")).await.unwrap();
    assert_eq!(bench.matches().len(), 1_000);
    assert_eq!(bench.read(), orders.len(), "each message is read once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_deleted_before_it_is_read_back_is_no_reason_to_try_for_ever() {
    let bench = Bench::new(35).await;
    bench.define("2019-07-20T07:00", "other", Frequency::Day, "never").await;
    bench.send(&[("2019-07-20T08:00", "a"), ("2019-07-20T09:00", "b")]).await;
    bench.log.asked.store(false, Ordering::Relaxed);
    bench.log.vanishes.store(true, Ordering::Relaxed);
    bench.define("2019-07-20T12:00", "later", Frequency::Day, "a").await;
    let said = bench.shared.store.catch_ups(1).await.unwrap().remove(0);
    assert_eq!(said.lacking.as_deref(), Some("the topic is gone from Kafka"));
    assert_eq!((said.next, bench.matches()), (said.cut, Vec::new()));
    assert!(bench.shared.store.to_catch_up(instant("2019-07-20T12:00")).await.unwrap().is_empty());
}
