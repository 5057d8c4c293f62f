//! The store as its users see it, on temporary files: what is written is compared as `sqlite3` would print it.

mod any_order;
mod candidates;
mod catching_up;
mod dead_letters;
mod defining;
mod ending;
mod explaining;
mod freezing;
mod generations;
mod looking;
mod many;
mod marking;
mod opening;
mod ordering;
mod recording;
mod rendering;
mod reporting;
mod retention;
mod settling;
mod waiting;

use std::{collections::HashMap, path::PathBuf};

use jiff::tz::TimeZone;
use rusqlite::{Connection, OpenFlags, types::ValueRef};

use super::*;
use crate::domain::{
    calendar::Calendar,
    message::{Partition, Span},
    ordering::Order,
    recording::{Carried, JudgedBy, Match, NearMiss, Sighting},
    sensor::{Late, Opening, Require, Timeout},
    target::Target,
    trace::{TraceContext, TraceParent},
    wait::OnTimeout,
    wanted::WantedMessage,
    window::{Frequency, Window},
};

const D: Frequency = Frequency::Day;
const M: Frequency = Frequency::Month;

/// A store on a temporary file, and one partition that messages come from.
struct Fixture {
    store: Store,
    path: PathBuf,
    /// Of all tasks that are wanted: `sensor.task`, with an ordinal where several share one.
    wanted: HashMap<String, ActiveWanted>,
    /// Where wanted messages do not render as their own name.
    texts: HashMap<String, String>,
    next: Option<i64>,
    /// Of the partitions of [`Self::send_from`].
    nexts: HashMap<i32, i64>,
    _dir: tempfile::TempDir,
}

impl Fixture {
    fn new(mode: MarkMode) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("eventlatch.db");
        let store = Store::open(&Config { path: path.clone(), ..Config::default() }, mode).unwrap();
        Self {
            store,
            path,
            wanted: HashMap::new(),
            texts: HashMap::new(),
            next: None,
            nexts: HashMap::new(),
            _dir: dir,
        }
    }

    /// Makes these all the sensors that there are in files.
    async fn define(&mut self, sensors: Vec<Sensor>) -> Changed {
        let is_gone = |(_, name): &(Owner, String)| sensors.iter().all(|sensor| sensor.name != *name);
        let gone = self.store.sensors_of_files().await.unwrap().into_iter().filter(is_gone).collect();
        let put = sensors.into_iter().map(|sensor| (file("a.toml"), sensor)).collect();
        let changed = self.store.change_sensors(at("2019-01-01T00:00:00Z"), put, gone).await.unwrap();
        self.learn().await;
        changed
    }

    async fn learn(&mut self) {
        self.wanted.clear();
        for wanted in self.store.active_wanted(WantedId(0), 1_000).await.unwrap() {
            let name = format!("{}.{}", wanted.sensor_name, wanted.task_id);
            let shared = (2..).map(|nth| format!("{name}{nth}"));
            let name = std::iter::once(name.clone()).chain(shared).find(|name| !self.wanted.contains_key(name));
            self.wanted.insert(name.unwrap(), wanted);
        }
    }

    fn text(&self, name: &str) -> String {
        serde_json::Value::from(self.texts.get(name).map_or(name, String::as_str)).to_string()
    }

    /// Saves what everything renders as on a date.
    async fn render(&self, date: &str) {
        let all = self.wanted.iter().map(|(name, wanted)| (wanted.id, date.parse().unwrap(), self.text(name)));
        self.store.save_renderings(all.collect(), Occasion::NewDay).await.unwrap();
    }

    /// A new day begins: renderings, then waits.
    async fn dawn(&self, now: &str) {
        for wanted in self.wanted.values() {
            let name = self.wanted.iter().find(|(_, other)| other.id == wanted.id).unwrap().0;
            let date = calendar(wanted).business_date(at(now));
            self.store.save_renderings(vec![(wanted.id, date, self.text(name))], Occasion::NewDay).await.unwrap();
        }
        let found = self.store.waits_to_open(at(now), None, 1_000, Vec::new()).await.unwrap();
        assert_eq!(found.next, None);
        self.store.open_waits(at(now), found.sensors).await.unwrap();
        assert_eq!(self.store.waits_to_open(at(now), None, 1_000, Vec::new()).await.unwrap(), WaitsToOpen::default());
    }

    /// One message that arrives and fulfils these.
    async fn send(&mut self, arrival: &str, names: &[&str]) {
        let mut recording = self.recording(1);
        for name in names {
            let sighting = self.sighting(name, arrival, recording.span.to - 1).await;
            recording.matches.push(fulfilled(sighting));
        }
        assert_eq!(self.record(recording).await, Recorded::Stored);
    }

    /// One message that arrives and is refused.
    async fn miss(&mut self, arrival: &str, name: &str, reason: &str) {
        let mut recording = self.recording(1);
        let sighting = self.sighting(name, arrival, recording.span.to - 1).await;
        recording.near_misses.push(NearMiss { sighting, by: by(), reason: reason.to_owned() });
        assert_eq!(self.record(recording).await, Recorded::Stored);
    }

    /// The next so many messages of the partition, with nothing in them.
    fn recording(&mut self, messages: i64) -> Recording {
        let from = self.next;
        let to = from.unwrap_or(0) + messages;
        self.next = Some(to);
        empty(0, from, to)
    }

    /// The same from another partition, with another key.
    async fn send_from(&mut self, partition: i32, key: Option<&str>, names: &[&str]) {
        let from = self.nexts.get(&partition).copied();
        let mut recording = empty(partition, from, from.unwrap_or(0) + 1);
        self.nexts.insert(partition, recording.span.to);
        for name in names {
            let mut found = fulfilled(self.sighting(name, "2019-07-07T08:00:00Z", recording.span.to - 1).await);
            found.carried.key = key.map(|key| key.as_bytes().to_vec());
            recording.matches.push(found);
        }
        assert_eq!(self.record(recording).await, Recorded::Stored);
    }

    async fn record(&self, recording: Recording) -> Recorded {
        self.store.record(vec![recording]).await.unwrap().remove(0)
    }

    async fn sighting(&self, name: &str, arrival: &str, offset: i64) -> Sighting {
        let wanted = &self.wanted[name];
        let calendar = calendar(wanted);
        let business_date = calendar.business_date(at(arrival));
        let rendered = vec![(wanted.id, business_date, self.text(name))];
        let rendering = self.store.save_renderings(rendered, Occasion::NewDay).await.unwrap()[0];
        let window = Window::at(wanted.frequency, at(arrival), &calendar);
        let event_time = Some(at("2019-07-07T00:00:00Z"));
        Sighting { offset, arrival: at(arrival), event_time, wanted: wanted.id, rendering, business_date, window }
    }

    /// What a person reads with `sqlite3`.
    fn sql(&self, sql: &str) -> Vec<String> {
        lines(&self.path, sql)
    }

    /// Each task as `sensor/wait/task=state`.
    fn tasks(&self) -> Vec<String> {
        self.sql("SELECT sensor || '/' || wait || '/' || task_id || '=' || state FROM tasks ORDER BY 1")
    }

    fn waits(&self) -> Vec<String> {
        self.sql("SELECT sensors.name, waits.name, waits.state FROM waits JOIN sensors ON sensors.id = sensor_id ORDER BY 1, 2")
    }
}

