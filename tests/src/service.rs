//! `eventlatch` as a child process, to be killed and started again.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use crate::{jars, waiting::wait_for};

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
    directory: PathBuf,
    config: PathBuf,
    process: Child,
}

impl Service {
    /// Starts it in the directory of its configuration, where its log goes, too.
    pub fn start(config: &Path) -> Self {
        let directory = config.parent().map(Path::to_owned).unwrap_or_default();
        let process = run(&directory, config);
        Self { directory, config: config.to_owned(), process }
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.process.kill().expect("the service is our child");
        self.process.wait().expect("the service is our child");
    }

    /// Starts it again after [`Self::kill`] or [`Self::terminate`].
    pub fn start_again(&mut self) {
        self.process = run(&self.directory, &self.config);
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        let asked = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        assert!(asked.expect("kill can be started").success(), "the service was gone:\n{}", self.log());
        wait_for("the service to end", Duration::from_secs(30), || match self.process.try_wait() {
            Ok(Some(status)) => Ok(status),
            _ => Err(self.log_now()),
        })
    }

    /// All that it has written so far.
    pub fn log(&self) -> String {
        self.log_now()
    }

    fn log_now(&self) -> String {
        fs::read_to_string(self.directory.join("service.log")).unwrap_or_default()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}

fn run(directory: &Path, config: &Path) -> Child {
    let log = File::options().create(true).append(true).open(directory.join("service.log"));
    let log = log.expect("the service's directory can be written");
    Command::new(binary())
        .args(["run", "-c"])
        .arg(config)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file can be shared"))
        .stderr(log)
        .spawn()
        .expect("the service can be started")
}
