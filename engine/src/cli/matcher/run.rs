//! `eventlatch matcher run`: one message, and what a matcher makes of it.

use std::{
    fs,
    io::{self, IsTerminal, Read},
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::{Exit, Failure, Format, subject};
use crate::{
    cli::print,
    config::Config,
    domain::message::{Header, Message},
    matcher::{EventTime, Generation, Judgement, Outcome, Question, files, shown_key},
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The matcher's `.wasm` file
    file: PathBuf,

    /// The topic that the message is of [default: the matcher's first]
    #[arg(long)]
    topic: Option<String>,

    /// The file of the message's value [default: standard input]
    #[arg(long, value_name = "FILE")]
    message: Option<PathBuf>,

    /// The message's key
    #[arg(long)]
    key: Option<String>,

    /// A header of the message; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = crate::cli::send::header)]
    header: Vec<(String, String)>,

    /// What somebody wants, as in a sensor file: does the message fulfil it?
    #[arg(long, value_name = "JSON", value_parser = object)]
    wanted: Option<Wanted>,

    /// The business date on which the message arrives, at noon [default: it arrives now]
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,

    /// The sensor's zone
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    timezone: TimeZone,

    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A type of its own: to clap a map would be something else.
#[derive(Debug, Clone)]
struct Wanted(Map<String, Value>);

fn object(text: &str) -> Result<Wanted, String> {
    serde_json::from_str(text).map(Wanted).map_err(|error| format!("write a JSON object: {error}"))
}

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| "write an IANA name such as Europe/Berlin".to_owned())
}

pub(super) fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    let failed = |error: anyhow::Error| {
        Failure::new(Exit::Matcher, error.context(format!("cannot use {}", args.file.display())))
    };
    let runtime = subject::runtime(config)?;
    let file = files::read(&args.file, runtime.limits()).map_err(|error| failed(error.into()))?;
    let generation = Generation::load(&runtime, &file, None, &config.matchers.named);
    let generation = Arc::new(generation.map_err(|error| failed(error.into()))?);
    let message = message(args)?;
    let topic = args.topic.as_deref().or(generation.topics.first().map(|topic| &**topic)).unwrap_or_default();
    let wanted = args.wanted.as_ref().map(|wanted| &wanted.0);
    let question = Question { topic, message: &message, zone: &args.timezone, wanted, on: args.on };
    let judgement = Judgement::ask(&runtime, &generation, &question).map_err(|error| failed(error.into()))?;
    tell(&judgement, args.format)?;
    match judgement.outcome {
        Outcome::Faulted(fault) => {
            Err(Failure::new(Exit::Matcher, anyhow::Error::new(fault).context("the matcher failed")))
        }
        _ => Ok(()),
    }
}

fn message(args: &Args) -> Result<Message, Failure> {
    let mut value = Vec::new();
    let read = match &args.message {
        Some(path) => fs::read(path).map(|bytes| value = bytes),
        // Whoever types a message ends its line.
        None => asked_for().read_to_end(&mut value).map(|_| value.truncate(value.trim_ascii_end().len())),
    };
    read.map_err(|error| Failure::new(Exit::Source, anyhow::Error::new(error).context("cannot read the message")))?;
    let noon = |date: Date| args.timezone.to_ambiguous_timestamp(date.at(12, 0, 0, 0)).compatible();
    let arrival = args.on.map(noon).transpose().map_err(Failure::config)?.unwrap_or_else(Timestamp::now);
    let header = |(name, value): &(String, String)| Header { name: name.clone(), value: value.clone().into_bytes() };
    let headers = args.header.iter().map(header).collect();
    Ok(Message { offset: 0, arrival, key: args.key.clone().map(Bytes::from), value: Some(value.into()), headers })
}

/// Whoever sits at a terminal is told that something is waited for.
#[expect(clippy::print_stderr, reason = "the standard output is the answer's")]
fn asked_for() -> io::Stdin {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        eprintln!("the message's value, then Ctrl-D:");
    }
    stdin
}

fn tell(judgement: &Judgement, format: Format) -> Result<(), Failure> {
    let Judgement { keys, event_time, outcome } = judgement;
    let keys: Vec<_> = keys.iter().map(|key| shown_key(key)).collect();
    let time = event_time.map(|time| match time {
        EventTime::Instant(instant) => instant.to_string(),
        EventTime::Civil(civil) => civil.to_string(),
    });
    if format == Format::Json {
        let (verdict, reason) = (outcome.word(), outcome.reason());
        return print::json(&json!({"keys": keys, "event_time": time, "verdict": verdict, "reason": reason}));
    }
    let mut table = print::table(&[]);
    for key in &keys {
        table.add_row(["key", &key.to_string()]);
    }
    table.add_row(["event time", time.as_deref().unwrap_or("-")]);
    table.add_row([outcome.word(), &outcome.reason().unwrap_or_default()]);
    print::lines(&table.to_string())
}
