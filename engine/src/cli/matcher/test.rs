//! `eventlatch matcher test`: a matcher's cases, and the scenarios of its folder.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::{Value, json};

use super::{Exit, Failure, Format, subject::Subject};
use crate::{
    app::scenario::{Played, Stage},
    cli::{
        print,
        test::{
            directory,
            report::{self, Summary},
            told::Told,
            write_junit,
        },
    },
    config::Config,
    matcher::cases::{self, Ran},
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The matcher's folder, which is built first, or a `.wasm` file, whose cases are in it
    #[arg(default_value = ".", value_name = "DIR|FILE")]
    matcher: PathBuf,

    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Write a JUnit report as well
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

pub(super) async fn test(config: &Config, args: &Args) -> Result<Exit, Failure> {
    let subject = Subject::open(config, &args.matcher)?;
    let begun = Instant::now();
    let ran = cases::run(&subject.runtime, &subject.generation, &subject.cases);
    let ran = ran.map_err(|error| Failure::new(Exit::Matcher, error))?;
    let played = play(config, &subject).await?;
    let told: Vec<_> = ran.iter().map(Told::from).chain(played.iter().map(Told::from)).collect();
    if told.is_empty() {
        let hint = "cases lie in `cases/*.json` beside its sources";
        return Err(Failure::config(format!("{} has no cases (hint: {hint})", args.matcher.display())));
    }
    let summary = Summary::of(&told, begun.elapsed());
    match args.format {
        Format::Table => {
            told.iter().try_for_each(report::tell)?;
            report::end(&summary)?;
        }
        Format::Json => print::json(&as_json(&subject, &ran, &played, &summary))?,
    }
    write_junit(args.junit.as_deref(), subject.generation.name(), &told, &summary)?;
    Ok(summary.exit())
}

/// Plays the scenarios of the matcher's folder, with this matcher and those that are built in.
async fn play(config: &Config, subject: &Subject) -> Result<Vec<Played>, Failure> {
    let folder = subject.project.as_ref().map(|project| project.scenarios()).filter(|folder| folder.is_dir());
    let Some(folder) = folder else {
        return Ok(Vec::new());
    };
    let unreadable = |error| Failure::config(anyhow::Error::new(error).context("cannot read the scenarios"));
    let files = directory(&folder).map_err(unreadable)?;
    let alone = tempfile::tempdir().map_err(Failure::unexpected)?;
    fs::write(alone.path().join("matcher.wasm"), &subject.file.bytes).map_err(Failure::unexpected)?;
    let config = with_only(config, alone.path());
    let mut stage = Stage::new(&config);
    let mut played = Vec::with_capacity(files.len());
    for file in files {
        played.push(stage.play(&file).await);
    }
    Ok(played)
}

/// What a service that has no other matcher is configured with: what is tested is the matcher.
fn with_only(config: &Config, directory: &Path) -> Config {
    let mut alone = Config::default();
    alone.matchers.limits = config.matchers.limits.clone();
    alone.matchers.cache = config.matchers.cache.clone();
    alone.matchers.directory = Some(directory.to_owned());
    alone
}

fn as_json(subject: &Subject, ran: &[Ran], played: &[Played], summary: &Summary) -> Value {
    let case = |ran: &Ran| {
        let outcome = if ran.passed() { "passed" } else { "failed" };
        json!({
            "file": ran.file,
            "case": ran.case,
            "outcome": outcome,
            "differences": ran.differences,
            "seconds": ran.took.as_secs_f64(),
        })
    };
    json!({
        "matcher": &**subject.generation.name(),
        "sha256": &*subject.file.sha256,
        "cases": ran.iter().map(case).collect::<Vec<_>>(),
        "scenarios": played.iter().map(report::as_json).collect::<Vec<_>>(),
        "summary": summary,
    })
}
