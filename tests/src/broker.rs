//! One real Apache Kafka for the whole test run.
//!
//! It starts with the first test that asks and ends with the test process, however that ends: its watchdog reads a pipe
//! that the process holds. `EVENTLATCH_TEST_BROKERS` names another one to use instead.

mod settings;
mod starting;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::Duration,
};

use eventlatch::source::{KafkaConfig, probe};
pub use settings::{Listener, Special};
use settings::{Ports, properties};
use tempfile::TempDir;

use crate::{topic::make_all, waiting::wait_for};

/// What to write for `brokers`.
pub fn brokers() -> &'static str {
    static BROKERS: OnceLock<String> = OnceLock::new();
    BROKERS.get_or_init(|| std::env::var("EVENTLATCH_TEST_BROKERS").unwrap_or_else(|_| shared().address()))
}

fn shared() -> &'static Broker {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    // Statics are not dropped: what is left of it at the end is the watchdog's to remove.
    BROKER.get_or_init(|| Broker::for_the_run(|_| Special::default()))
}

/// A broker of one's own, for tests that stop it. The shared one is [`brokers`].
pub struct Broker {
    directory: TempDir,
    ports: Ports,
    process: Child,
}

const START: Duration = Duration::from_secs(180);

/// Runs a command, whose process it notes in a file, until it ends or its standard input is closed; then removes a
/// directory, if one is given. (A background command has no standard input of its own, hence the third descriptor.)
const WATCHDOG: &str = "id=$1; directory=$2; shift 2; exec 3<&0; \"$@\" </dev/null & main=$!; echo $main >\"$id\"; \
    { cat <&3 >/dev/null; while kill -9 $main 2>/dev/null; do sleep 0.1; done; \
      [ -z \"$directory\" ] || rm -rf \"$directory\"; } & wait $main";

/// What becomes of a broker's directory when its process ends.
#[derive(Clone, Copy, PartialEq)]
enum Remains {
    Kept,
    Removed,
}

impl Broker {
    pub fn start() -> Self {
        Self::begin(Remains::Kept, |_| Special::default(), &starting::with_archive())
    }

    /// One that is kept in a static, which is not dropped. What is special about it may be in files of its directory.
    pub fn for_the_run(special: impl FnOnce(&Path) -> Special) -> Self {
        Self::begin(Remains::Removed, special, &starting::with_archive())
    }

    fn begin(remains: Remains, special: impl FnOnce(&Path) -> Special, option: &str) -> Self {
        let directory = TempDir::with_prefix("eventlatch-kafka-").expect("a temporary directory can be made");
        let special = special(directory.path());
        let ports = Ports::free(&special);
        fs::write(directory.path().join("server.properties"), properties(directory.path(), &ports, &special))
            .expect("the temporary directory can be written");
        starting::format(directory.path(), &special.scram);
        let process = run(directory.path(), remains, option);
        let mut broker = Self { directory, ports, process };
        broker.wait_until_up();
        broker
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.plain)
    }

    /// Where a special listener is.
    pub fn address_of(&self, listener: &str) -> String {
        let port = self.ports.special.iter().find(|(name, _)| *name == listener).map(|(_, port)| port);
        format!("127.0.0.1:{}", port.expect("the broker has this listener"))
    }

    /// Where its files are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Stops it, hard.
    pub fn stop(&mut self) {
        drop(self.process.stdin.take());
        self.process.wait().expect("the broker is our child");
    }

    /// Starts it again where it was.
    pub fn restart(&mut self) {
        self.process = run(self.directory.path(), Remains::Kept, &starting::with_archive());
        self.wait_until_up();
    }

    /// Makes topics of these names.
    pub async fn make(&self, topics: &[&str], partitions: i32) {
        make_all(&self.address(), topics, partitions).await;
    }

    /// Sends it a signal by its name: `STOP` lets it stand still with all its connections, `CONT` go on.
    pub fn signal(&self, name: &str) {
        let id = fs::read_to_string(id_file(self.directory.path())).expect("the watchdog has noted the process");
        let asked = Command::new("kill").args([&format!("-{name}"), id.trim()]).status();
        assert!(asked.expect("kill can be started").success(), "the broker was gone:\n{}", self.log());
    }

    fn wait_until_up(&mut self) {
        let config = KafkaConfig { brokers: self.address(), ..KafkaConfig::default() };
        wait_for("the broker to start", START, || {
            if let Ok(Some(status)) = self.process.try_wait() {
                panic!("the broker ended ({status}):\n{}", self.log());
            }
            let probed = probe(&config, &[], Duration::from_secs(1));
            probed.map_err(|error| format!("{error}\n{}", self.log()))
        });
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(log_file(self.directory.path())).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(directory: &Path, remains: Remains, option: &str) -> Child {
    let removed = if remains == Remains::Removed { directory.to_owned() } else { PathBuf::new() };
    let log = fs::File::create(log_file(directory)).expect("the temporary directory can be written");
    Command::new("sh")
        .args(["-c", WATCHDOG, "watchdog"])
        .args([id_file(directory), removed])
        .args(starting::java(&[option], "kafka.Kafka"))
        .arg(directory.join("server.properties"))
        .stdin(Stdio::piped())
        .stdout(log.try_clone().expect("a file can be shared"))
        .stderr(log)
        .spawn()
        .expect("sh can be started")
}

fn log_file(directory: &Path) -> PathBuf {
    directory.join("broker.log")
}

fn id_file(directory: &Path) -> PathBuf {
    directory.join("broker.pid")
}
