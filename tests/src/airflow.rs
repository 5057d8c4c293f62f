//! A real Airflow, standalone with SQLite, for tests that mark tasks in one.
//!
//! `make airflow` installs both versions under `target/`. One starts with the test that asks for it and ends with the test
//! process, however that ends: its watchdog reads a pipe that the process holds.

mod answers;
mod settings;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

pub use answers::{Answer, TaskInstance};
use tempfile::TempDir;

use crate::{ports, waiting::wait_for};

/// Which Airflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Two,
    Three,
}

/// Standalone makes a database and starts five processes; on a busy machine that takes its time.
const START: Duration = Duration::from_secs(300);

/// What Airflow does with a DAG file or a run takes some rounds of its scheduler.
const SOON: Duration = Duration::from_secs(120);

/// Runs a command, whose process it notes in a file, until it ends or its standard input is closed; then ends it with all that
/// it has started, some of which is in sessions of its own (told to stand still first, so that nothing new comes in between), and
/// removes a directory, if one is given and nobody has said `keep`.
const WATCHDOG: &str = r#"
id=$1; removed=$2; shift 2; exec 3<&0
setsid "$@" </dev/null 3<&- & main=$!; echo $main >"$id"
family() {
    ps -eo pid=,ppid= | awk -v root=$main '
        { parent[$1] = $2 }
        END { for (it in parent) { up = it; while (up in parent && up != root) up = parent[up]; if (up == root) print it } }'
}
{ last=$(cat <&3)
  kill -STOP $(family) 2>/dev/null; kill -STOP $(family) 2>/dev/null; kill -9 $(family) -$main 2>/dev/null
  [ -z "$removed" ] || [ "$last" = keep ] || { sleep 0.2; rm -rf "$removed"; }; } &
wait $main
"#;

/// What becomes of its directory when it ends: a static is not dropped, and removes nothing itself.
#[derive(Clone, Copy, PartialEq)]
enum Remains {
    Kept,
    Removed,
}

/// A running Airflow.
pub struct Airflow {
    version: Version,
    home: TempDir,
    port: u16,
    logs: [u16; 2],
    process: Mutex<Child>,
    remains: Remains,
    /// Signs tokens: with another one those from before are not taken any more.
    secret: Mutex<u32>,
}

/// The one that tests share which do not stop it.
pub fn shared(version: Version) -> &'static Airflow {
    static TWO: OnceLock<Airflow> = OnceLock::new();
    static THREE: OnceLock<Airflow> = OnceLock::new();
    match version {
        Version::Two => TWO.get_or_init(|| Airflow::begin(version, Remains::Removed)),
        Version::Three => THREE.get_or_init(|| Airflow::begin(version, Remains::Removed)),
    }
}

impl Version {
    fn folder(self) -> &'static str {
        match self {
            Self::Two => "airflow2",
            Self::Three => "airflow3",
        }
    }

    /// Where its REST API is.
    pub fn api(self) -> &'static str {
        match self {
            Self::Two => "/api/v1",
            Self::Three => "/api/v2",
        }
    }

    fn executables(self) -> PathBuf {
        let folder = crate::jars::target().join(self.folder()).join("bin");
        assert!(folder.join("airflow").exists(), "{} is not there: run `make airflow` first", folder.display());
        folder
    }
}

impl Airflow {
    /// Starts one without DAGs. The shared ones are [`shared`].
    pub fn start(version: Version) -> Self {
        Self::begin(version, Remains::Kept)
    }

    fn begin(version: Version, remains: Remains) -> Self {
        let home = TempDir::with_prefix("eventlatch-airflow-").expect("a temporary directory can be made");
        fs::create_dir(home.path().join("dags")).expect("the temporary directory can be written");
        let [port, logs @ ..] = ports::free::<3>();
        let process = Mutex::new(run(version, home.path(), port, logs, 0, remains));
        let airflow = Self { version, home, port, logs, process, remains, secret: Mutex::new(0) };
        airflow.wait_until_up();
        airflow
    }

