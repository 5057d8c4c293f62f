//! Marks out of the outbox to the task adapter: several at once, in the order that the store says.
//!
//! What is due and who stands behind whom is the store's word ([`Store::pending_marks`]). Here it is only seen to that marks
//! which are bound to each other are never on their way together, and that what came of each attempt is noted.

mod hands;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::watch;

use self::hands::Hands;
use super::{Stop, patience::Patience};
use crate::{
    domain::mark::{Mark, Outcome},
    store::{Store, StoreError},
    task::{Backoff, Concurrency, MarkError, TaskAdapter},
    telemetry::{metrics, spans::MarkSpan},
};

/// So many marks are fetched at once, beside those that are on their way. They are noted one by one: a crash repeats at most
/// those on their way.
const FETCHED: usize = 100;

/// The longest pause without a look at the outbox, should a clock jump.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// How long the outbox is left alone after the store failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// The outbox and where its marks go.
#[derive(Clone)]
pub struct Marker {
    pub store: Store,
    pub adapter: Arc<dyn TaskAdapter>,
    pub concurrency: Concurrency,
    /// May change while it runs.
    pub backoff: Arc<ArcSwap<Backoff>>,
    pub patience: Patience,
}

impl Marker {
    /// Delivers marks until told to stop; those on their way are finished in any case.
    pub async fn run(&self, mut stop: watch::Receiver<Stop>) {
        let mut appeared = self.store.marks_appeared();
        let mut hands = Hands::new(self.concurrency);
        loop {
            appeared.mark_unchanged();
            let how = *stop.borrow_and_update();
            let pause = if how == Stop::Now { LOOK_AGAIN } else { self.look(&mut hands).await };
            if how != Stop::Not && hands.are_empty() {
                return;
            }
            tokio::select! {
                Some(defect) = hands.finished() => self.note_defect(defect).await,
                _ = appeared.changed() => hands.forget_fetched(),
                _ = stop.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Takes up what is due, and answers how long there is nothing more to do.
    async fn look(&self, hands: &mut Hands) -> Duration {
        self.take_up(hands).await.unwrap_or_else(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "The outbox cannot be read now");
            STORE_PAUSE
        })
    }

    async fn take_up(&self, hands: &mut Hands) -> Result<Duration, StoreError> {
        loop {
            while let Some(mark) = hands.next() {
                let (marker, in_hand) = (self.clone(), Arc::clone(&mark));
                hands.take(mark, async move { marker.deliver(&in_hand).await });
            }
            if hands.are_full() {
                return Ok(LOOK_AGAIN);
            }
            let now = Timestamp::now();
            let due = self.store.pending_marks(now, FETCHED + hands.bound()).await?;
            if !hands.fetch(due) {
                return Ok(pause_until(self.store.next_mark_due(now).await?, now));
            }
        }
    }

    /// Tries once, and notes what came of it as soon as the store takes it: until then nobody tries again.
    async fn deliver(&self, mark: &Mark) {
        let outcome = attempt(&*self.adapter, mark, &self.backoff.load()).await;
        self.note(mark, &outcome).await;
    }

    async fn note(&self, mark: &Mark, outcome: &Outcome) {
        let noted: Result<(), StoreError> =
            self.patience.patiently(|| self.store.resolve(vec![(mark.id, outcome.clone())])).await;
        if let Err(error) = noted {
            tracing::error!(error = &error as &dyn std::error::Error, mark = mark.id.0, "An attempt cannot be noted");
        }
    }

    /// A defect of an adapter is no reason to try again at once.
    async fn note_defect(&self, mark: Option<Arc<Mark>>) {
        if let Some(mark) = mark {
            let reason = "the attempt broke off: a defect".to_owned();
            let outcome = failed(&mark, MarkError::retry(reason), &self.backoff.load());
            self.note(&mark, &outcome).await;
        }
    }
}

fn pause_until(due: Option<Timestamp>, now: Timestamp) -> Duration {
    let left = due.and_then(|due| Duration::try_from(due.duration_since(now)).ok());
    left.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN)
}

async fn attempt(adapter: &dyn TaskAdapter, mark: &Mark, backoff: &Backoff) -> Outcome {
    let began = Instant::now();
    let (span, told) = MarkSpan::begin(adapter.name(), mark);
    let marked = adapter.mark(&told).await;
    let failed_with = marked.as_ref().err();
    metrics::attempted(adapter.name(), mark, failed_with.map(MarkError::word), began.elapsed());
    span.end(failed_with.map(|error| (error.word(), error.reason())));
    match marked {
        Ok(marked) => {
            tracing::debug!(sensor = mark.sensor, task_id = mark.task_id, ?marked, "Marked a task");
            Outcome::Delivered
        }
        Err(error) => failed(mark, error, backoff),
    }
}

fn failed(mark: &Mark, error: MarkError, backoff: &Backoff) -> Outcome {
    match error {
        MarkError::Retry { reason, after } => {
            let pause = after.unwrap_or_else(|| backoff.pause(mark.attempts, mark.id.0.unsigned_abs()));
            tracing::warn!(sensor = mark.sensor, task_id = mark.task_id, reason, ?pause, "Cannot mark a task now");
            Outcome::Retry { at: Timestamp::now().saturating_add(pause).unwrap_or(Timestamp::MAX), reason }
        }
        MarkError::Reject(reason) => {
            tracing::error!(sensor = mark.sensor, task_id = mark.task_id, reason, "A task cannot be marked");
            Outcome::Rejected { reason }
        }
    }
}
