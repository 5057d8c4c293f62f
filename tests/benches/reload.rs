//! How long intake pauses while very many sensors change, and when their business date does.
//!
//! A service with so many sensors reads messages from its standard input. What it has recorded is looked at every two
//! milliseconds; a gap is the time between two looks that saw more than the one before. A tenth of the sensors is
//! replaced at once; later the business date changes, at an instant that the matcher's shift decides. Beside each
//! longest gap stands the usual one of the same run. Absolute figures of this machine; there is no peer to divide by.
//!
//! `EVENTLATCH_BENCH_SENSORS` sets how many sensors there are, `EVENTLATCH_BENCH_TURN` after how many seconds the date
//! changes: so long the load and the replacement may take.

#[path = "support/spread.rs"]
mod spread;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use eventlatch_tests::service::binary;
use jiff::{Timestamp, tz::TimeZone};
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use spread::Spread;
use tempfile::TempDir;

const WANTED_BY_EACH: usize = 10;
const SENSORS_IN_A_FILE: usize = 100;
/// One file of so many is replaced.
const REPLACED: usize = 10;
/// So many messages a second, in so many portions.
const MESSAGES: usize = 5_000;
const PORTIONS: usize = 100;
/// How long the usual gaps are watched, and those around the change of the date.
const WATCHED: Duration = Duration::from_secs(15);

fn main() {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(default);
    let sensors = number("EVENTLATCH_BENCH_SENSORS", 100_000);
    let turn = Duration::from_secs(number("EVENTLATCH_BENCH_TURN", 400) as u64);
    println!("reload: figures of this machine only");
    println!("  {sensors} sensors, {} wanted messages", sensors * WANTED_BY_EACH);

    let place = Place::new(sensors, Timestamp::now() + turn);
    let turn = Instant::now() + turn;
    let started = Instant::now();
    let mut service = Running::start(&place);
    service.wait_for("Reading messages");
    println!("  from start to reading: {:.1} s, {} MB at the most", started.elapsed().as_secs_f64(), service.peak());

    service.feed(sensors);
    let gaps = Gaps::watch(&place.0.path().join("eventlatch.db"));
    gaps.report("usual", WATCHED);

    place.replace(sensors);
    let replaced = Instant::now();
    service.wait_for("Sensors changed");
    let took = replaced.elapsed();
    println!("  a tenth of the sensors replaced: {:.1} s, {} MB at the most", took.as_secs_f64(), service.peak());
    gaps.report("during the replacement", Duration::ZERO);

    assert!(Instant::now() < turn, "the load and the replacement took longer: set EVENTLATCH_BENCH_TURN to more");
    let before = turn.saturating_duration_since(Instant::now()).saturating_sub(WATCHED);
    gaps.report("while the next day is made ready", before);
    gaps.report("around the change of the business date", WATCHED * 3);
    println!("  at the end: {} MB at the most", service.peak());
}

/// A service's configuration and sensors.
struct Place(TempDir);

impl Place {
    /// The business date changes at `turn`.
    fn new(sensors: usize, turn: Timestamp) -> Self {
        let of_day = turn.to_zoned(TimeZone::UTC).datetime().time().duration_since(jiff::civil::Time::midnight());
        let shift = 86_400 - of_day.as_secs();
        let place = Self(TempDir::new().expect("there is a place for temporary files"));
        let config = format!("[matchers.etl-finish.config]\nday_shift_seconds = {shift}\n");
        fs::write(place.0.path().join("eventlatch.toml"), config).expect("the directory can be written");
        fs::create_dir(place.0.path().join("sensors")).expect("the directory can be written");
        (0..sensors.div_ceil(SENSORS_IN_A_FILE)).for_each(|file| place.write(file, sensors, ""));
        place
    }

    /// All sensors of some files want other tables.
    fn replace(&self, sensors: usize) {
        let files = 0..sensors.div_ceil(SENSORS_IN_A_FILE);
        files.step_by(REPLACED).for_each(|file| self.write(file, sensors, "new_"));
    }

