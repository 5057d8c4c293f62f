//! Topics that wait because their messages cannot be judged: which, why and since when.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::{Shared, judging::Waits};
use crate::domain::generation::GenerationState;

/// A topic that waits.
#[derive(Debug, Clone)]
pub struct Held {
    pub waits: Waits,
    pub since: Timestamp,
}

/// All topics that wait.
#[derive(Debug, Default)]
pub struct HeldTopics(Mutex<BTreeMap<Arc<str>, Held>>);

impl HeldTopics {
    pub fn all(&self) -> Vec<(Arc<str>, Held)> {
        self.lock().iter().map(|(topic, held)| (Arc::clone(topic), held.clone())).collect()
    }

    /// True if it did not wait before, or for another reason.
    fn hold(&self, topic: &Arc<str>, waits: &Waits) -> bool {
        let mut all = self.lock();
        let since = all.get(topic).map_or_else(Timestamp::now, |held| held.since);
        let before = all.insert(Arc::clone(topic), Held { waits: waits.clone(), since });
        before.is_none_or(|before| before.waits != *waits)
    }

    /// What it waited for, and whether another topic waits for the same matcher.
    fn release(&self, topic: &str) -> Option<(Held, bool)> {
        let mut all = self.lock();
        let held = all.remove(topic)?;
        let others = all.values().any(|other| other.waits.matcher == held.waits.matcher);
        Some((held, others))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Notes that a topic waits, and says so the first time.
    pub(super) async fn topic_waits(&self, topic: &Arc<str>, waits: &Waits) {
        if !self.held.hold(topic, waits) {
            return;
        }
        let Waits { matcher, generation, reason } = waits;
        tracing::error!(
            topic = &**topic,
            matcher = &**matcher,
            reason,
            "A topic waits: its messages cannot be judged now and are kept (hint: `eventlatch matcher list`)"
        );
        if let Some(sha256) = generation {
            self.note_generation(matcher, sha256, GenerationState::Quarantined, Some(reason)).await;
        }
    }

    /// Notes that a topic's messages are judged.
    pub(super) async fn topic_goes_on(&self, topic: &str) {
        let Some((held, others)) = self.held.release(topic) else {
            return;
        };
        tracing::info!(topic, matcher = &*held.waits.matcher, "A topic that waited goes on");
        if let Some(sha256) = held.waits.generation.as_deref().filter(|_| !others) {
            self.note_generation(&held.waits.matcher, sha256, GenerationState::Serving, None).await;
        }
    }

    /// What became of a generation; a failure of the store is no reason to wait.
    pub(super) async fn note_generation(
        &self,
        matcher: &str,
        sha256: &str,
        state: GenerationState,
        reason: Option<&str>,
    ) {
        let noted = self.store.note_generation(matcher.to_owned(), sha256.to_owned(), state, reason.map(str::to_owned));
        if let Err(error) = noted.await {
            tracing::error!(error = &error as &dyn std::error::Error, matcher, "What became of a matcher was not kept");
        }
    }
}
