//! `eventlatch mark list|retry`: what is to be told to the outside, and when it is tried again.
//!
//! Listing reads the database unless a service is named; trying again is the running service's to do.

use super::{
    Exit, Failure, Format,
    client::{Client, Service},
    print,
};
use crate::{
    api::{MarkPage, RetryAnswer, RetryRequest},
    config::Config,
    domain::{
        mark::MarkId,
        outbox::{MarkFilter, MarkStatus, StoredMark},
    },
    store::Reader,
};

/// So many are asked for at once.
const PAGE: usize = 1_000;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the newest, with attempts, the next one, and why the last one failed
    List {
        /// Only those that stand so
        #[arg(long, value_enum)]
        status: Option<Status>,

        /// Only those of this sensor
        #[arg(long)]
        sensor: Option<String>,

        /// Only those with a smaller number
        #[arg(long, value_name = "ID")]
        before: Option<i64>,

        /// So many at most
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,

        #[command(flatten)]
        service: Service,

        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Have the running service try some again at once, also rejected ones
    Retry {
        /// Which ones, where no --all says it
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<i64>,

        /// All that stand so
        #[arg(long, value_enum, value_name = "STATUS")]
        all: Option<Open>,

        #[command(flatten)]
        service: Service,

        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Status {
    Pending,
    Delivered,
    Rejected,
    Superseded,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Open {
    Pending,
    Rejected,
}

impl From<Status> for MarkStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Delivered => Self::Delivered,
            Status::Rejected => Self::Rejected,
            Status::Superseded => Self::Superseded,
        }
    }
}

impl From<Open> for MarkStatus {
    fn from(open: Open) -> Self {
        match open {
            Open::Pending => Self::Pending,
            Open::Rejected => Self::Rejected,
        }
    }
}

pub(super) fn mark(config: &Config, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List { status, sensor, before, limit, service, format } => {
            let filter = MarkFilter { status: status.map(MarkStatus::from), sensor: sensor.clone() };
            let (before, limit) = (before.map(MarkId), usize::from(*limit));
            let marks = match service.url {
                None => stored(config, &filter, before, limit)?,
                Some(_) => asked(&Client::new(config, service)?, &filter, before, limit)?,
            };
            show(&marks, *format)?;
        }
        Command::Retry { ids, all, service, format } => {
            let client = Client::new(config, service)?;
            let ids = match all {
                Some(open) => all_ids(&client, (*open).into())?,
                None => ids.iter().copied().map(MarkId).collect(),
            };
            retry(&client, &ids, *format)?;
        }
    }
    Ok(Exit::Done)
}

fn stored(
    config: &Config,
    filter: &MarkFilter,
    before: Option<MarkId>,
    limit: usize,
) -> Result<Vec<StoredMark>, Failure> {
    let look = || Reader::open(&config.store.path)?.marks(filter, before, limit);
    look().map_err(|error| Failure::new(Exit::Store, error))
}

fn asked(
    client: &Client,
    filter: &MarkFilter,
    before: Option<MarkId>,
    limit: usize,
) -> Result<Vec<StoredMark>, Failure> {
    let status = filter.status.map(|status| status.word().to_owned());
    let before = before.map(|id| id.0.to_string());
    let pairs = [("status", status), ("sensor", filter.sensor.clone()), ("before", before)];
    let mut query: Vec<_> = pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    query.push(("limit", limit.to_string()));
    Ok(client.get::<MarkPage>("marks", &query)?.marks)
}

/// Goes through all that stand so, a page at a time: the oldest are to be tried first.
fn all_ids(client: &Client, status: MarkStatus) -> Result<Vec<MarkId>, Failure> {
    let filter = MarkFilter { status: Some(status), sensor: None };
    let mut ids: Vec<MarkId> = Vec::new();
    loop {
        let page = asked(client, &filter, ids.last().copied(), PAGE)?;
        ids.extend(page.iter().map(|mark| mark.id));
        if page.len() < PAGE {
            ids.reverse();
            return Ok(ids);
        }
    }
}

fn retry(client: &Client, ids: &[MarkId], format: Format) -> Result<(), Failure> {
    let mut retried = Vec::new();
    for ids in ids.chunks(PAGE) {
        retried.extend(client.post::<RetryAnswer>("marks/retry", &RetryRequest { ids: ids.to_vec() })?.retried);
    }
    if format == Format::Json {
        return print::json(&retried);
    }
    let left = ids.len() - retried.len();
    let left = if left == 0 { String::new() } else { format!("; {left} are not to be delivered any more") };
    print::lines(&format!("{} of {} marks are tried again{left}", retried.len(), ids.len()))
}

fn show(marks: &[StoredMark], format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print::json(&marks);
    }
    if marks.is_empty() {
        return print::lines("There are no marks.");
    }
    let mut table =
        print::table(&["ID", "SENSOR", "WAIT", "TASK", "STATE", "STATUS", "ATTEMPTS", "NEXT", "LAST ERROR"]);
    for it in marks {
        table.add_row([
            it.id.0.to_string(),
            it.sensor.clone(),
            it.wait.clone(),
            it.task_id.clone(),
            it.state.word().to_owned(),
            it.status.word().to_owned(),
            it.attempts.to_string(),
            next(it),
            it.last_error.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    print::lines(&table.to_string())
}

fn next(mark: &StoredMark) -> String {
    match (mark.status, mark.next_attempt_at) {
        (MarkStatus::Pending, _) if mark.behind => "after an earlier one".to_owned(),
        (MarkStatus::Pending, Some(at)) => print::instant(at),
        (MarkStatus::Pending, None) => "now".to_owned(),
        _ => "-".to_owned(),
    }
}
