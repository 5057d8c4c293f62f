//! The end of a service, in order and with one deadline.
//!
//! No more messages; those in hand are recorded, Kafka is told and the group is left; then everything else ends with what
//! it has in hand: marks, reports, requests; at last the store is closed. What has not ended when the time is over is named,
//! and given up: the next start does it again.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use tokio::task::{JoinError, JoinHandle};

use super::Service;
use crate::{
    pipeline::{Stop, intake::IntakeError},
    telemetry::spans,
};

/// Of the time that there is so much is intake's, which may wait for a broker that does not answer: the others have the rest.
const SHARE_OF_INTAKE: f64 = 0.7;

/// The store has a moment more in any case: what it was given is written.
const LAST_MOMENT: Duration = Duration::from_secs(2);

/// How long a collector may take over the last spans.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// Why a service did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    #[error(transparent)]
    Intake(#[from] IntakeError),
    #[error(
        "the service did not end in time: {} (what it had in hand is done again at the next start; hint: \
         `shutdown_seconds` in [service])",
        .0.join(", ")
    )]
    Late(Vec<&'static str>),
}

/// Something that runs beside the others.
pub(super) struct Loop {
    pub(super) name: &'static str,
    pub(super) running: JoinHandle<()>,
}

/// Begins to run something.
pub(super) fn begin(name: &'static str, run: impl Future<Output = ()> + Send + 'static) -> Loop {
    Loop { name, running: tokio::spawn(run) }
}

/// Waits for one thing after the other, for as long as there is time.
struct Stopping {
    /// None: for as long as it takes.
    until: Option<Instant>,
    late: Vec<&'static str>,
}

impl Stopping {
    /// None: it has not ended in time.
    async fn wait<T>(&mut self, name: &'static str, ends: impl Future<Output = T>, share: f64) -> Option<T> {
        let Some(until) = self.until else { return Some(ends.await) };
        let left = until.saturating_duration_since(Instant::now()).mul_f64(share);
        let ended = tokio::time::timeout(left, ends).await.ok();
        if ended.is_none() {
            self.late.push(name);
        }
        ended
    }
}

impl Service {
    /// Stops in order. Where the input has ended by itself what is due is still delivered, however long that takes.
    pub async fn stop(mut self, how: Stop) -> Result<(), StopError> {
        let until = (how == Stop::Now).then(|| Instant::now() + self.config.service.shutdown());
        let mut stopping = Stopping { until, late: Vec::new() };
        self.source.stop();
        self.patience.end();
        let outcome = match self.intake.is_finished() {
            // Whoever has awaited it has its outcome.
            true => Some(Ok(())),
            false => stopping.wait("reading messages", read(&mut self.intake), SHARE_OF_INTAKE).await,
        };
        self.stop.send_replace(how);
        for Loop { name, running } in self.loops {
            if let Some(Err(defect)) = stopping.wait(name, running, 1.0).await {
                tracing::error!(name, %defect, "A loop of the service had ended before its time");
            }
        }
        stopping.until = stopping.until.map(|until| until.max(Instant::now()) + LAST_MOMENT);
        if let Some(Err(error)) = stopping.wait("the store", self.store.close(), 1.0).await {
            tracing::error!(error = &error as &dyn std::error::Error, "The store was not closed in order");
        }
        // Their thread may wait for a collector that is away.
        drop(tokio::task::spawn_blocking(|| spans::end(LAST_SPANS)).await);
        outcome.transpose()?;
        if stopping.late.is_empty() { Ok(()) } else { Err(StopError::Late(stopping.late)) }
    }
}

async fn read(intake: &mut JoinHandle<Result<(), IntakeError>>) -> Result<(), IntakeError> {
    let ended: Result<_, JoinError> = intake.await;
    ended.unwrap_or(Err(IntakeError::Defect))
}
