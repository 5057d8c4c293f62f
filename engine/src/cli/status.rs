//! `eventlatch status`: what has come, and what has not. Reads the database; the service need not run.

use std::sync::Arc;

use anstyle::Style;
use jiff::{Timestamp, tz::TimeZone};

use super::{Exit, Failure, Format, print};
use crate::{
    config::Config,
    domain::{explanation::fields, partition::PartitionStatus},
    store::{self, Reader, SensorStatus, StoreError, WantedStatus},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this sensor
    sensor: Option<String>,

    /// As it stood at another time, such as 2019-07-07T23:00:00Z
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,

    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// So many sensors are looked at together: there may be more than fit in memory.
const PAGE: usize = 500;

pub(super) fn status(config: &Config, args: &Args) -> Result<Exit, Failure> {
    let reader = Reader::open(&config.store.path).map_err(of_store)?;
    let now = args.at.unwrap_or_else(Timestamp::now);
    match &args.sensor {
        Some(name) => {
            let found = reader.sensor_status(name, now).map_err(of_store)?;
            let missing = || format!("there is no sensor `{name}` (hint: `eventlatch status` lists all)");
            print(args.format, [Ok(vec![found.ok_or_else(|| Failure::unexpected(missing()))?])])?;
        }
        None => print(args.format, pages(&reader, now))?,
    }
    if args.format == Format::Table {
        let notes = [frozen(&reader), catching_up(&reader, now), Ok(not_running(config))];
        for note in notes {
            let note = note.map_err(of_store)?;
            if !note.is_empty() {
                print::lines(&format!("\n{note}"))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn not_running(config: &Config) -> String {
    match store::seems_in_use(&config.store.path) {
        true => String::new(),
        false => "No service runs on this database, so nothing is read: `eventlatch run`".to_owned(),
    }
}

fn of_store(error: StoreError) -> Failure {
    Failure::new(Exit::Store, error)
}

type Page = Result<Vec<SensorStatus>, Failure>;

fn pages(reader: &Reader, now: Timestamp) -> impl Iterator<Item = Page> {
    let mut after: Option<String> = None;
    std::iter::from_fn(move || {
        let page = reader.status(now, after.as_deref(), PAGE).map_err(of_store);
        after = page.as_ref().ok().and_then(|page| page.last()).map(|last| last.name.clone());
        Some(page).filter(|page| page.as_ref().map_or(true, |page| !page.is_empty()))
    })
}

fn print(format: Format, pages: impl IntoIterator<Item = Page>) -> Result<(), Failure> {
    if let Format::Json = format {
        return print::json_list(pages);
    }
    let mut any = false;
    for page in pages {
        if any {
            print::lines("")?;
        }
        any = true;
        print::styled(&render(&page?))?;
    }
    if any { Ok(()) } else { print::lines("There are no sensors.") }
}

/// Partitions of which nothing is read until somebody releases them.
fn frozen(reader: &Reader) -> Result<String, StoreError> {
    let line = |it: &PartitionStatus| {
        let (partition, frozen) = (it.partition(), it.frozen.as_ref()?);
        Some(format!("{partition}: stands still at {}, {}: {}", frozen.offset, frozen.kind.word(), frozen.reason))
    };
    Ok(reader.partitions(None)?.iter().filter_map(line).collect::<Vec<_>>().join("\n"))
}

/// What is not known yet of messages that came before they were wanted.
fn catching_up(reader: &Reader, now: Timestamp) -> Result<String, StoreError> {
    let line = |(topic, wanted): (Arc<str>, u64)| match wanted {
        1 => format!("{topic}: catching up, 1 wanted message"),
        many => format!("{topic}: catching up, {many} wanted messages"),
    };
    Ok(reader.to_catch_up(now)?.into_iter().map(line).collect::<Vec<_>>().join("\n"))
}

/// All sensors, one after the other, in colours.
pub(super) fn render(sensors: &[SensorStatus]) -> String {
    sensors.iter().map(sensor).collect::<Vec<_>>().join("\n\n") + "\n"
}

fn sensor(sensor: &SensorStatus) -> String {
    let received = sensor.wanted.iter().filter(|wanted| wanted.received.is_some()).count();
    let state = if sensor.complete { "complete" } else { "waiting" };
    let wait = sensor.wait.as_ref().map(|wait| format!(" · {}", wait.name)).unwrap_or_default();
    let head = format!("{}{wait} · {state}, {received} of {} received", sensor.name, sensor.wanted.len());
    let head = print::escaped(&head);
    let mut table = print::table(&["  TASK", "STATE", "TOPIC", "WANTED", "RECEIVED", "EXPIRES"]);
    for wanted in &sensor.wanted {
        table.add_row(row(wanted, &sensor.timezone));
    }
    format!("{head}\n{}", print::coloured(&table, "STATE", colour))
}

fn colour(state: &str) -> Style {
    match state {
        "success" => print::GOOD,
        "marking" | "missing" => print::OPEN,
        "rejected" => print::BAD,
        _ => Style::new(),
    }
}

fn row(wanted: &WantedStatus, timezone: &str) -> Vec<String> {
    let state = match (&wanted.received, &wanted.mark, wanted.optional) {
        (Some(_), Some(mark), _) if mark.status == "pending" => "marking",
        (Some(_), Some(mark), _) if mark.status == "rejected" => "rejected",
        (Some(_), ..) => "success",
        (None, _, false) => "missing",
        (None, _, true) => "optional",
    };
    vec![
        format!("  {}", wanted.task_id),
        state.to_owned(),
        wanted.topic.clone(),
        wanted.rendered.as_ref().map(fields).unwrap_or_default(),
        received(wanted, timezone),
        match wanted.expires {
            Some(expires) => expires.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            None => wanted.frequency.to_owned(),
        },
    ]
}

fn received(wanted: &WantedStatus, timezone: &str) -> String {
    if let Some(received) = &wanted.received {
        let zone = TimeZone::get(timezone).unwrap_or(TimeZone::UTC);
        let time = zone.to_datetime(received.arrival).strftime("%H:%M:%S").to_string();
        let problem = wanted.mark.as_ref().filter(|mark| mark.status != "delivered");
        let problem = problem.and_then(|mark| mark.last_error.as_ref());
        let not_marked = problem.map(|why| format!(", not marked: {why}")).unwrap_or_default();
        return format!("{time} {}/{}@{}{not_marked}", received.topic, received.partition, received.offset);
    }
    match (&wanted.near_misses.newest, wanted.near_misses.count) {
        (Some(reason), 1) => format!("near miss: {reason}"),
        (Some(reason), count) => format!("{count} near misses: {reason}"),
        (None, _) => "-".to_owned(),
    }
}
