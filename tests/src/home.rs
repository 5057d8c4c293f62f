//! A place where `eventlatch` runs: a directory with its configuration, its sensor files and its store.

use std::{
    fmt, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use rusqlite::{Connection, OpenFlags, types::ValueRef};
use tempfile::TempDir;

use crate::{
    jars,
    service::{Service, binary},
    waiting::wait_for,
};

/// How long a test waits for what the service should do soon.
/// It is over at once when it is done; machines that run tests are busy.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// The name of the store's file.
const STORE: &str = "eventlatch.db";

/// A directory of one's own, removed at the end.
pub struct Home {
    directory: TempDir,
    environment: Vec<(String, String)>,
}

impl Home {
    /// Writes `eventlatch.toml`; there are no sensors yet.
    pub fn new(config: &str) -> Self {
        let directory = TempDir::with_prefix("eventlatch-home-").expect("a temporary directory can be made");
        let cache = jars::target().join("tmp/compiled");
        let home = Self { directory, environment: Vec::new() }
            .with("EVENTLATCH_MATCHERS_CACHE", cache.display())
            // Services of many tests run beside each other.
            .with("EVENTLATCH_API_LISTEN", "127.0.0.1:0");
        home.write("eventlatch.toml", config);
        fs::create_dir(home.path("sensors")).expect("the temporary directory can be written");
        home
    }

    /// Sets an environment variable for whatever runs here.
    pub fn with(mut self, variable: &str, value: impl fmt::Display) -> Self {
        self.environment.push((variable.to_owned(), value.to_string()));
        self
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    pub fn write(&self, file: &str, content: impl AsRef<[u8]>) {
        let path = self.path(file);
        let made = fs::create_dir_all(path.parent().expect("a file is in a directory"));
        made.and_then(|()| fs::write(path, content)).expect("the temporary directory can be written");
    }

    /// `eventlatch` with arguments, to be run here.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.directory.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_input(arguments, "")
    }

    /// Runs a command that reads its standard input to its end.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("eventlatch can be started");
        // One that ends without reading closes the pipe.
        let _written = process.stdin.take().expect("its input is a pipe").write_all(input.as_bytes());
        let output = process.wait_with_output().expect("eventlatch is our child");
        let text = |bytes: &[u8]| self.without_paths(&String::from_utf8_lossy(bytes));
        Ran { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// Starts the service, which ends with the test.
    pub fn serve(&self) -> Service {
        Service::start(self.command(&["run"]), &self.path("service.log"))
    }

    /// Paths as if this were the working directory of whoever reads them.
    fn without_paths(&self, text: &str) -> String {
        let here = self.directory.path();
        let resolved = here.canonicalize().unwrap_or_else(|_| here.to_owned());
        [here, &resolved].iter().fold(text.to_owned(), |text, path| text.replace(&format!("{}/", path.display()), ""))
    }

    /// Rows of the store, as `sqlite3` prints them.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        self.rows_of(STORE, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Rows of any database here.
    pub fn rows_of(&self, file: &str, sql: &str) -> rusqlite::Result<Vec<String>> {
        self.rows_within(file, sql, Duration::from_secs(30))
    }

    /// The same, or an error where somebody keeps the database locked for longer.
    pub fn rows_within(&self, file: &str, sql: &str, patience: Duration) -> rusqlite::Result<Vec<String>> {
        let connection = Connection::open_with_flags(self.path(file), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(patience)?;
        rows(&connection, sql)
    }

    /// Waits until the store has exactly these rows.
    #[track_caller]
    pub fn wait_for_rows(&self, service: &mut Service, sql: &str, expected: &[&str]) {
        wait_for(sql, DEADLINE, || {
            assert!(service.ended().is_none(), "the service has ended:\n{}", service.log_end());
            match self.rows_of(STORE, sql) {
                Ok(rows) if rows == expected => Ok(()),
                Ok(rows) => Err(format!("{rows:#?}\n{}", service.log_end())),
                Err(error) => Err(error.to_string()),
            }
        });
    }

    /// Makes a database beside the store, or changes one.
    pub fn execute(&self, file: &str, sql: &str) {
        open(&self.path(file)).execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// Opens a database of the test's own.
#[expect(clippy::disallowed_methods, reason = "tests stand for whoever owns a foreign database")]
pub fn open(path: &Path) -> Connection {
    Connection::open(path).expect("the temporary directory can be written")
}

fn rows(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let texts = statement.query_map([], |row| {
        let cells = (0..columns).map(|column| row.get_ref(column).map(text)).collect::<Result<Vec<_>, _>>();
        Ok(cells?.join("|"))
    })?;
    texts.collect()
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// A zone in which it is about noon: a test that runs there never meets midnight.
pub fn noon_zone() -> String {
    let hour = Timestamp::now().to_zoned(TimeZone::UTC).hour();
    // The names count westward.
    match hour - 12 {
        0 => "Etc/GMT".to_owned(),
        west => format!("Etc/GMT{west:+}"),
    }
}

/// What came of a command.
#[derive(Debug, Clone)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.stdout)?;
        for line in self.stderr.lines() {
            writeln!(f, "! {line}")?;
        }
        match self.code {
            Some(code) => write!(f, "exit {code}"),
            None => write!(f, "killed"),
        }
    }
}
