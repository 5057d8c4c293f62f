//! `eventlatch` as a child process, to be killed and started again.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use crate::{home::DEADLINE, jars, waiting::wait_for};

/// The binary under test: `EVENTLATCH_BIN`, or the one that was built beside this test.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("EVENTLATCH_BIN") {
        return path.into();
    }
    let path = jars::profile().join("eventlatch");
    assert!(path.exists(), "{} is missing: run `make test`, or `cargo build` first", path.display());
    path
}

/// A running `eventlatch run`. Killed when dropped.
pub struct Service {
    command: Command,
    log: PathBuf,
    input: Input,
    process: Child,
    /// So much of the log was there before it started.
    earlier: usize,
}

/// What it reads as its standard input.
#[derive(Clone, Copy)]
enum Input {
    Nothing,
    /// What the test gives it.
    Fed,
}

impl Service {
    /// Starts it; what it says goes to the end of a file.
    pub fn start(command: Command, log: &Path) -> Self {
        Self::begin(command, log, Input::Nothing)
    }

    /// Starts one that reads what [`Self::feed`] gives it.
    pub fn start_fed(command: Command, log: &Path) -> Self {
        Self::begin(command, log, Input::Fed)
    }

    fn begin(mut command: Command, log: &Path, input: Input) -> Self {
        let earlier = written(log).len();
        let process = spawn(&mut command, log, input);
        Self { command, log: log.to_owned(), input, process, earlier }
    }

    pub fn feed(&mut self, text: &str) {
        let input = self.process.stdin.as_mut().expect("it was started to be fed");
        input.write_all(text.as_bytes()).expect("the service reads its input");
    }

    /// Where it answers requests, once it says so in its log.
    pub fn url(&mut self) -> String {
        wait_for("the service to answer requests", DEADLINE, || {
            assert!(self.ended().is_none(), "the service has ended:\n{}", self.log_end());
            let log = self.log();
            let said =
                log.get(self.earlier..).and_then(|log| log.lines().find(|line| line.contains("Answering requests")));
            let address = said.and_then(|line| line.split_once("address=")?.1.split(' ').next());
            address.map(|address| format!("http://{address}")).ok_or_else(|| self.log_end())
        })
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.process.kill().expect("the service is our child");
        self.process.wait().expect("the service is our child");
    }

    /// Starts it again after [`Self::kill`] or [`Self::terminate`].
    pub fn start_again(&mut self) {
        self.earlier = self.log().len();
        self.process = spawn(&mut self.command, &self.log, self.input);
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        wait_for("the service to end", DEADLINE, || self.ended().ok_or_else(|| self.log_end()))
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, name: &str) {
        let asked = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(asked.expect("kill can be started").success(), "the service was gone:\n{}", self.log());
    }

    /// What it ended with, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("the service is our child")
    }

    /// All that it has written so far.
    pub fn log(&self) -> String {
        written(&self.log)
    }

    /// The last lines that it has written.
    pub fn log_end(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn written(log: &Path) -> String {
    fs::read_to_string(log).unwrap_or_default()
}

fn spawn(command: &mut Command, log: &Path, input: Input) -> Child {
    let log = File::options().create(true).append(true).open(log);
    let log = log.expect("the service's directory can be written");
    command
        .stdin(match input {
            Input::Nothing => Stdio::null(),
            Input::Fed => Stdio::piped(),
        })
        .stdout(log.try_clone().expect("a file can be shared"))
        .stderr(log)
        .spawn()
        .expect("the service can be started")
}
