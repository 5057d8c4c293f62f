//! `eventlatch check`: would it run? Changes nothing.

use std::{path::Path, time::Duration};

use super::{Exit, Failure, exit::of_source, print};
use crate::{
    app::{self, Matchers, load_sensors},
    config::Config,
    source,
    store::{Reader, StoreError},
    task::Marking,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Ask the brokers too: are they there, do the topics exist
    #[arg(long)]
    broker: bool,

    /// How long to wait for the brokers, in seconds
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    timeout: u64,
}

/// Stands for the identity of a store that does not exist yet: a probe writes nothing that bears it.
const NO_STORE: &str = "check";

pub(super) async fn check(config: &Config, args: &Args) -> Result<Exit, Failure> {
    config.kafka.check().map_err(Failure::config)?;
    config.api.token().map_err(Failure::config)?;
    config.report.build().map_err(Failure::config)?;
    print::lines("configuration  ok")?;
    let matchers = Matchers::load(config).await?;
    let names: Vec<_> = matchers.registry.serving_any().map(|it| it.name().to_string()).collect();
    print::lines(&format!("matchers       ok  {}", names.join(" ")))?;
    let marking = app::marking(config, NO_STORE).map_err(Failure::config)?;
    let (_, sensors) = load_sensors(config, &matchers, Some(&marking)).await?;
    let wanted: usize = sensors.iter().map(|(_, sensor)| sensor.wanted.len()).sum();
    print::lines(&format!("sensors        ok  {} (wanted messages: {wanted})", sensors.len()))?;
    print::lines(&format!("store          ok  {}", store(config)?))?;
    let mut topics: Vec<_> =
        sensors.iter().flat_map(|(_, sensor)| &sensor.wanted).map(|wanted| wanted.topic.to_string()).collect();
    topics.sort();
    topics.dedup();
    app::check_topics_written(config, &topics)?;
    print::lines(&format!("marking        ok  {}", probed(&marking).await?))?;
    topics.extend(config.dead_letters.topic.clone());
    if args.broker {
        print::lines(&format!("broker         ok  {}", broker(config, topics, args).await?))?;
    }
    Ok(Exit::Done)
}

fn store(config: &Config) -> Result<String, Failure> {
    let path = config.store.path.display();
    match Reader::open(&config.store.path) {
        Ok(_) => Ok(path.to_string()),
        Err(StoreError::Missing { .. }) if !has_directory(&config.store.path) => {
            let problem = format!("there is no directory for the store {path}: create it, or set `path` in [store]");
            Err(Failure::new(Exit::Store, problem))
        }
        Err(StoreError::Missing { .. }) => Ok(format!("{path} (will be created)")),
        Err(StoreError::Older { .. }) => Ok(format!("{path} (will be migrated)")),
        Err(error) => Err(Failure::new(Exit::Store, error)),
    }
}

fn has_directory(path: &Path) -> bool {
    path.parent().is_none_or(|parent| parent.as_os_str().is_empty() || parent.is_dir())
}

async fn probed(marking: &Marking) -> Result<String, Failure> {
    if let Marking::Outbox(adapter) = marking {
        let failed = |error: crate::task::MarkError| {
            Failure::new(Exit::Marking, format!("tasks cannot be marked: {}", error.reason()))
        };
        adapter.probe().await.map_err(failed)?;
    }
    Ok(marking.summary())
}

async fn broker(config: &Config, topics: Vec<String>, args: &Args) -> Result<String, Failure> {
    let (kafka, timeout) = (config.kafka.clone(), Duration::from_secs(args.timeout));
    let probing = tokio::task::spawn_blocking(move || source::probe(&kafka, &topics, timeout));
    let probed = probing.await.map_err(Failure::unexpected)?.map_err(|error| Failure::new(of_source(&error), error))?;
    let missing = match probed.missing.is_empty() {
        true => String::new(),
        false => {
            let missing: Vec<_> = probed.missing.iter().map(|topic| config.topics.both_names(topic)).collect();
            format!(" (no such topic yet: {})", missing.join(", "))
        }
    };
    Ok(format!("cluster {} at {}{missing}", probed.cluster.unwrap_or_default(), config.kafka.brokers))
}
