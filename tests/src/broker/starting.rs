//! What makes a broker start quickly: more than a hundred of them do in a run.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock, PoisonError},
};

use super::{Broker, Remains, Special};
use crate::{home::DEADLINE, jars, waiting::wait_for};

/// Starts quickly and stays small; nothing else about it matters to the tests.
const JAVA: [&str; 7] = [
    "-Xms96m",
    "-Xmx320m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dlog4j2.disableJmx=true",
];

/// The command that runs a class of Kafka.
pub(super) fn java(options: &[&str], class: &str) -> Vec<String> {
    let fixed = ["java"].into_iter().chain(JAVA).chain(options.iter().copied());
    let mut line: Vec<_> = fixed.map(str::to_owned).collect();
    line.extend(["-cp".to_owned(), jars::class_path(), class.to_owned()]);
    line
}

/// The option that has Java take classes from an archive, which is a third of a start. It goes without one, too.
pub(super) fn with_archive() -> String {
    static ARCHIVE: OnceLock<PathBuf> = OnceLock::new();
    let archive = ARCHIVE.get_or_init(|| {
        let archive = jars::folder().join("classes.jsa");
        if !archive.exists() {
            make(&archive);
        }
        archive
    });
    format!("-XX:SharedArchiveFile={}", archive.display())
}

/// Java writes the classes that a broker has loaded when it ends.
fn make(archive: &Path) {
    let new = archive.with_extension(std::process::id().to_string());
    let option = format!("-XX:ArchiveClassesAtExit={}", new.display());
    let mut broker = Broker::begin(Remains::Kept, |_| Special::default(), &option);
    broker.signal("TERM");
    wait_for("the broker to end", DEADLINE, || match broker.process.try_wait() {
        Ok(Some(_)) => Ok(()),
        other => Err(format!("{other:?}\n{}", broker.log())),
    });
    fs::rename(&new, archive).unwrap_or_else(|error| panic!("Java wrote no archive: {error}\n{}", broker.log()));
}

/// The files of a storage, by name.
type Files = Vec<(OsString, Vec<u8>)>;

/// Formats the storage of a broker. All with the same users are alike.
pub(super) fn format(directory: &Path, scram: &[String]) {
    static FORMATTED: Mutex<Option<HashMap<Vec<String>, Files>>> = Mutex::new(None);
    let mut formatted = FORMATTED.lock().unwrap_or_else(PoisonError::into_inner);
    let formatted = formatted.get_or_insert_default();
    let data = directory.join("data");
    match formatted.get(scram) {
        Some(files) => write(&data, files),
        None => {
            format_anew(directory, scram);
            formatted.insert(scram.to_vec(), read(&data));
        }
    }
}

fn format_anew(directory: &Path, scram: &[String]) {
    let line = java(&[], "kafka.tools.StorageTool");
    let done = Command::new(&line[0])
        .args(&line[1..])
        .args(["format", "--cluster-id", "ZXZlbnRsYXRjaC10ZXN0cw", "--config"])
        .arg(directory.join("server.properties"))
        .args(scram.iter().flat_map(|user| ["--add-scram", user]))
        .output();
    match done {
        Ok(done) if done.status.success() => {}
        Ok(done) => panic!("the broker's storage cannot be formatted:\n{}", String::from_utf8_lossy(&done.stderr)),
        Err(error) => panic!("install Java 17 or newer to run the tests: java: {error}"),
    }
}

fn read(folder: &Path) -> Files {
    let entries = fs::read_dir(folder).expect("a formatted storage is a folder");
    let file = |entry: fs::DirEntry| (entry.file_name(), fs::read(entry.path()).expect("it is a file of ours"));
    entries.map(|entry| file(entry.expect("the folder can be read"))).collect()
}

fn write(folder: &Path, files: &Files) {
    fs::create_dir_all(folder).expect("the temporary directory can be written");
    for (name, bytes) in files {
        fs::write(folder.join(name), bytes).expect("the temporary directory can be written");
    }
}
