//! `eventlatch run` as a child process, and the memory of processes.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use eventlatch_tests::service::binary;
use tempfile::TempDir;

/// What the service logs once it reads.
const READY: &str = "Reading messages";

const SENSOR: &str = r#"name = "bench"
wanted = [
  { frequency = "D", topic = "etl-finish", db = "db0", table = "table0", partition_values = "", task_id = "a" },
]
"#;

/// A service's configuration, sensor, store and cache.
pub(crate) struct Directory(TempDir);

impl Directory {
    pub(crate) fn new(brokers: Option<String>) -> Self {
        let directory = TempDir::new().expect("there is a place for temporary files");
        let kafka = brokers.map(|brokers| format!("[kafka]\nbrokers = \"{brokers}\"\n"));
        let config = format!("{}[api]\nenabled = false\n[matchers]\ncache = \"cache\"\n", kafka.unwrap_or_default());
        let written = fs::write(directory.path().join("eventlatch.toml"), config)
            .and_then(|()| fs::create_dir(directory.path().join("sensors")))
            .and_then(|()| fs::write(directory.path().join("sensors/bench.toml"), SENSOR));
        written.expect("the directory can be written");
        Self(directory)
    }

    /// Empties the cache of compiled matchers.
    pub(crate) fn forget_compiled(&self) {
        let _absent = fs::remove_dir_all(self.0.path().join("cache"));
    }

    fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command
            .args(["run", "-c", "eventlatch.toml"])
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }
}

/// A service that reads, and will be killed when dropped.
pub(crate) struct Running {
    process: Child,
    pub(crate) ready_after: Duration,
}

impl Running {
    /// Its standard input stays open, and nothing comes.
    pub(crate) fn on_stdin(directory: &Directory) -> Self {
        Self::start(directory.command().args(["--input", "-"]))
    }

    pub(crate) fn on_kafka(directory: &Directory) -> Self {
        Self::start(&mut directory.command())
    }

    fn start(command: &mut Command) -> Self {
        let started = Instant::now();
        let mut process = command.spawn().expect("the service starts");
        let log = BufReader::new(process.stderr.take().expect("its log is a pipe"));
        let mut lines = log.lines().map_while(Result::ok);
        let mut seen = String::new();
        let ready = lines.by_ref().any(|line| {
            seen = format!("{seen}{line}\n");
            line.contains(READY)
        });
        let ready_after = started.elapsed();
        assert!(ready, "the service does not read:\n{seen}");
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, ready_after }
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory::of(&self.process.id().to_string())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

/// A process's memory, in thousands of bytes.
pub(crate) struct Memory {
    pub(crate) resident: u64,
    /// The part that no file stands behind.
    pub(crate) anonymous: u64,
    pub(crate) peak: u64,
}

impl Memory {
    pub(crate) fn of_this_process() -> Self {
        Self::of("self")
    }

    fn of(process: &str) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).expect("memory is measured on Linux");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
            kib.expect("the kernel says it") * 1024 / 1000
        };
        Self { resident: field("VmRSS:"), anonymous: field("RssAnon:"), peak: field("VmHWM:") }
    }
}
