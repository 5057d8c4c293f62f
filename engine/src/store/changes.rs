//! Tells what has changed to whoever listens, once it is committed, and remembers the newest for who was away.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use tokio::sync::broadcast;

use crate::{
    domain::change::{Change, ChangeId, ToldChange},
    telemetry::metrics,
};

/// So many of the newest changes are remembered.
const KEPT: usize = 10_000;

/// A listener may be behind by so many.
const BEHIND: usize = 4_096;

/// Everybody who listens.
pub(super) struct Changes {
    run: i64,
    told: Mutex<Told>,
}

struct Told {
    number: u64,
    newest: VecDeque<Arc<ToldChange>>,
    sender: broadcast::Sender<Arc<ToldChange>>,
}

/// Changes from some moment on.
pub struct Listening {
    /// Those that are over already.
    pub earlier: Vec<Arc<ToldChange>>,
    /// Whether there were others before them that nobody remembers.
    pub missed: bool,
    pub from_now: broadcast::Receiver<Arc<ToldChange>>,
}

impl Changes {
    pub(super) fn new() -> Self {
        let (sender, _) = broadcast::channel(BEHIND);
        let told = Told { number: 0, newest: VecDeque::new(), sender };
        Self { run: Timestamp::now().as_millisecond(), told: Mutex::new(told) }
    }

    pub(super) fn tell(&self, changes: Vec<Change>) {
        if changes.is_empty() {
            return;
        }
        let (at, mut told) = (Timestamp::now(), self.lock());
        for change in changes {
            metrics::changed(&change);
            told.number += 1;
            let change = Arc::new(ToldChange { id: ChangeId { run: self.run, number: told.number }, at, change });
            if told.newest.len() == KEPT {
                told.newest.pop_front();
            }
            told.newest.push_back(Arc::clone(&change));
            // An error: nobody listens.
            drop(told.sender.send(change));
        }
    }

    /// Listens, from now on or from the one after a change that was received before.
    pub(super) fn listen(&self, after: Option<ChangeId>) -> Listening {
        let told = self.lock();
        let from_now = told.sender.subscribe();
        let Some(after) = after else { return Listening { earlier: Vec::new(), missed: false, from_now } };
        let is_ours = after.run == self.run && after.number <= told.number;
        let last = if is_ours { after.number } else { 0 };
        let earlier: Vec<_> = told.newest.iter().filter(|change| change.id.number > last).cloned().collect();
        let missed = !is_ours || told.number - last > earlier.len() as u64;
        Listening { earlier, missed, from_now }
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(wait: &str) -> Change {
        Change::WaitOpened { sensor: "s".to_owned(), wait: wait.to_owned() }
    }

    fn earlier(changes: &Changes, after: ChangeId) -> (usize, bool) {
        let listening = changes.listen(Some(after));
        (listening.earlier.len(), listening.missed)
    }

    #[test]
    fn who_was_away_hears_what_was_told_since_or_that_it_is_forgotten() {
        let changes = Changes::new();
        changes.tell(vec![opened("a"), opened("b")]);
        let id = |number| ChangeId { run: changes.run, number };
        assert_eq!((earlier(&changes, id(0)), earlier(&changes, id(1))), ((2, false), (1, false)));
        assert_eq!(earlier(&changes, id(2)), (0, false));
        // Of another run, and one that was never told.
        assert_eq!(earlier(&changes, ChangeId { run: 1, number: 2 }), (2, true));
        assert_eq!(earlier(&changes, id(3)), (2, true));
        changes.tell((0..KEPT).map(|_| opened("c")).collect());
        assert_eq!((earlier(&changes, id(1)), earlier(&changes, id(2))), ((KEPT, true), (KEPT, false)));
        let mut listening = changes.listen(None);
        changes.tell(vec![opened("d")]);
        assert_eq!(listening.from_now.try_recv().unwrap().change, opened("d"));
    }
}
