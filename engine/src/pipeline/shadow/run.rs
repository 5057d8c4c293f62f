//! The loop: what was offered is judged by the candidate and by the build that serves, and what came of it is kept.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use super::{
    super::{
        Shared, Stop,
        comparing::{Incomparable, compare_and_match},
        evaluate::Portion,
        keeping::Keeping,
    },
    Candidate, Offer, lock,
};
use crate::{
    domain::{candidate::ShadowMatch, difference::Comparison},
    matcher::Worker,
    telemetry::metrics,
};

/// How often the store is told.
const SAVING: Duration = Duration::from_millis(500);

/// So many messages are judged at a time.
const AT_ONCE: usize = 256;

/// So many matches are kept each time that the store is told.
const MATCHES: usize = 1_000;

/// Judges what is offered until told to stop.
pub async fn run(shared: &Shared, mut stop: watch::Receiver<Stop>) {
    tokio::select! {
        () = judge_all(shared) => {}
        _ = stop.wait_for(|stop| *stop != Stop::Not) => {}
    }
    save_all(shared).await;
}

async fn judge_all(shared: &Shared) {
    let mut save_at = Instant::now() + SAVING;
    loop {
        let shadows = &shared.shadows;
        tokio::select! {
            () = shadows.offered.notified() => {}
            () = tokio::time::sleep_until(save_at) => {}
        }
        while let Some(offer) = shadows.take() {
            for candidate in shadows.candidates_for(&offer) {
                candidate.judge(shared, &offer).await;
            }
            if Instant::now() >= save_at {
                break;
            }
        }
        if Instant::now() >= save_at {
            save_all(shared).await;
            save_at = Instant::now() + SAVING;
        }
        if !lock(&shadows.offers).batches.is_empty() {
            shadows.offered.notify_one();
        }
    }
}

async fn save_all(shared: &Shared) {
    for candidate in shared.shadows.all() {
        candidate.save(shared).await;
    }
}

impl Candidate {
    /// Judges a batch, as far as there is time and somebody to compare with.
    async fn judge(&self, shared: &Shared, offer: &Offer) {
        let (live, name) = (shared.live.load_full(), self.generation.name());
        let Some(topic) = offer.topic().filter(|topic| live.index.matchers(topic).any(|it| it == name)) else {
            return;
        };
        let arrivals = offer.places.iter().map(|it| offer.slices[it.slice].messages[it.message].arrival);
        // Past days leave the index when no lane needs them any more.
        let is_past = !live.index.missing(arrivals).is_empty();
        let Some(serving) = live.registry.get(name).filter(|_| !is_past && !self.failed.load(Ordering::Relaxed)) else {
            return self.drop_messages(offer);
        };
        self.compare_with(shared, serving.sha256()).await;
        let index = self.awaiting.lock().await.index(shared, &live, serving, &self.generation).await;
        let index = match index {
            Ok(index) => index,
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    matcher = &**name,
                    "A candidate drops a batch"
                );
                return self.drop_messages(offer);
            }
        };
        for places in offer.places.chunks(AT_ONCE) {
            let portion = Portion {
                slices: Arc::clone(&offer.slices),
                topic: Arc::clone(topic),
                places: places.to_vec(),
                index: Arc::clone(&index),
                generation: Arc::clone(serving),
                keeping: Arc::new(Keeping::default()),
            };
            let candidate = Arc::clone(&self.generation);
            let compared =
                shared.pool.run_spare(move |worker: &mut Worker| compare_and_match(worker, &portion, &candidate)).await;
            self.note(compared, places.len() as u64);
        }
    }

    fn note(&self, compared: Result<(Comparison, Vec<ShadowMatch>), Incomparable>, messages: u64) {
        let mut unsaved = lock(&self.unsaved);
        let shadowed = &mut unsaved.shadowed;
        match compared {
            Ok((comparison, matches)) => {
                let room = MATCHES.saturating_sub(shadowed.matches.len());
                shadowed.matches.extend(matches.into_iter().take(room));
                shadowed.comparison.absorb(comparison);
            }
            Err(Incomparable::Old(_)) => shadowed.dropped += messages,
            Err(Incomparable::New(gave_up)) => {
                tracing::warn!(matcher = &**self.generation.name(), %gave_up, "A candidate fails and is not asked any more");
                self.failed.store(true, Ordering::Relaxed);
                shadowed.dropped += messages;
                shadowed.failed = Some(gave_up.to_string());
            }
        }
    }

    /// Another build serves than before: what was counted is of that one.
    async fn compare_with(&self, shared: &Shared, sha256: &Arc<str>) {
        let is_another = lock(&self.unsaved).against.as_ref().is_some_and(|against| against != sha256);
        if is_another {
            self.save(shared).await;
        }
        lock(&self.unsaved).against = Some(Arc::clone(sha256));
    }

    /// Has the store keep what came since the last time. What it does not take is lost: nothing depends on it.
    async fn save(&self, shared: &Shared) {
        let Some((against, shadowed)) = lock(&self.unsaved).take() else { return };
        let tally = shadowed.comparison.tally;
        let same = tally.messages - tally.different;
        metrics::shadowed(self.generation.name(), same, tally.different, shadowed.dropped);
        let (name, sha256) = (self.generation.name().to_string(), self.generation.sha256().to_string());
        if let Err(error) = shared.store.note_shadowed(name, sha256, against.to_string(), shadowed).await {
            let (error, matcher) = (&error as &dyn std::error::Error, &**self.generation.name());
            tracing::error!(error, matcher, "What a candidate did was not kept");
        }
    }
}
