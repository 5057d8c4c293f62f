//! The loop: scans what is due, topic by topic, and waits for more.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::watch;

use super::{super::Stop, CatchUpError, Scanner};
use crate::store::StoreError;

/// Changes that come together share a scan.
const GATHERING: Duration = Duration::from_millis(250);

/// A topic that cannot be caught up is tried again after so long, then after twice that, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The longest pause without a look, should the clock jump.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Topics that are left alone for a while.
#[derive(Default)]
struct Pauses(BTreeMap<Arc<str>, Pause>);

struct Pause {
    until: Instant,
    length: Duration,
}

impl Scanner {
    /// Catches up until told to stop. What is cut off then goes on at the next start.
    pub async fn run(&self, mut stop: watch::Receiver<Stop>) {
        tokio::select! {
            () = self.follow() => {}
            _ = stop.wait_for(|stop| *stop != Stop::Not) => {}
        }
    }

    /// Gives up what cannot be read back, and says so where something may be missed.
    pub async fn give_up(&self, now: Timestamp) -> Result<(), StoreError> {
        for (topic, wanted) in self.shared.store.to_catch_up(now).await? {
            if !self.shared.store.offsets_of(topic.to_string(), None).await?.is_empty() {
                tracing::info!(topic = &*topic, wanted, "What came before is not looked for: it cannot be read back");
            }
        }
        self.shared.store.give_up_catch_ups(now).await
    }

    async fn follow(&self) {
        let mut appeared = self.shared.catching_up.appeared.subscribe();
        let mut matchers = self.shared.matchers_changed.subscribe();
        let mut pauses = Pauses::default();
        loop {
            tokio::time::sleep(GATHERING).await;
            appeared.mark_unchanged();
            if self.scan_all(&mut pauses).await {
                continue;
            }
            let pause = self.pause(&pauses).await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = appeared.changed() => {}
                _ = matchers.changed() => pauses.end(),
            }
        }
    }

    /// Scans each topic once of which something is due. True if one was: more may have come together meanwhile.
    async fn scan_all(&self, pauses: &mut Pauses) -> bool {
        let now = Timestamp::now();
        let due = match self.shared.store.to_catch_up(now).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(error = &error as &dyn Error, "What is to be caught up cannot be read; trying again");
                return false;
            }
        };
        let mut any = false;
        for topic in due.into_keys() {
            if !pauses.holds(&topic) {
                any |= self.try_topic(&topic, now, pauses).await;
            }
        }
        any
    }

    async fn try_topic(&self, topic: &Arc<str>, now: Timestamp, pauses: &mut Pauses) -> bool {
        let outcome = self.scan(topic, now).await;
        self.shared.catching_up.note(topic, outcome.as_ref().err().map(super::reason));
        match outcome {
            Ok(()) => pauses.forget(topic),
            // It is known in a moment: whoever reads messages says where it begins.
            Err(CatchUpError::NotBegun | CatchUpError::AnotherTopic) => pauses.set(topic, FIRST_PAUSE),
            Err(error) => {
                let pause = pauses.extend(topic);
                let (topic, error) = (&**topic, &error as &dyn Error);
                tracing::warn!(topic, error, ?pause, "A topic cannot be caught up now; trying again");
            }
        }
        !pauses.holds(topic)
    }

    /// Until something is due.
    async fn pause(&self, pauses: &Pauses) -> Duration {
        let now = Timestamp::now();
        let due = self.shared.store.next_catch_up(now).await.ok().flatten();
        let due = due.and_then(|due| Duration::try_from(due.duration_since(now)).ok());
        due.into_iter().chain(pauses.shortest()).min().unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN)
    }
}

impl Pauses {
    fn holds(&self, topic: &str) -> bool {
        self.0.get(topic).is_some_and(|pause| Instant::now() < pause.until)
    }

    fn set(&mut self, topic: &Arc<str>, length: Duration) {
        self.0.insert(Arc::clone(topic), Pause { until: Instant::now() + length, length });
    }

    fn extend(&mut self, topic: &Arc<str>) -> Duration {
        let length = self.0.get(topic).map_or(FIRST_PAUSE, |pause| (pause.length * 2).min(LONGEST_PAUSE));
        self.set(topic, length);
        length
    }

    fn forget(&mut self, topic: &str) {
        self.0.remove(topic);
    }

    /// What was in the way may be gone.
    fn end(&mut self) {
        self.0.values_mut().for_each(|pause| *pause = Pause { until: Instant::now(), length: FIRST_PAUSE });
    }

    fn shortest(&self) -> Option<Duration> {
        self.0.values().map(|pause| pause.until.saturating_duration_since(Instant::now())).min()
    }
}
