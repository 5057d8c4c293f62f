//! `eventlatch partition list|unfreeze|skip|reset`: how far partitions were read, those that stand still released, and
//! any of them read from another place.
//!
//! Listing reads the database unless a service is named, which knows how far the logs are ahead, too; releasing is the
//! running service's to do.

use super::{
    Exit, Failure, Format,
    client::{Client, Service, part},
    print,
};
use crate::{
    api::{PartitionList, ReleasedPartition},
    config::Config,
    domain::partition::PartitionStatus,
    source::ResetTo,
    store::{Reader, StoreError},
};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List how far each was read, and which stand still
    List {
        /// Only those of this topic
        #[arg(long)]
        topic: Option<String>,

        /// Only those that stand still
        #[arg(long)]
        frozen: bool,

        #[command(flatten)]
        service: Service,

        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Let frozen partitions go on: the message at which each stands is judged again
    Unfreeze(Released),
    /// Let frozen partitions go on behind the message at which each stands: that one is set aside
    Skip(Released),
    /// Read a partition from another place on; what is read again is recorded in a new epoch
    Reset {
        topic: String,

        /// The number of the partition
        partition: u16,

        /// `earliest`, `latest`, an offset, or a time as 2026-01-31T00:00:00Z
        #[arg(long)]
        to: ResetTo,

        /// Why, for the audit
        #[arg(long)]
        reason: Option<String>,

        #[command(flatten)]
        service: Service,

        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Released {
    topic: String,

    /// The numbers of the partitions
    #[arg(required = true)]
    partitions: Vec<u16>,

    /// Why, for the audit
    #[arg(long)]
    reason: Option<String>,

    #[command(flatten)]
    service: Service,

    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn partition(config: &Config, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::List { topic, frozen, service, format } => {
            let mut all = match service.url {
                None => stored(config, topic.as_deref()).map_err(|error| Failure::new(Exit::Store, error))?,
                Some(_) => asked(&Client::new(config, service)?, topic.clone())?,
            };
            all.retain(|it| !frozen || it.frozen.is_some());
            show(&all, *format)?;
        }
        Command::Unfreeze(released) => release(config, released, "unfreeze")?,
        Command::Skip(released) => release(config, released, "skip")?,
        Command::Reset { topic, partition, to, reason, service, format } => {
            let why = reason.as_ref().map(|reason| format!("&reason={}", part(reason))).unwrap_or_default();
            let path = format!("partitions/{}/{partition}/reset?to={}{why}", part(topic), part(&to.to_string()));
            tell(&[Client::new(config, service)?.post(&path, &())?], *format)?;
        }
    }
    Ok(Exit::Done)
}

fn stored(config: &Config, topic: Option<&str>) -> Result<Vec<PartitionStatus>, StoreError> {
    let mut all = Reader::open(&config.store.path)?.partitions(topic)?;
    let name = |topic: &str| config.topics.otherwise_in_kafka(topic).map(str::to_owned);
    all.iter_mut().for_each(|it| it.topic_in_kafka = name(&it.topic));
    Ok(all)
}

fn asked(client: &Client, topic: Option<String>) -> Result<Vec<PartitionStatus>, Failure> {
    let query: Vec<_> = topic.into_iter().map(|topic| ("topic", topic)).collect();
    Ok(client.get::<PartitionList>("partitions", &query)?.partitions)
}

fn release(config: &Config, released: &Released, act: &str) -> Result<(), Failure> {
    let Released { topic, partitions, reason, service, format } = released;
    let client = Client::new(config, service)?;
    let why = reason.as_ref().map(|reason| format!("?reason={}", part(reason))).unwrap_or_default();
    let release = |number: &u16| {
        client.post::<ReleasedPartition>(&format!("partitions/{}/{number}/{act}{why}", part(topic)), &())
    };
    let all = partitions.iter().map(release).collect::<Result<Vec<_>, _>>()?;
    tell(&all, *format)
}

fn tell(all: &[ReleasedPartition], format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print::json(&all);
    }
    let line = |it: &ReleasedPartition| format!("{}/{} goes on at {}", it.topic, it.partition, it.next);
    print::lines(&all.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn show(partitions: &[PartitionStatus], format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print::json(&partitions);
    }
    if partitions.is_empty() {
        return print::lines("There are no such partitions.");
    }
    let renamed = partitions.iter().any(|it| it.topic_in_kafka.is_some());
    let mut table = print::table(&["PARTITION", "NEXT", "LAG", "EPOCH", "READ", "FROZEN"]);
    if renamed {
        table.set_header(["PARTITION", "NEXT", "LAG", "EPOCH", "READ", "FROZEN", "IN KAFKA"]);
    }
    for it in partitions {
        let mut row = vec![
            it.partition().to_string(),
            it.next.to_string(),
            it.lag.map_or("-".to_owned(), |lag| lag.to_string()),
            it.epoch.to_string(),
            print::instant(it.updated_at),
            frozen(it),
        ];
        if renamed {
            row.push(it.topic_in_kafka.clone().unwrap_or_else(|| it.topic.to_string()));
        }
        table.add_row(row);
    }
    print::lines(&table.to_string())
}

/// `2026-01-31 12:00:00Z, fault by orders: panicked`, or `-`.
fn frozen(partition: &PartitionStatus) -> String {
    let Some(it) = &partition.frozen else { return "-".to_owned() };
    let since = print::instant(it.frozen_at);
    format!("{since}, {} by {}: {}", it.kind.word(), it.matcher, it.reason)
}
