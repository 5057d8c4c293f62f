//! `[telemetry.file]`: the log in files too, a new one every so often, and only the newest kept.
//!
//! A thread of its own writes them: a disk that is slow holds up nobody. Lines that do not fit meanwhile are dropped and
//! counted; at the end of the process all that was said is written.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use serde::Deserialize;
use tracing_appender::{
    non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard},
    rolling::{InitError, RollingFileAppender, Rotation as Every},
};

/// `[telemetry.file]`: the log in files, beside standard error.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// As `logs/eventlatch.log`; the time stands before the ending: `eventlatch.2026-01-31.log`. Its directory is made
    /// where there is none. Default: no file.
    pub path: PathBuf,
    /// When a new file begins, in UTC: `daily`, `hourly`, `minutely` or `never`. Default `daily`.
    pub rotation: Rotation,
    /// So many files are kept; 0: all. Default 7.
    pub keep: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { path: PathBuf::new(), rotation: Rotation::Daily, keep: 7 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rotation {
    Minutely,
    Hourly,
    Daily,
    Never,
}

/// The log's file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the log to {} (hint: `path` in [telemetry.file])", .0.display())]
pub struct CannotWrite(PathBuf, #[source] InitError);

/// Lets the thread that writes finish.
static GUARD: Mutex<Option<WorkerGuard>> = Mutex::new(None);
static DROPPED: OnceLock<ErrorCounter> = OnceLock::new();

/// Begins to write. None: nobody wants a file.
pub(super) fn open(config: &Config) -> Result<Option<NonBlocking>, CannotWrite> {
    if config.path.as_os_str().is_empty() {
        return Ok(None);
    }
    let files = files(config).map_err(|error| CannotWrite(config.path.clone(), error))?;
    let (writer, guard) = NonBlockingBuilder::default().thread_name("log-file").finish(files);
    let _first = DROPPED.set(writer.error_counter());
    *GUARD.lock().unwrap_or_else(PoisonError::into_inner) = Some(guard);
    Ok(Some(writer))
}

fn files(config: &Config) -> Result<RollingFileAppender, InitError> {
    let every = match config.rotation {
        Rotation::Minutely => Every::MINUTELY,
        Rotation::Hourly => Every::HOURLY,
        Rotation::Daily => Every::DAILY,
        Rotation::Never => Every::NEVER,
    };
    let text = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let mut builder = RollingFileAppender::builder().rotation(every).filename_prefix(text(config.path.file_stem()));
    if let Some(ending) = config.path.extension() {
        builder = builder.filename_suffix(text(Some(ending)));
    }
    if config.keep > 0 {
        builder = builder.max_log_files(config.keep);
    }
    builder.build(config.path.parent().unwrap_or(Path::new("")))
}

/// Writes all that was said so far, and no more after that.
pub(super) fn end() {
    drop(GUARD.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// How many lines did not fit.
pub(super) fn dropped() -> usize {
    DROPPED.get().map_or(0, ErrorCounter::dropped_lines)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, io::Write};

    use super::*;

    fn check(path: &str, rotation: Rotation, keep: usize, earlier: &[&str], expected: usize) {
        let home = tempfile::tempdir().unwrap();
        for name in earlier {
            fs::write(home.path().join(name), "earlier").unwrap();
        }
        let mut files = files(&Config { path: home.path().join(path), rotation, keep }).unwrap();
        files.write_all(b"said\n").unwrap();
        let directory = home.path().join(path).parent().unwrap().to_owned();
        let names: BTreeSet<_> = fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(names.len(), expected, "{path} {rotation:?} {keep}: {names:?}");
        assert!(names.iter().all(|name| name.to_string_lossy().starts_with("eventlatch.")), "{names:?}");
    }

    #[test]
    fn the_newest_files_are_kept() {
        let earlier = ["eventlatch.2020-01-01.log", "eventlatch.2020-01-02.log", "eventlatch.2020-01-03.log"];
        check("eventlatch.log", Rotation::Daily, 0, &earlier, 4);
        check("eventlatch.log", Rotation::Daily, 2, &earlier, 2);
        check("made/eventlatch.log", Rotation::Hourly, 7, &[], 1);
        check("eventlatch.log", Rotation::Never, 7, &[], 1);
    }
}
