//! `eventlatch explain`: why a sensor still waits, or what one message would do.
//!
//! The first reads the database and asks Kafka; the service need not run. The second asks the service that runs, whose
//! matchers serve; without one it loads those that would.

use std::{fs, io::Read, path::Path};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Exit, Failure, Format,
    client::{Client, Service},
    print,
};
use crate::{
    app::Matchers,
    config::Config,
    domain::explanation::{Explanation, MessageExplanation, Question},
    pipeline::explaining::{self, message::Trial},
    report,
    source::{LineError, Outgoing},
    store::{Reader, StoreError},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The sensor
    #[arg(required_unless_present = "message")]
    sensor: Option<String>,

    /// Only this task
    task: Option<String>,

    /// The wait [default: the one of the current window, or the newest]
    #[arg(long, value_name = "NAME")]
    wait: Option<String>,

    /// Say what this message would do: a file of JSON `{"topic": …, "value": …}` as `send` takes it, `-` for standard
    /// input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sensor", "task", "wait"])]
    message: Option<std::path::PathBuf>,

    #[command(flatten)]
    service: Service,

    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn explain(config: &Config, args: &Args) -> Result<Exit, Failure> {
    match (&args.message, &args.sensor) {
        (Some(path), _) => show(args.format, &message(config, args, path).await?, report::message)?,
        (None, sensor) => {
            let sensor = sensor.clone().unwrap_or_default();
            let question = Question { sensor, task_id: args.task.clone(), wait: args.wait.clone() };
            show(args.format, &wait(config, args, &question)?, report::page)?;
        }
    }
    Ok(Exit::Done)
}

fn show<T: serde::Serialize>(format: Format, found: &T, page: fn(&T) -> String) -> Result<(), Failure> {
    match format {
        Format::Json => print::json(found),
        Format::Table => print::lines(&page(found)),
    }
}

fn wait(config: &Config, args: &Args, question: &Question) -> Result<Explanation, Failure> {
    if args.service.url.is_some() {
        let query = [("task_id", &question.task_id), ("wait", &question.wait)];
        let query: Vec<_> = query.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        let path = format!("sensors/{}/explain", in_path(&question.sensor));
        return Client::new(config, &args.service)?.get(&path, &query);
    }
    let reader = Reader::open(&config.store.path).map_err(of_store)?;
    let explanation = reader.explain(question, Timestamp::now()).map_err(of_store)?.map_err(Failure::unexpected)?;
    Ok(if explanation.topics.is_empty() { explanation } else { explaining::with_ends(explanation, &config.kafka) })
}

/// A name as it stands in a path.
fn in_path(name: &str) -> impl std::fmt::Display {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC)
}

async fn message(config: &Config, args: &Args, path: &Path) -> Result<MessageExplanation, Failure> {
    let json = read(path)?;
    let no_message = |error: LineError| Failure::new(Exit::Source, error);
    Outgoing::parse(&json).map_err(no_message)?;
    let client = Client::new(config, &args.service);
    match client {
        Ok(client) if args.service.url.is_some() || client.is_answered() => {
            let message: Value = serde_json::from_str(&json).map_err(Failure::unexpected)?;
            client.post("explain-message", &message)
        }
        Err(failure) if args.service.url.is_some() => Err(failure),
        _ => on_trial(config, &json).await,
    }
}

/// With no service: the matchers that would serve, and what the store wants.
async fn on_trial(config: &Config, json: &str) -> Result<MessageExplanation, Failure> {
    let reader = Reader::open(&config.store.path).map_err(of_store)?;
    let matchers = Matchers::load(config).await?;
    let mut trial =
        Trial::new(&matchers.registry, &matchers.pool, json).map_err(|error| Failure::new(Exit::Source, error))?;
    while trial
        .take(trial.read(&reader).map_err(of_store)?)
        .await
        .map_err(|error| Failure::new(Exit::Matcher, error))?
    {}
    Ok(trial.end())
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().lock().read_to_string(&mut text).map(|_| text),
        false => fs::read_to_string(path),
    };
    read.map_err(|error| {
        Failure::new(Exit::Source, anyhow::Error::new(error).context(format!("cannot read {}", path.display())))
    })
}

fn of_store(error: StoreError) -> Failure {
    Failure::new(Exit::Store, error)
}
