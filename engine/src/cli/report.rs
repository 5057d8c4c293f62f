//! `eventlatch report`: what is missing now, or was on a date. Reads the database; the service need not run.

use jiff::{Timestamp, civil::Date};

use super::{Exit, Failure, print};
use crate::{
    config::Config,
    domain::{
        explanation::{Explanation, Question},
        report::{Entry, Report, ReportKind},
    },
    report::{html, text},
    store::{Reader, StoreError},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The waits for this business date [default: those of now]
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<Date>,

    /// Only this sensor
    #[arg(long, value_name = "NAME")]
    sensor: Option<String>,

    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[default]
    Table,
    Json,
    Html,
}

pub(super) fn report(config: &Config, args: &Args) -> Result<Exit, Failure> {
    let reader = Reader::open(&config.store.path).map_err(of_store)?;
    let explanations = match args.date {
        Some(date) => on(&reader, date, args.sensor.as_deref()).map_err(of_store)?,
        None => now(&reader, args.sensor.as_deref())?,
    };
    let entry = |explanation| Entry { kind: ReportKind::Missing, explanation };
    let report = Report::new(String::new(), explanations.into_iter().map(entry).collect());
    match args.format {
        Format::Table if report.entries.is_empty() => print::lines("Nothing is missing.")?,
        Format::Table => print::lines(&text(&report))?,
        Format::Json => print::json(&report)?,
        Format::Html => print::lines(&html(&report).map_err(Failure::unexpected)?)?,
    }
    Ok(Exit::Done)
}

/// The waits for a date that are not complete.
fn on(reader: &Reader, date: Date, sensor: Option<&str>) -> Result<Vec<Explanation>, StoreError> {
    let waits = reader.unfinished_waits(date, sensor)?;
    reader.explain_waits(&waits, Timestamp::now())
}

/// What lacks something now, sensor by sensor.
fn now(reader: &Reader, sensor: Option<&str>) -> Result<Vec<Explanation>, Failure> {
    let names = sensor.map_or_else(|| reader.sensor_names(), |name| Ok(vec![name.to_owned()])).map_err(of_store)?;
    let at = Timestamp::now();
    let mut lacking = Vec::new();
    for sensor in names {
        let question = Question { sensor, ..Question::default() };
        let explanation = reader.explain(&question, at).map_err(of_store)?.map_err(Failure::unexpected)?;
        if explanation.received < explanation.needed {
            lacking.push(explanation);
        }
    }
    Ok(lacking)
}

fn of_store(error: StoreError) -> Failure {
    Failure::new(Exit::Store, error)
}
