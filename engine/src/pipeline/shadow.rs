//! Candidates in the shadow of the builds that serve: they judge the same batches, in spare time, and mark nothing.
//!
//! A lane offers what it has recorded and goes on; where there is no room for it, it is counted as dropped. `run` judges by both
//! builds what was offered, and has the store keep what came of it, at most once: what is in memory when the process is killed
//! is counted neither as compared nor as dropped.

mod awaiting;
mod run;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::{
    acts::ActError,
    evaluate::Place,
    handle::{Handle, HandleError},
};
use crate::{
    domain::{
        candidate::{Shadowed, StoredCandidate},
        difference::DifferenceSample,
        message::Slice,
        recording::{Recorded, Recording},
    },
    matcher::Generation,
};
pub use run::run;

/// So many bytes of messages wait to be judged.
const ROOM: usize = 32 << 20;

/// What a message takes up beside its value.
const MESSAGE: usize = 128;

/// All candidates, and what was offered to them.
#[derive(Default)]
pub struct Shadows {
    candidates: Mutex<BTreeMap<Arc<str>, Arc<Candidate>>>,
    /// Whether there is any: lanes ask it for each batch.
    any: AtomicBool,
    offers: Mutex<Offers>,
    offered: Notify,
}

/// A candidate at work.
struct Candidate {
    generation: Arc<Generation>,
    awaiting: tokio::sync::Mutex<awaiting::Awaiting>,
    /// What is not in the store yet, with the build that it is compared with.
    unsaved: Mutex<Unsaved>,
    /// Whether it gave up: it is asked no more.
    failed: AtomicBool,
}

#[derive(Default)]
struct Unsaved {
    against: Option<Arc<str>>,
    shadowed: Shadowed,
}

impl Unsaved {
    /// What is to be saved, if anything is.
    fn take(&mut self) -> Option<(Arc<str>, Shadowed)> {
        let counted = self.shadowed.comparison.tally.messages + self.shadowed.dropped;
        let against = self.against.clone().filter(|_| counted > 0)?;
        Some((against, std::mem::take(&mut self.shadowed)))
    }
}

#[derive(Default)]
struct Offers {
    batches: VecDeque<Offer>,
    bytes: usize,
}

/// What was recorded of a batch of one topic.
struct Offer {
    slices: Arc<Vec<Slice>>,
    places: Vec<Place>,
    bytes: usize,
}

impl Offer {
    fn topic(&self) -> Option<&Arc<str>> {
        self.slices.first().map(|slice| &slice.partition.topic)
    }
}

impl Shadows {
    /// Whether a batch need be offered at all.
    pub(super) fn are_there(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Hands over what was recorded of a batch, if there is room for it. Never waits.
    pub(super) fn offer(&self, slices: Arc<Vec<Slice>>, recordings: &[Recording], outcomes: &[Recorded]) {
        let mut places = Vec::new();
        for (number, ((slice, recording), outcome)) in slices.iter().zip(recordings).zip(outcomes).enumerate() {
            if matches!(outcome, Recorded::Stored) {
                let recorded = slice.messages.iter().take_while(|message| message.offset < recording.span.to);
                places.extend((0..recorded.count()).map(|message| Place { slice: number, message }));
            }
        }
        let message = |place: &Place| &slices[place.slice].messages[place.message];
        let bytes = places.iter().map(|place| message(place).value.as_ref().map_or(0, Bytes::len) + MESSAGE).sum();
        let offer = Offer { slices, places, bytes };
        let candidates = self.candidates_for(&offer);
        let mut offers = lock(&self.offers);
        if candidates.is_empty() || offers.bytes + bytes > ROOM && !offers.batches.is_empty() {
            return candidates.iter().for_each(|it| it.drop_messages(&offer));
        }
        offers.bytes += bytes;
        offers.batches.push_back(offer);
        drop(offers);
        self.offered.notify_one();
    }

    /// Has a build judge from now on, in place of another candidate of its matcher.
    pub fn put(&self, generation: Arc<Generation>, failed: bool) {
        let name = Arc::clone(generation.name());
        let candidate = Candidate {
            generation,
            awaiting: tokio::sync::Mutex::default(),
            unsaved: Mutex::default(),
            failed: AtomicBool::new(failed),
        };
        lock(&self.candidates).insert(name, Arc::new(candidate));
        self.any.store(true, Ordering::Relaxed);
    }

    /// The candidate of a matcher.
    pub fn get(&self, name: &str) -> Option<Arc<Generation>> {
        lock(&self.candidates).get(name).map(|it| Arc::clone(&it.generation))
    }

    pub(super) fn generations(&self) -> Vec<Arc<Generation>> {
        self.all().into_iter().map(|it| Arc::clone(&it.generation)).collect()
    }

    /// Has a candidate judge no more.
    pub fn remove(&self, name: &str) {
        let mut candidates = lock(&self.candidates);
        candidates.remove(name);
        self.any.store(!candidates.is_empty(), Ordering::Relaxed);
    }

    fn all(&self) -> Vec<Arc<Candidate>> {
        lock(&self.candidates).values().cloned().collect()
    }

    fn candidates_for(&self, offer: &Offer) -> Vec<Arc<Candidate>> {
        let serves = |it: &Candidate| offer.topic().is_some_and(|topic| it.generation.serves(topic).is_some());
        self.all().into_iter().filter(|it| serves(it)).collect()
    }

    fn take(&self) -> Option<Offer> {
        let mut offers = lock(&self.offers);
        let offer = offers.batches.pop_front()?;
        offers.bytes -= offer.bytes;
        Some(offer)
    }
}

impl Candidate {
    fn drop_messages(&self, offer: &Offer) {
        lock(&self.unsaved).shadowed.dropped += offer.places.len() as u64;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A candidate beside the build that serves, and in what they differ.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShadowStatus {
    pub candidate: StoredCandidate,
    /// The newest differences of each kind.
    pub samples: Vec<DifferenceSample>,
}

impl Handle {
    /// All candidates.
    pub async fn candidates(&self) -> Result<Vec<StoredCandidate>, HandleError> {
        Ok(self.shared.store.candidates().await?)
    }

    /// In what the candidate of a matcher differs from the build that serves.
    pub async fn shadow(&self, matcher: &str) -> Result<ShadowStatus, ActError> {
        let found = self.shared.store.candidates().await?.into_iter().find(|it| it.matcher == matcher);
        let candidate = found.ok_or_else(|| ActError::NoCandidate(matcher.to_owned()))?;
        let samples = self.shared.store.shadow_differences(matcher.to_owned()).await?;
        Ok(ShadowStatus { candidate, samples })
    }
}