fn lines(path: &Path, sql: &str) -> Vec<String> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = db.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let cells = (0..columns).map(|column| match row.get_ref(column).unwrap() {
            ValueRef::Null => String::new(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Real(number) => number.to_string(),
            ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
        });
        Ok(cells.collect::<Vec<_>>().join("|"))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn calendar(wanted: &ActiveWanted) -> Calendar {
    Calendar::new(TimeZone::get(&wanted.timezone).unwrap(), wanted.day_shift_seconds)
}

fn file(name: &str) -> Owner {
    Owner::File(name.to_owned())
}

/// Every target will do.
fn anything() -> Box<Accepts> {
    Box::new(|_| Ok(()))
}

fn at(instant: &str) -> Timestamp {
    instant.parse().unwrap()
}

fn by() -> JudgedBy {
    JudgedBy { matcher: "job-finish".into(), sha256: "abc".into() }
}

/// A match of a message that came with a key and a trace.
fn fulfilled(sighting: Sighting) -> Match {
    let parent = TraceParent::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
    let carried = Carried { key: Some(b"k".to_vec()), trace: Some(TraceContext { parent, state: None }) };
    Match { sighting, distinct: None, carried, by: by() }
}

fn empty(partition: i32, from: Option<i64>, to: i64) -> Recording {
    let partition = Partition { cluster: "c".into(), topic: "t".into(), number: partition, epoch: 0 };
    let span = Span { from: from.into(), to };
    Recording {
        partition,
        span,
        matches: Vec::new(),
        near_misses: Vec::new(),
        dead_letters: Vec::new(),
        skipped: Vec::new(),
        halt: None,
    }
}

fn sensor(name: &str, wanted: &[(&str, Frequency)]) -> Sensor {
    Sensor {
        name: name.to_owned(),
        timezone: "UTC".to_owned(),
        opening: Opening::Window,
        require: Require::All,
        timeout: Timeout::WindowEnd,
        on_timeout: OnTimeout::Fail,
        late: Late::Ignore,
        target: Target::default(),
        wanted: wanted
            .iter()
            .enumerate()
            .map(|(place, (task_id, frequency))| job(place, task_id, *frequency))
            .collect(),
    }
}

fn job(place: usize, task_id: &str, frequency: Frequency) -> WantedMessage {
    let fields = serde_json::json!({"job_name": format!("{task_id}-{place}")});
    WantedMessage {
        topic: "t".into(),
        frequency,
        task_id: task_id.to_owned(),
        matcher: "job-finish".into(),
        day_shift_seconds: 0,
        optional: false,
        count: 1,
        distinct: Vec::new(),
        fields: fields.as_object().unwrap().clone(),
    }
}
