//! `eventlatch test`: plays scenarios and tells what differs. Needs no broker, no service and no database.

mod init;
mod junit;
pub(super) mod report;
pub(super) mod told;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::json;

use super::{Exit, Failure, Format, print};
use crate::{
    app::scenario::{Outcome, Stage},
    config::Config,
};
use report::Summary;
use told::Told;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    /// Scenario files, or directories of `*.json` files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Write a JUnit report as well
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a first scenario of a sensor file
    Init(init::Args),
}

pub(super) async fn test(config: &Config, args: &Args) -> Result<Exit, Failure> {
    if let Some(Command::Init(args)) = &args.command {
        return init::init(config, args).await;
    }
    let begun = Instant::now();
    let files = scenarios(&args.files)?;
    let mut stage = Stage::new(config);
    let (mut played, mut told) = (Vec::with_capacity(files.len()), Vec::with_capacity(files.len()));
    for file in files {
        let one = stage.play(&file).await;
        told.push(Told::from(&one));
        if let (Format::Table, Some(last)) = (args.format, told.last()) {
            report::tell(last)?;
        }
        played.push(one);
    }
    let summary = Summary::of(&told, begun.elapsed());
    match args.format {
        Format::Table => report::end(&summary)?,
        Format::Json => {
            let scenarios: Vec<_> = played.iter().map(report::as_json).collect();
            print::json(&json!({"scenarios": scenarios, "summary": summary}))?;
        }
    }
    write_junit(args.junit.as_deref(), "scenarios", &told, &summary)?;
    Ok(summary.exit())
}

/// Writes a JUnit report where one is wanted.
pub(super) fn write_junit(path: Option<&Path>, suite: &str, told: &[Told], summary: &Summary) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let written = fs::File::create(path).and_then(|file| junit::write(file, suite, told, summary));
    written.map_err(|error| Failure::unexpected(at(path, "cannot write", error)))
}

/// All files that are meant, each once.
fn scenarios(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        match path.is_dir() {
            true => files.extend(directory(path).map_err(|error| Failure::config(at(path, "cannot read", error)))?),
            false => files.push(path.clone()),
        }
    }
    let mut seen = BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    match files.is_empty() {
        true => Err(Failure::config("there are no scenarios: the directories hold no `*.json` files")),
        false => Ok(files),
    }
}

/// The scenarios of a directory and those below it, by name.
pub(super) fn directory(path: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    let mut files = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            files.extend(directory(&entry)?);
        } else if entry.extension().is_some_and(|extension| extension == "json") {
            files.push(entry);
        }
    }
    Ok(files)
}

fn at(path: &Path, what: &str, error: io::Error) -> anyhow::Error {
    anyhow::Error::new(error).context(format!("{what} {}", path.display()))
}

impl Summary {
    pub(super) fn exit(&self) -> Exit {
        match (self.broken, self.failed) {
            (0, 0) => Exit::Done,
            (0, _) => Exit::Unexpected,
            _ => Exit::Config,
        }
    }
}
