//! `eventlatch run`: the service, until a signal or the end of its input.

use std::{error::Error, path::PathBuf};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, Failure};
use crate::{
    app::{Input, Service},
    config::{Config, ConfigError},
    pipeline::Stop,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Read messages from a file of JSON lines instead of Kafka, `-` for standard input; ends with it
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,

    /// Where another process has the store, wait until it ends and take over
    #[arg(long)]
    standby: bool,
}

/// Runs until it is told to stop; on SIGHUP the configuration is loaded again.
pub(super) async fn run(
    config: &Config,
    args: &Args,
    load: impl Fn() -> Result<Config, ConfigError>,
) -> Result<Exit, Failure> {
    let input = match &args.input {
        None => Input::Kafka,
        Some(path) if path.as_os_str() == "-" => Input::Stdin,
        Some(path) => Input::File(path.clone()),
    };
    may_open_many();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::unexpected)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::unexpected)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(Failure::unexpected)?;
    let starting = async {
        match args.standby {
            true => Service::start_as_standby(config, &input).await,
            false => Service::start(config, &input).await,
        }
    };
    let mut service = tokio::select! {
        started = starting => started?,
        _ = interrupt.recv() => return Ok(Exit::Done),
        _ = terminate.recv() => return Ok(Exit::Done),
    };
    let (ended, how) = loop {
        tokio::select! {
            ended = service.ended() => {
                let how = if ended.is_ok() { Stop::AfterDue } else { Stop::Now };
                break (ended, how);
            }
            _ = interrupt.recv() => break (Ok(()), Stop::Now),
            _ = terminate.recv() => break (Ok(()), Stop::Now),
            _ = hang_up.recv() => {}
        }
        reload(&mut service, load());
    };
    tracing::info!("Stopping: what was read is recorded, a second signal ends it now");
    tokio::select! {
        stopped = service.stop(how) => { ended?; stopped? }
        _ = interrupt.recv() => return Err(cut()),
        _ = terminate.recv() => return Err(cut()),
    }
    tracing::info!("Stopped");
    Ok(Exit::Done)
}

/// As if it had been killed: what was in hand is done again at the next start.
fn cut() -> Failure {
    let told = "the service did not end in order: a second signal came (nothing is lost: the next start goes on)";
    Failure::new(Exit::Cut, told)
}

/// Thousands of requests may stay open at once: as many files may be open as the system lets us.
fn may_open_many() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::debug!(%error, "No more files may be open than before");
    }
}

/// A configuration that is wrong changes nothing.
fn reload(service: &mut Service, loaded: Result<Config, ConfigError>) {
    let reloaded: Result<(), Box<dyn Error>> =
        loaded.map_err(Into::into).and_then(|config| service.reload(&config).map_err(Into::into));
    if let Err(error) = reloaded {
        tracing::error!(%error, cause = error.source(), "The configuration stays as it was");
    }
}
