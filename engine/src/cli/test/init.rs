//! `eventlatch test init`: a first scenario, made of a sensor file.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use jiff::{Timestamp, tz::TimeZone};

use super::{Config, Exit, Failure, at};
use crate::{
    app::scenario::{PlayError, Stage},
    cli::print,
    domain::definition::Problem,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The sensor file
    sensors: PathBuf,

    /// Where to write the scenario, which must not exist yet [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn init(config: &Config, args: &Args) -> Result<Exit, Failure> {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let first = Stage::new(config).first(&args.sensors, today).await.map_err(failed)?;
    let text = serde_json::to_string_pretty(&first).map_err(Failure::unexpected)?;
    match &args.output {
        None => print::lines(&text)?,
        Some(path) => {
            write(path, &text).map_err(|error| unwritten(path, error))?;
            print::lines(&format!("wrote {}", path.display()))?;
        }
    }
    tell(&first.to_do);
    Ok(Exit::Done)
}

/// Never over a file that somebody wrote.
fn write(path: &Path, text: &str) -> io::Result<()> {
    writeln!(File::create_new(path)?, "{text}")
}

fn unwritten(path: &Path, error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::config(format!("`{}` is there already (hint: another name, or remove it first)", path.display()))
        }
        _ => Failure::config(at(path, "cannot write", error)),
    }
}

/// Beside the scenario, which may go to the standard output.
#[expect(clippy::print_stderr, reason = "the standard output is the scenario's")]
fn tell(to_do: &[String]) {
    to_do.iter().for_each(|line| eprintln!("to do: {}", print::escaped(line)));
}

fn failed(error: PlayError) -> Failure {
    let PlayError::Sensors(problems) = error else { return Failure::unexpected(error) };
    Failure::config(problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))
}