    fn write(&self, file: usize, sensors: usize, prefix: &str) {
        let numbers = file * SENSORS_IN_A_FILE..sensors.min((file + 1) * SENSORS_IN_A_FILE);
        let sensor = |sensor: usize| {
            let wanted = (0..WANTED_BY_EACH).map(|task| {
                let table = format!("{prefix}{}", table(sensor * WANTED_BY_EACH + task));
                json!({"frequency": "D", "topic": "etl-finish", "db": "db", "table": table, "task_id": format!("t{task}")})
            });
            json!({"name": format!("sensor{sensor:06}"), "wanted": wanted.collect::<Vec<_>>()})
        };
        let text = json!({"sensors": numbers.map(sensor).collect::<Vec<_>>()}).to_string();
        let path = self.0.path().join(format!("sensors/{file:05}.json"));
        fs::write(path, text).expect("the directory can be written");
    }
}

fn table(number: usize) -> String {
    format!("table{number:07}")
}

/// The service, killed when dropped.
struct Running {
    process: Child,
    log: Receiver<String>,
}

impl Running {
    fn start(place: &Place) -> Self {
        let mut command = Command::new(binary());
        command.args(["run", "--input", "-"]).current_dir(place.0.path());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("the service starts");
        let lines = BufReader::new(process.stderr.take().expect("its log is a pipe")).lines();
        let (seen, log) = mpsc::channel();
        thread::spawn(move || lines.map_while(Result::ok).all(|line| seen.send(line).is_ok()));
        Self { process, log }
    }

    fn wait_for(&self, text: &str) {
        let mut seen = Vec::new();
        while !seen.last().is_some_and(|line: &String| line.contains(text)) {
            seen.push(self.log.recv().unwrap_or_else(|_| panic!("the service has ended:\n{}", seen.join("\n"))));
        }
    }

    /// Messages for one wanted message after the other, from now on.
    fn feed(&mut self, sensors: usize) {
        let input = self.process.stdin.take().expect("its input is a pipe");
        thread::spawn(move || feed(input, sensors * WANTED_BY_EACH));
    }

    /// The most memory that it had, in MB.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("memory is measured on Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel says it");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("it is a number") * 1024 / 1_000_000
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn feed(mut input: ChildStdin, wanted: usize) {
    let (start, mut number) = (Instant::now(), 0);
    for portion in 1.. {
        let now = Timestamp::now().as_second();
        let line = |number: usize| {
            let value =
                json!({"db": "db", "table": table(number * 7 % wanted), "partition_values": "", "timestamp": now});
            json!({"topic": "etl-finish", "value": value}).to_string() + "\n"
        };
        let lines: String = (number..number + MESSAGES / PORTIONS).map(line).collect();
        number += MESSAGES / PORTIONS;
        if input.write_all(lines.as_bytes()).is_err() {
            return;
        }
        let due = start + Duration::from_secs(1) * portion / PORTIONS as u32;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

/// The times between what was recorded and what was recorded next.
struct Gaps(Receiver<Duration>);

impl Gaps {
    fn watch(store: &Path) -> Self {
        let (seen, gaps) = mpsc::channel();
        let store = open(store);
        thread::spawn(move || watch(&store, &seen));
        Self(gaps)
    }

    /// Says how the gaps were since the last report and for some time more.
    fn report(&self, when: &str, more: Duration) {
        let end = Instant::now() + more;
        let mut gaps = Vec::new();
        loop {
            match self.0.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(gap) => gaps.push(gap.as_secs_f64() * 1_000.0),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => panic!("the store cannot be read"),
            }
        }
        if gaps.is_empty() {
            println!("  gaps {when}: nothing was recorded");
            return;
        }
        let longest = gaps.iter().copied().fold(0.0, f64::max);
        let Spread { median, low, high } = Spread::of(gaps.into_iter());
        println!("  gaps {when}: longest {longest:.0} ms; usual {median:.0} ms ({low:.0}–{high:.0})");
    }
}

fn open(path: &Path) -> Connection {
    let store = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the store is there");
    store.busy_timeout(Duration::from_secs(10)).expect("a time-out can be set");
    store
}

fn watch(store: &Connection, seen: &mpsc::Sender<Duration>) {
    let mut statement = store.prepare("SELECT ifnull(sum(next), 0) FROM offsets").expect("the store has offsets");
    let (mut last, mut at) = (0, Instant::now());
    loop {
        let next: i64 = statement.query_row([], |row| row.get(0)).expect("the store can be read");
        if next > last {
            let gap = at.elapsed();
            at = Instant::now();
            if last > 0 && seen.send(gap).is_err() {
                return;
            }
            last = next;
        }
        thread::sleep(Duration::from_millis(2));
    }
}
