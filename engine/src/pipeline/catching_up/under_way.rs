//! What is under way and has to come to its end before something else can begin.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

/// All that is under way, each with what it is about.
#[derive(Debug)]
pub(super) struct UnderWay<T> {
    all: Arc<Mutex<All<T>>>,
    left: watch::Sender<()>,
}

#[derive(Debug)]
struct All<T> {
    next: u64,
    about: BTreeMap<u64, T>,
}

/// One of them, under way until this is dropped.
pub(in crate::pipeline) struct Ticket<T> {
    number: u64,
    of: UnderWay<T>,
}

impl<T: PartialEq> UnderWay<T> {
    /// Never waits.
    pub(super) fn enter(&self, about: T) -> Ticket<T> {
        let mut all = self.lock();
        let number = all.next;
        all.next += 1;
        all.about.insert(number, about);
        Ticket { number, of: self.clone() }
    }

    /// How many have begun so far.
    pub(super) fn begun(&self) -> u64 {
        self.lock().next
    }

    /// Waits until all has ended that is under way now and about this.
    pub(super) async fn settled(&self, about: &T) {
        let mut left = self.left.subscribe();
        let before = self.lock().next;
        let is_settled = || !self.lock().about.range(..before).any(|(_, other)| other == about);
        while !is_settled() {
            // We hold a sender, so this cannot fail.
            drop(left.changed().await);
        }
    }
}

impl<T> UnderWay<T> {
    fn lock(&self) -> MutexGuard<'_, All<T>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for UnderWay<T> {
    fn default() -> Self {
        Self { all: Arc::new(Mutex::new(All { next: 0, about: BTreeMap::new() })), left: watch::Sender::new(()) }
    }
}

impl<T> Clone for UnderWay<T> {
    fn clone(&self) -> Self {
        Self { all: Arc::clone(&self.all), left: self.left.clone() }
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        self.of.lock().about.remove(&self.number);
        self.of.left.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_began_before_is_waited_for_and_what_begins_later_is_not() {
        let all = UnderWay::default();
        let [first, second, _other] = ["ours", "ours", "other"].map(|about| all.enter(about));
        let settled = tokio::spawn({
            let all = all.clone();
            async move { all.settled(&"ours").await }
        });
        tokio::task::yield_now().await;
        let _later = all.enter("ours");
        drop(second);
        tokio::task::yield_now().await;
        assert!(!settled.is_finished());
        drop(first);
        settled.await.unwrap();
    }
}
