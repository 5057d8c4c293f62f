//! The marks that are on their way, and those that are fetched to be next.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use tokio::task::{Id, JoinSet};

use crate::{domain::mark::Mark, task::Concurrency};

/// Dropping them lets go of what is on its way: it is tried again at the next start.
pub(super) struct Hands {
    number: usize,
    busy: HashMap<Id, Arc<Mark>>,
    attempts: JoinSet<()>,
    fetched: VecDeque<Mark>,
}

impl Hands {
    pub(super) fn new(Concurrency(number): Concurrency) -> Self {
        let (busy, attempts, fetched) = (HashMap::new(), JoinSet::new(), VecDeque::new());
        Self { number: number.get(), busy, attempts, fetched }
    }

    pub(super) fn are_empty(&self) -> bool {
        self.busy.is_empty()
    }

    pub(super) fn are_full(&self) -> bool {
        self.busy.len() >= self.number
    }

    /// So many of the marks that are due may be bound to those on their way: themselves, a newer one of the same task, and
    /// the next one in order where one was superseded on its way.
    pub(super) fn bound(&self) -> usize {
        3 * self.busy.len()
    }

    /// Takes over what is due. False: nothing of it can go out now.
    pub(super) fn fetch(&mut self, due: Vec<Mark>) -> bool {
        self.fetched = due.into_iter().filter(|mark| self.is_free(mark)).collect();
        !self.fetched.is_empty()
    }

    /// What was fetched may not be what is due any more.
    pub(super) fn forget_fetched(&mut self) {
        self.fetched.clear();
    }

    /// The next mark, if there is a free hand for it.
    pub(super) fn next(&mut self) -> Option<Arc<Mark>> {
        while !self.are_full() {
            let mark = self.fetched.pop_front()?;
            if self.is_free(&mark) {
                return Some(Arc::new(mark));
            }
        }
        None
    }

    pub(super) fn take(&mut self, mark: Arc<Mark>, attempt: impl Future<Output = ()> + Send + 'static) {
        let id = self.attempts.spawn(attempt).id();
        self.busy.insert(id, mark);
    }

    /// Waits until a hand is free again. The answer is the mark of an attempt that ended by a defect. None: nothing is on its
    /// way.
    pub(super) async fn finished(&mut self) -> Option<Option<Arc<Mark>>> {
        Some(match self.attempts.join_next_with_id().await? {
            Ok((id, ())) => {
                self.busy.remove(&id);
                None
            }
            Err(defect) => self.busy.remove(&defect.id()),
        })
    }

    fn is_free(&self, mark: &Mark) -> bool {
        !self.busy.values().any(|busy| mark.is_bound_to(busy))
    }
}
