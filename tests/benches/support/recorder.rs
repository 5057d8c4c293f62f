//! A store on a file, with a sensor whose tasks have all had their first message.

use std::path::{Path, PathBuf};

use eventlatch::{
    domain::{
        calendar::Calendar,
        message::{Partition, Span},
        recording::{Carried, JudgedBy, Match, Recorded, Recording, Sighting},
        sensor::{Late, Opening, Owner, Require, Sensor, Timeout},
        target::Target,
        wait::OnTimeout,
        wanted::{RenderingId, WantedId, WantedMessage},
        window::{Frequency, Window},
    },
    store::{Config, MarkMode, Occasion, Store},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const WANTED: usize = 1_000;
const PARTITIONS: usize = 4;

pub(crate) struct Recorder {
    store: Store,
    path: PathBuf,
    runtime: Runtime,
    calendar: Calendar,
    today: Date,
    now: Timestamp,
    /// Of all that is wanted.
    wanted: Vec<(WantedId, RenderingId)>,
    by: JudgedBy,
    next: i64,
    _directory: TempDir,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().expect("there is a place for temporary files");
        let path = directory.path().join("eventlatch.db");
        let config = Config { path: path.clone(), ..Config::default() };
        let store = Store::open(&config, MarkMode::Local).expect("the store opens");
        let runtime = Runtime::new().expect("the runtime starts");
        let (now, calendar) = (Timestamp::now(), Calendar::new(TimeZone::UTC, 0));
        let today = calendar.business_date(now);
        let wanted = runtime.block_on(define(&store, now, today));
        let by = JudgedBy { matcher: "etl-finish".into(), sha256: "0".repeat(64).into() };
        Self { store, path, runtime, calendar, today, now, wanted, by, next: 0, _directory: directory }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The next messages of all partitions, so many matches together.
    pub(crate) fn batch(&mut self, matches: usize) -> Vec<Recording> {
        let from = (self.next > 0).then_some(self.next);
        let first = self.next;
        self.next += (matches / PARTITIONS) as i64;
        (0..PARTITIONS as i32).map(|partition| self.recording(partition, from, first..self.next)).collect()
    }

    fn recording(&self, number: i32, from: Option<i64>, offsets: std::ops::Range<i64>) -> Recording {
        let partition = Partition { cluster: "bench".into(), topic: "etl-finish".into(), number, epoch: 0 };
        let span = Span { from: from.into(), to: offsets.end };
        let matches = offsets.map(|offset| self.found(offset, number)).collect();
        let (near_misses, dead_letters, skipped) = (Vec::new(), Vec::new(), Vec::new());
        Recording { partition, span, matches, near_misses, dead_letters, skipped, halt: None }
    }

    fn found(&self, offset: i64, number: i32) -> Match {
        let (wanted, rendering) = self.wanted[(offset as usize * 7 + number as usize * 131) % WANTED];
        let window = Window::at(Frequency::Day, self.now, &self.calendar);
        let (arrival, event_time) = (self.now, Some(self.now));
        let sighting = Sighting { offset, arrival, event_time, wanted, rendering, business_date: self.today, window };
        Match { sighting, distinct: None, carried: Carried::default(), by: self.by.clone() }
    }

    pub(crate) fn record(&self, batch: Vec<Recording>) {
        let recorded = self.runtime.block_on(self.store.record(batch)).expect("the store records");
        assert!(recorded.iter().all(|it| *it == Recorded::Stored), "{recorded:?}");
    }
}

async fn define(store: &Store, now: Timestamp, today: Date) -> Vec<(WantedId, RenderingId)> {
    let owned = (Owner::File("bench.json".to_owned()), sensor());
    store.change_sensors(now, vec![owned], Vec::new()).await.expect("the sensor is defined");
    let wanted = store.active_wanted(WantedId(0), WANTED).await.expect("the store answers");
    let rendered = wanted.iter().map(|it| (it.id, today, it.fields.clone())).collect();
    let renderings = store.save_renderings(rendered, Occasion::NewDay).await.expect("renderings are saved");
    store.open_waits(now, vec![wanted[0].sensor]).await.expect("waits open");
    wanted.iter().map(|it| it.id).zip(renderings).collect()
}

fn sensor() -> Sensor {
    let wanted = |number: usize| WantedMessage {
        topic: "etl-finish".into(),
        frequency: Frequency::Day,
        task_id: format!("task{number}"),
        matcher: "etl-finish".into(),
        day_shift_seconds: 0,
        optional: false,
        count: 1,
        distinct: Vec::new(),
        fields: serde_json::Map::from_iter([("table".to_owned(), format!("table{number}").into())]),
    };
    Sensor {
        name: "bench".to_owned(),
        timezone: "UTC".to_owned(),
        opening: Opening::Window,
        require: Require::All,
        timeout: Timeout::WindowEnd,
        on_timeout: OnTimeout::Fail,
        late: Late::Ignore,
        target: Target::default(),
        wanted: (0..WANTED).map(wanted).collect(),
    }
}
