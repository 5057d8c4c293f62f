//! `eventlatch run`: the service, until a signal or the end of its input.

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, Failure};
use crate::{
    app::{GRACE, Input, Service},
    config::Config,
    pipeline::Stop,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Read messages from a file of JSON lines instead of Kafka, `-` for standard input; ends with it
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

pub(super) async fn run(config: &Config, args: &Args) -> Result<Exit, Failure> {
    let input = match &args.input {
        None => Input::Kafka,
        Some(path) if path.as_os_str() == "-" => Input::Stdin,
        Some(path) => Input::File(path.clone()),
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::unexpected)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::unexpected)?;
    let mut service = tokio::select! {
        started = Service::start(config, &input) => started?,
        _ = interrupt.recv() => return Ok(Exit::Done),
        _ = terminate.recv() => return Ok(Exit::Done),
    };
    let (ended, how) = tokio::select! {
        ended = service.ended() => (ended, Stop::AfterDue),
        _ = interrupt.recv() => (Ok(()), Stop::Now),
        _ = terminate.recv() => (Ok(()), Stop::Now),
    };
    tracing::info!("Stopping: what was read is recorded, a second signal ends it now");
    tokio::select! {
        stopped = service.stop(how) => { ended?; stopped? }
        () = tokio::time::sleep(GRACE), if how == Stop::Now => return Err(Failure::unexpected("the service did not stop in time; what is missing is read again at the next start")),
        _ = interrupt.recv() => return Err(Failure::unexpected("the service did not stop in order: a second signal came")),
        _ = terminate.recv() => return Err(Failure::unexpected("the service did not stop in order: a second signal came")),
    }
    tracing::info!("Stopped");
    Ok(Exit::Done)
}
