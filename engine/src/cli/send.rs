//! `eventlatch send`: messages to a topic, one from the command line or many from JSON lines.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::PathBuf,
};

use super::{Exit, Failure, exit::of_source, print};
use crate::{
    config::Config,
    domain::message::Header,
    source::{Outgoing, Producer},
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The topic; only with --lines may each line name its own
    #[arg(required_unless_present = "lines")]
    topic: Option<String>,

    /// The message's value, taken as it is
    #[arg(required_unless_present_any = ["lines", "tombstone"], conflicts_with_all = ["lines", "tombstone"])]
    value: Option<String>,

    /// A file of JSON lines `{"topic": …, "value": …}`, `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["topic", "key", "header", "tombstone"])]
    lines: Option<PathBuf>,

    /// The message's key
    #[arg(long)]
    key: Option<String>,

    /// A header of the message; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = header)]
    header: Vec<(String, String)>,

    /// Send a message without a value
    #[arg(long)]
    tombstone: bool,
}

pub(super) fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) async fn send(config: &Config, args: &Args) -> Result<Exit, Failure> {
    let producer = Producer::new(&config.kafka).map_err(|error| Failure::new(of_source(&error), error))?;
    let failed = |error| Failure::new(Exit::Source, error);
    match (&args.lines, &args.topic) {
        (Some(path), _) => {
            let messages = read(path)?;
            let sent = producer.send_all(messages).await.map_err(failed)?;
            print::lines(&format!("sent {sent} messages"))?;
        }
        (None, topic) => {
            let message = message(topic.clone().unwrap_or_default(), args);
            let (partition, offset) = producer.send(&message).await.map_err(failed)?;
            print::lines(&format!("sent {}/{partition}@{offset}", message.topic))?;
        }
    }
    Ok(Exit::Done)
}

fn message(topic: String, args: &Args) -> Outgoing {
    let header = |(name, value): &(String, String)| Header { name: name.clone(), value: value.clone().into_bytes() };
    Outgoing {
        topic,
        key: args.key.clone().map(Into::into),
        value: args.value.clone().map(Into::into),
        headers: args.header.iter().map(header).collect(),
        timestamp: None,
    }
}

/// All lines are read before the first is sent: a mistake in the last one should not leave half of them sent.
fn read(path: &PathBuf) -> Result<Vec<Outgoing>, Failure> {
    let input: Box<dyn BufRead> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin().lock()),
        false => Box::new(BufReader::new(File::open(path).map_err(|error| {
            Failure::new(Exit::Source, anyhow::Error::new(error).context(format!("cannot read {}", path.display())))
        })?)),
    };
    let mut messages = Vec::new();
    for (number, line) in (1..).zip(input.lines()) {
        let at = |error: anyhow::Error| {
            Failure::new(Exit::Source, error.context(format!("cannot read {}:{number}", path.display())))
        };
        let line = line.map_err(|error| at(error.into()))?;
        if !line.trim().is_empty() {
            messages.push(Outgoing::parse(&line).map_err(|error| at(error.into()))?);
        }
    }
    Ok(messages)
}
