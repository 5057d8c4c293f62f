//! `eventlatch matcher bench`: what messages cost.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    Exit, Failure, Format,
    subject::{Subject, size},
};
use crate::{
    author::bench::{self, BenchError, Last, Messages, Report, Row, Usage},
    cli::print::{self, BAD, FAINT},
    config::Config,
    domain::{generation::short, message::Message},
    source::Outgoing,
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The matcher's folder, which is built first, or a `.wasm` file
    #[arg(default_value = ".", value_name = "DIR|FILE")]
    matcher: PathBuf,

    /// Measure with the messages of a file of JSON lines `{"topic": …, "value": …}` [default: those of the cases]
    #[arg(long, value_name = "FILE")]
    lines: Option<PathBuf>,

    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn bench(config: &Config, args: &Args) -> Result<(), Failure> {
    let subject = Subject::open(config, &args.matcher)?;
    let mut messages = Messages::of_cases(&subject.cases, &subject.generation);
    if let Some(path) = &args.lines {
        messages = Messages { config: messages.config, cases: messages.cases, ..read(path, &subject)? };
    }
    let report = bench::bench(&subject.runtime, &subject.file, &messages).map_err(failed)?;
    match args.format {
        Format::Json => print::json(&report),
        Format::Table => print::styled(&told(&report, args.lines.as_deref())),
    }
}

fn failed(error: BenchError) -> Failure {
    let exit = match error {
        BenchError::NoMessages => Exit::Config,
        BenchError::Last(_) => Exit::Unexpected,
        BenchError::Runtime(_) | BenchError::Measure(_) => Exit::Matcher,
    };
    Failure::new(exit, error)
}

/// The messages of a file, of the matcher's topic that comes first.
fn read(path: &Path, subject: &Subject) -> Result<Messages, Failure> {
    let unusable = |what: String| Failure::new(Exit::Source, format!("{}{what}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| unusable(format!(" cannot be read: {error}")))?;
    let mut messages = Messages::default();
    for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
        let sent = Outgoing::parse(line).map_err(|error| unusable(format!(":{number}: {error}")))?;
        let is_served = subject.generation.serves(&sent.topic).is_some();
        if messages.topic.is_empty() && is_served {
            messages.topic.clone_from(&sent.topic);
        }
        if sent.topic == messages.topic {
            messages.messages.push(message(sent));
        }
    }
    Ok(messages)
}

fn message(sent: Outgoing) -> Message {
    let Outgoing { key, value, headers, timestamp, .. } = sent;
    Message { offset: 0, arrival: timestamp.unwrap_or_else(Timestamp::now), key, value, headers }
}

fn told(report: &Report, lines: Option<&Path>) -> String {
    let Report { matcher, version, sha256, .. } = report;
    let head = format!("{matcher} {version} ({})\n\n{}", short(sha256), measured_with(report, lines));
    format!("{}\n\n{}\n\n{}", print::escaped_lines(&head), tables(report), footer(report))
}

/// By call.
fn measured_with(report: &Report, lines: Option<&Path>) -> String {
    let Report { topic, messages, rejects, hits, .. } = report;
    let from = lines.map_or("its cases".to_owned(), |path| path.display().to_string());
    let rejects = if *rejects > 0 { format!(", {rejects} of them malformed") } else { String::new() };
    let hits = match hits {
        0 => "not measured: in no case has the message the wanted key".to_owned(),
        1 => "1 case whose message has the wanted key".to_owned(),
        hits => format!("{hits} cases whose message has the wanted key"),
    };
    format!("extract  {messages} messages of {topic}, from {from}{rejects}\nconfirm  {hits}")
}

/// Those that are over a limit are red.
fn tables(report: &Report) -> String {
    let mut batches =
        print::table(&["CALL", "BATCH", "NS/MESSAGE", "FUEL/MESSAGE", "TIME", "OF LIMIT", "RETURNED", "OF LIMIT"]);
    batches.add_rows(report.batches.iter().map(|row| cells(row, report.last.as_ref())));
    let mut whole = print::table(&["", "USED", "LIMIT", "OF LIMIT"]);
    let wholes = [("memory", report.memory), ("file", report.file)];
    whole.add_rows(wholes.map(|(what, it)| [what.to_owned(), size(it.used), size(it.limit), share(it)]));
    let over = report.batches.iter().map(|row| row.time.share().max(row.returned.share()));
    let batches = coloured(&batches.to_string(), over);
    format!("{batches}\n\n{}", coloured(&whole.to_string(), wholes.iter().map(|(_, it)| it.share())))
}

/// A table, whose first line is its head.
fn coloured(table: &str, shares: impl Iterator<Item = f64>) -> String {
    let styles = std::iter::once(0.0).chain(shares);
    let line = |(line, share): (&str, f64)| {
        let line = line.trim_end();
        if share > 1.0 { format!("{BAD}{line}{BAD:#}") } else { line.to_owned() }
    };
    table.lines().zip(styles).map(line).collect::<Vec<_>>().join("\n")
}

fn cells(row: &Row, last: Option<&Last>) -> [String; 8] {
    let before = last.and_then(|last| last.costs(row));
    [
        row.call.word().to_owned(),
        row.messages.to_string(),
        with_change(row.ns_per_message, before.map(|(ns, _)| ns)),
        with_change(row.fuel_per_message, before.map(|(_, fuel)| fuel)),
        time(row.time.used),
        share(row.time),
        size(row.returned.used),
        share(row.returned),
    ]
}

/// A number, and how much it has become more or less.
fn with_change(now: f64, before: Option<f64>) -> String {
    match before.filter(|before| *before > 0.0) {
        Some(before) => format!("{now:.0} ({:+.1} %)", (now / before - 1.0) * 100.0),
        None => format!("{now:.0}"),
    }
}

fn share(usage: Usage) -> String {
    format!("{:.1} %", usage.share() * 100.0)
}

fn time(nanos: u64) -> String {
    match nanos {
        0..1_000_000 => format!("{:.1} µs", nanos as f64 / 1e3),
        _ => format!("{:.1} ms", nanos as f64 / 1e6),
    }
}

fn footer(report: &Report) -> String {
    let compared = match &report.last {
        None => "Noted for the next time.".to_owned(),
        Some(last) if last.sha256 == report.sha256 => "Compared with the last time, of the same build.".to_owned(),
        Some(last) => format!("Compared with the last time, of the build {}.", short(&last.sha256)),
    };
    format!("{FAINT}{compared} Fuel counts instructions and is the same on every machine; time is not.{FAINT:#}\n")
}
