//! Marks out of the outbox, one after the other, to the task adapter.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::watch;

use super::Stop;
use crate::{
    domain::mark::{Mark, Outcome},
    store::{Store, StoreError},
    task::{Backoff, MarkError, TaskAdapter},
    telemetry::metrics,
};

/// So many marks are fetched at once. They are noted one by one: a crash repeats at most the one in hand.
const FETCHED: usize = 100;

/// The longest pause without a look at the outbox, should a clock jump.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// How long the outbox is left alone after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// The outbox and where its marks go.
pub struct Marker {
    pub store: Store,
    pub adapter: Arc<dyn TaskAdapter>,
    /// May change while it runs.
    pub backoff: Arc<ArcSwap<Backoff>>,
}

impl Marker {
    /// Delivers marks until told to stop; the mark in hand is finished in any case.
    pub async fn run(&self, mut stop: watch::Receiver<Stop>) {
        let mut appeared = self.store.marks_appeared();
        while *stop.borrow() == Stop::Not {
            appeared.mark_unchanged();
            let pause = match self.deliver_due(&stop).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "The outbox cannot be read now");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                _ = appeared.changed() => {}
                _ = stop.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        if *stop.borrow() == Stop::AfterDue
            && let Err(error) = self.deliver_due(&stop).await
        {
            tracing::error!(error = &error as &dyn std::error::Error, "The outbox is kept for the next start");
        }
    }

    /// Delivers what is due and answers how long there is nothing more to do.
    async fn deliver_due(&self, stop: &watch::Receiver<Stop>) -> Result<Duration, StoreError> {
        loop {
            let now = Timestamp::now();
            let due = self.store.pending_marks(now, FETCHED).await?;
            if due.is_empty() || *stop.borrow() == Stop::Now {
                return Ok(pause_until(self.store.next_mark_due(now).await?, now));
            }
            for mark in due {
                if *stop.borrow() == Stop::Now {
                    break;
                }
                let outcome = deliver(&*self.adapter, &mark, &self.backoff.load()).await;
                self.store.resolve(vec![(mark.id, outcome)]).await?;
            }
        }
    }
}

fn pause_until(due: Option<Timestamp>, now: Timestamp) -> Duration {
    let left = due.and_then(|due| Duration::try_from(due.duration_since(now)).ok());
    left.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN)
}

async fn deliver(adapter: &dyn TaskAdapter, mark: &Mark, backoff: &Backoff) -> Outcome {
    let began = Instant::now();
    let marked = adapter.mark(mark).await;
    metrics::attempted(adapter.name(), mark, marked.as_ref().err().map(MarkError::word), began.elapsed());
    match marked {
        Ok(marked) => {
            tracing::debug!(sensor = mark.sensor, task_id = mark.task_id, ?marked, "Marked a task");
            Outcome::Delivered
        }
        Err(MarkError::Retry(reason)) => {
            let pause = backoff.pause(mark.attempts, mark.id.0.unsigned_abs());
            tracing::warn!(sensor = mark.sensor, task_id = mark.task_id, reason, ?pause, "Cannot mark a task now");
            Outcome::Retry { at: Timestamp::now().saturating_add(pause).unwrap_or(Timestamp::MAX), reason }
        }
        Err(MarkError::Reject(reason)) => {
            tracing::error!(sensor = mark.sensor, task_id = mark.task_id, reason, "A task cannot be marked");
            Outcome::Rejected { reason }
        }
    }
}