    /// What to write for `url`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Of the user `admin`.
    pub fn password(&self) -> String {
        let read = |file: &str| fs::read_to_string(self.home.path().join(file)).unwrap_or_default();
        match self.version {
            Version::Two => read("standalone_admin_password.txt").trim().to_owned(),
            Version::Three => {
                let passwords = read("simple_auth_manager_passwords.json.generated");
                let passwords: serde_json::Value = serde_json::from_str(&passwords).unwrap_or_default();
                passwords["admin"].as_str().unwrap_or_default().to_owned()
            }
        }
    }

    /// Stops it, hard.
    pub fn stop(&self) {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut watchdog) = process.stdin.take() {
            watchdog.write_all(b"keep").expect("the watchdog reads");
        }
        process.wait().expect("Airflow is our child");
    }

    /// Starts it again where it was, with another secret: tokens from before are not taken any more.
    pub fn restart(&self) {
        let mut secret = self.secret.lock().unwrap_or_else(PoisonError::into_inner);
        *secret += 1;
        let process = run(self.version, self.home.path(), self.port, self.logs, *secret, self.remains);
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = process;
        self.wait_until_up();
    }

    /// Puts a file into the folder of DAGs, and waits until they are known.
    pub fn deploy(&self, file: &str, code: &str, dags: &[&str]) {
        let path = self.home.path().join("dags").join(file);
        // Whoever reads it now is not to find a half of it.
        if fs::read_to_string(&path).ok().as_deref() != Some(code) {
            fs::write(path, code).expect("the temporary directory can be written");
        }
        for dag in dags {
            wait_for("a DAG to be known", SOON, || {
                let answer = self.get(&format!("/dags/{dag}"));
                if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}\n{}", self.log_end())) }
            });
        }
    }

    fn wait_until_up(&self) {
        let path = match self.version {
            Version::Two => "/health",
            Version::Three => "/api/v2/monitor/health",
        };
        wait_for("Airflow to start", START, || {
            let ended = self.process.lock().unwrap_or_else(PoisonError::into_inner).try_wait();
            assert!(matches!(ended, Ok(None)), "Airflow ended ({ended:?}):\n{}", self.log_end());
            let health = answers::ask("GET", &format!("{}{path}", self.url()), None, None);
            let is_up = |part: &str| health.body[part]["status"] == "healthy";
            let all_up = ["metadatabase", "scheduler", "triggerer"].into_iter().all(is_up);
            if all_up { Ok(()) } else { Err(format!("{health:?}\n{}", self.log_end())) }
        });
    }

    /// The last lines that it has written.
    pub fn log_end(&self) -> String {
        let log = fs::read_to_string(log_file(self.home.path())).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Airflow {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(version: Version, home: &Path, port: u16, logs: [u16; 2], secret: u32, remains: Remains) -> Child {
    let removed = if remains == Remains::Removed { home.to_owned() } else { PathBuf::new() };
    let executables = version.executables();
    let path = std::env::var("PATH").unwrap_or_default();
    let log = fs::File::options().create(true).append(true).open(log_file(home));
    let log = log.expect("the temporary directory can be written");
    Command::new("sh")
        .args(["-c", WATCHDOG, "watchdog"])
        .args([home.join("airflow.pid"), removed])
        .args(["airflow", "standalone"])
        .env("AIRFLOW_HOME", home)
        .envs(settings::environment(version, home, port, logs, secret))
        // It starts others of its own by their names.
        .env("PATH", format!("{}:{path}", executables.display()))
        .stdin(Stdio::piped())
        .stdout(log.try_clone().expect("a file can be shared"))
        .stderr(log)
        .spawn()
        .expect("sh can be started")
}

fn log_file(home: &Path) -> PathBuf {
    home.join("standalone.log")
}
