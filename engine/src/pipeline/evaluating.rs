//! How much is evaluated at once, where the configuration limits it: so many messages of all topics, and of each topic
//! messages of so many partitions.
//!
//! A portion waits for its turn before a worker gets it, and gives it back when it is evaluated. It waits for nothing else
//! meanwhile, and is never larger than the limits, so its turn comes.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::{evaluate::Portion, portions::Cut};
use crate::{matcher::Concurrency, telemetry::metrics};

/// What is evaluated now, and what may be.
#[derive(Debug, Default)]
pub struct Evaluating {
    limits: Concurrency,
    messages: Option<Arc<Semaphore>>,
    partitions: Arc<Partitions>,
}

/// A portion's right to be evaluated, until this is dropped.
pub(super) struct Turn {
    messages: usize,
    _messages: Option<OwnedSemaphorePermit>,
    _partitions: Option<Entered>,
}

impl Evaluating {
    pub fn new(limits: Concurrency) -> Self {
        let messages = limits.messages.map(|limit| Arc::new(Semaphore::new(limit.get() as usize)));
        Self { limits, messages, partitions: Arc::default() }
    }

    /// How batches are cut, so that no portion is too large for its turn and all workers have something to do.
    pub(super) fn cut(&self, workers: usize) -> Cut {
        let share = |limit: usize| (limit / workers.max(1)).max(1);
        Cut {
            workers,
            messages: self.limits.messages.map(|limit| share(limit.get() as usize)),
            partitions: self.limits.partitions.map(|limit| limit.get().into()),
        }
    }

    /// Waits until a portion may be evaluated.
    pub(super) async fn turn(&self, portion: &Portion) -> Turn {
        let numbers = portion.places.iter().map(|place| portion.slices[place.slice].partition.number);
        self.turn_of(&portion.topic, numbers, portion.places.len()).await
    }

    async fn turn_of(&self, topic: &Arc<str>, numbers: impl Iterator<Item = i32>, messages: usize) -> Turn {
        let partitions = match self.limits.partitions {
            Some(limit) => Some(self.partitions.enter(topic, numbers.collect(), limit.get().into()).await),
            None => None,
        };
        let permit = match &self.messages {
            // It is never closed; more than there are would never come.
            Some(all) => {
                let limit = self.limits.messages.map_or(u32::MAX, u32::from);
                let number = u32::try_from(messages).unwrap_or(limit).min(limit);
                Arc::clone(all).acquire_many_owned(number).await.ok()
            }
            None => None,
        };
        metrics::evaluating(messages as f64);
        Turn { messages, _messages: permit, _partitions: partitions }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        metrics::evaluating(-(self.messages as f64));
    }
}

/// The partitions of which something is evaluated, by topic, each with how many portions.
#[derive(Debug, Default)]
struct Partitions {
    entered: Mutex<HashMap<Arc<str>, HashMap<i32, usize>>>,
    left: Notify,
}

/// Some partitions of a topic, in evaluation until this is dropped.
struct Entered {
    topic: Arc<str>,
    numbers: BTreeSet<i32>,
    of: Arc<Partitions>,
}

impl Partitions {
    /// Waits until there are no more than `limit` of the topic with these.
    async fn enter(self: &Arc<Self>, topic: &Arc<str>, numbers: BTreeSet<i32>, limit: usize) -> Entered {
        loop {
            // From here on nobody leaves unnoticed.
            let left = self.left.notified();
            if self.try_enter(topic, &numbers, limit) {
                return Entered { topic: Arc::clone(topic), numbers, of: Arc::clone(self) };
            }
            left.await;
        }
    }

    fn try_enter(&self, topic: &Arc<str>, numbers: &BTreeSet<i32>, limit: usize) -> bool {
        let mut entered = self.entered();
        let of_topic = entered.entry(Arc::clone(topic)).or_default();
        let new = numbers.iter().filter(|number| !of_topic.contains_key(number)).count();
        let fits = of_topic.is_empty() || of_topic.len() + new <= limit;
        if fits {
            numbers.iter().for_each(|number| *of_topic.entry(*number).or_default() += 1);
        }
        fits
    }

    fn entered(&self) -> MutexGuard<'_, HashMap<Arc<str>, HashMap<i32, usize>>> {
        self.entered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(of_topic) = self.of.entered().get_mut(&self.topic) {
            for number in &self.numbers {
                if let Some(portions) = of_topic.get_mut(number) {
                    *portions -= 1;
                }
            }
            of_topic.retain(|_, portions| *portions > 0);
        }
        self.of.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most messages and partitions at once, of portions of `(partition, messages)`.
    async fn most(limits: &str, portions: &[(i32, usize)]) -> (usize, usize) {
        let evaluating = Arc::new(Evaluating::new(toml::from_str(limits).unwrap()));
        let now = Arc::new(Mutex::new(Vec::<(i32, usize)>::new()));
        let most = Arc::new(Mutex::new((0, 0)));
        let mut running = tokio::task::JoinSet::new();
        for (partition, messages) in portions.iter().copied() {
            let (evaluating, now, most) = (Arc::clone(&evaluating), Arc::clone(&now), Arc::clone(&most));
            running.spawn(async move {
                let turn = evaluating.turn_of(&"t".into(), [partition].into_iter(), messages).await;
                {
                    let mut now = now.lock().unwrap();
                    now.push((partition, messages));
                    let partitions: BTreeSet<_> = now.iter().map(|(partition, _)| partition).collect();
                    let mut most = most.lock().unwrap();
                    most.0 = most.0.max(now.iter().map(|(_, messages)| messages).sum());
                    most.1 = most.1.max(partitions.len());
                }
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
                let at = now.lock().unwrap().iter().position(|it| *it == (partition, messages)).unwrap();
                now.lock().unwrap().swap_remove(at);
                drop(turn);
            });
        }
        running.join_all().await;
        *most.lock().unwrap()
    }

    #[tokio::test]
    async fn no_more_is_evaluated_at_once_than_is_allowed() {
        let ten: Vec<_> = (0..10).map(|number| (number % 3, 1)).collect();
        assert_eq!(most("", &ten).await, (10, 3));
        assert_eq!(most("messages = 2", &ten).await.0, 2);
        assert_eq!(most("partitions = 1\nmessages = 3", &ten).await, (3, 1));
        assert_eq!(most("partitions = 2", &ten).await.1, 2);
    }

    #[test]
    fn batches_are_cut_so_that_every_portion_has_its_turn() {
        let cut = |limits: &str| {
            let Cut { messages, partitions, .. } = Evaluating::new(toml::from_str(limits).unwrap()).cut(2);
            (messages, partitions)
        };
        assert_eq!(cut(""), (None, None));
        assert_eq!(cut("messages = 1"), (Some(1), None));
        assert_eq!(cut("messages = 3\npartitions = 1"), (Some(1), Some(1)));
        assert_eq!(cut("messages = 100"), (Some(50), None));
    }
}
