//! `eventlatch dead-letter list|show|redrive`: messages that were set aside.
//!
//! Listing and showing read the database, as `status` does, unless a service is named; judging again is the running
//! service's to do.

use super::{
    Exit, Failure, Format,
    client::{Client, Service},
    print,
};
use crate::{
    api::{Page, RedriveAnswer, RedriveRequest, RedrivenLetter},
    config::Config,
    domain::dead_letter::{DeadLetterFilter, DeadLetterId, DeadLetterKind, StoredDeadLetter},
    store::Reader,
};

/// So many are asked for at once.
const PAGE: usize = 1_000;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the newest
    List {
        #[command(flatten)]
        filter: Filter,

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
    /// Show all that is kept of one
    Show {
        id: i64,

        #[command(flatten)]
        service: Service,

        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Have the running service judge some again: with the matchers that serve now, and once
    Redrive {
        /// Which ones, where no --topic, --matcher, --kind or --all says it
        #[arg(required_unless_present_any = ["topic", "matcher", "kind", "all"], conflicts_with_all = ["topic", "matcher", "kind", "all"])]
        ids: Vec<i64>,

        #[command(flatten)]
        filter: Filter,

        /// All of them
        #[arg(long, conflicts_with_all = ["topic", "matcher", "kind"])]
        all: bool,

        #[command(flatten)]
        service: Service,

        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// Which are meant.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Filter {
    /// Only those of this topic
    #[arg(long)]
    topic: Option<String>,

    /// Only those that this matcher did not take
    #[arg(long)]
    matcher: Option<String>,

    /// Only malformed messages, or only those on which a matcher failed
    #[arg(long, value_enum)]
    kind: Option<Kind>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Kind {
    Reject,
    Fault,
}

impl From<&Filter> for DeadLetterFilter {
    fn from(Filter { topic, matcher, kind }: &Filter) -> Self {
        let kind = kind.map(|kind| match kind {
            Kind::Reject => DeadLetterKind::Reject,
            Kind::Fault => DeadLetterKind::Fault,
        });
        Self { topic: topic.clone(), matcher: matcher.clone(), kind }
    }
}

pub(super) fn dead_letter(config: &Config, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List { filter, before, limit, service, format } => {
            let (filter, before) = (DeadLetterFilter::from(filter), before.map(DeadLetterId));
            let letters = match service.url {
                None => reader(config)?.dead_letters(&filter, before, (*limit).into()).map_err(store)?,
                Some(_) => listed(&Client::new(config, service)?, filter, before, *limit)?,
            };
            show_list(&letters, *format)?;
        }
        Command::Show { id, service, format } => {
            let id = DeadLetterId(*id);
            let letter = match service.url {
                None => reader(config)?.dead_letter(id).map_err(store)?.ok_or_else(|| unknown(id))?,
                Some(_) => Client::new(config, service)?.get(&format!("dead-letters/{id}"), &[])?,
            };
            show(&letter, *format)?;
        }
        Command::Redrive { ids, filter, all: _, service, format } => {
            let client = Client::new(config, service)?;
            match ids.is_empty() {
                true => redrive_all(&client, filter.into(), *format)?,
                false => redrive_these(&client, ids, *format)?,
            }
        }
    }
    Ok(Exit::Done)
}

fn reader(config: &Config) -> Result<Reader, Failure> {
    Reader::open(&config.store.path).map_err(store)
}

fn store(error: crate::store::StoreError) -> Failure {
    Failure::new(Exit::Store, error)
}

fn unknown(id: DeadLetterId) -> Failure {
    Failure::unexpected(format!("there is no dead letter {id} (hint: `eventlatch dead-letter list`)"))
}

fn listed(
    client: &Client,
    filter: DeadLetterFilter,
    before: Option<DeadLetterId>,
    limit: u16,
) -> Result<Vec<StoredDeadLetter>, Failure> {
    let DeadLetterFilter { topic, matcher, kind } = filter;
    let kind = kind.map(|kind| kind.word().to_owned());
    let before = before.map(|id| id.to_string());
    let pairs = [("topic", topic), ("matcher", matcher), ("kind", kind), ("before", before)];
    let mut query: Vec<_> = pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    query.push(("limit", limit.to_string()));
    Ok(client.get::<Page>("dead-letters", &query)?.dead_letters)
}

fn show_list(letters: &[StoredDeadLetter], format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print::json(&letters);
    }
    if letters.is_empty() {
        return print::lines("There are no dead letters.");
    }
    let mut table = print::table(&["ID", "POSITION", "ARRIVAL", "KIND", "MATCHER", "REASON", "OUTCOME"]);
    for it in letters {
        let arrival = print::instant(it.arrival);
        table.add_row([
            it.id.to_string(),
            it.position().to_string(),
            arrival,
            kind(it),
            it.matcher.clone(),
            it.reason.clone(),
            it.outcome.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    print::lines(&table.to_string())
}

/// `reject`, or `fault: trap`.
fn kind(letter: &StoredDeadLetter) -> String {
    let word = letter.kind.word();
    letter.fault.as_ref().map_or(word.to_owned(), |fault| format!("{word}: {fault}"))
}

fn show(it: &StoredDeadLetter, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print::json(it);
    }
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let kept = it.payload.as_ref().map(|payload| payload.0.len());
    let size = match (it.payload_size, kept) {
        (None, _) => "- (a tombstone)".to_owned(),
        (Some(size), None) => format!("{size} bytes (none of it is kept)"),
        (Some(size), Some(_)) => format!("{size} bytes"),
    };
    let rows = [
        ("id", it.id.to_string()),
        ("position", it.position().to_string()),
        ("cluster", it.cluster.to_string()),
        ("arrival", it.arrival.to_string()),
        ("set aside", it.recorded_at.to_string()),
        ("kind", kind(it)),
        ("reason", it.reason.clone()),
        ("matcher", it.matcher.clone()),
        ("sha256", it.sha256.clone()),
        ("key", or_none(it.key.as_ref().map(ToString::to_string))),
        ("payload size", size),
        ("published", or_none(it.published_at.map(|at| at.to_string()))),
        ("judged again", or_none(it.redriven_at.map(|at| at.to_string()))),
        ("outcome", or_none(it.outcome.clone())),
    ];
    let mut table = print::table(&[]);
    for (what, value) in rows {
        table.add_row([what, &value]);
    }
    let parts = [("payload", it.payload.as_ref().map(ToString::to_string)), ("backtrace", it.backtrace.clone())];
    let parts = parts.into_iter().filter_map(|(what, text)| Some(format!("\n{what}:\n{}", text?)));
    print::lines(&std::iter::once(table.to_string()).chain(parts).collect::<Vec<_>>().join("\n"))
}

fn redrive_these(client: &Client, ids: &[i64], format: Format) -> Result<(), Failure> {
    let mut all = Vec::new();
    for ids in ids.chunks(PAGE) {
        let ids = ids.iter().copied().map(DeadLetterId).collect();
        let request = RedriveRequest { ids: Some(ids), ..RedriveRequest::default() };
        all.extend(client.post::<RedriveAnswer>("dead-letters/redrive", &request)?.redriven);
    }
    show_redriven(&all, format)
}

/// Goes through all that are meant, a page at a time.
fn redrive_all(client: &Client, filter: DeadLetterFilter, format: Format) -> Result<(), Failure> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (filter, limit) = (Some(filter.clone()), Some(PAGE));
        let request = RedriveRequest { ids: None, filter, after, limit };
        let answer: RedriveAnswer = client.post("dead-letters/redrive", &request)?;
        all.extend(answer.redriven);
        match answer.next_after {
            None => return show_redriven(&all, format),
            next => after = next,
        }
    }
}

fn show_redriven(redriven: &[RedrivenLetter], format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print::json(&redriven);
    }
    if redriven.is_empty() {
        return print::lines("There are no such dead letters.");
    }
    let mut table = print::table(&["ID", "POSITION", "OUTCOME"]);
    for RedrivenLetter { id, topic, partition, offset, outcome, .. } in redriven {
        table.add_row([id.to_string(), format!("{topic}/{partition}@{offset}"), outcome.clone()]);
    }
    print::lines(&table.to_string())
}
