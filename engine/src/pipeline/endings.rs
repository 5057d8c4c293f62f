//! Those who wait for the end of a wait, or until it is settled: woken when that comes, and only they. The store is asked once
//! for all of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, broadcast::error::RecvError, watch},
    time::Instant,
};

use super::{
    Shared, Stop,
    handle::{Handle, HandleError},
};
use crate::{
    domain::{
        change::{Change, ChangeId},
        wait::{WaitDetail, WaitState},
    },
    store::Listening,
};

/// So many look into the store at once: two thousand threads would only stand in line.
const LOOKING: usize = 4;

/// A sensor and a wait.
type Name = (String, String);

/// What a sleeper hears.
#[derive(Clone, Default)]
enum Call {
    #[default]
    Nothing,
    /// Something may have happened.
    Look,
    Stands(Arc<WaitDetail>),
}

/// What somebody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    Ended,
    /// Ended, and nothing of it is to be told to the outside any more.
    Settled,
}

impl Until {
    fn is_so(self, wait: &WaitDetail) -> bool {
        match self {
            Self::Ended => wait.state != WaitState::Waiting,
            Self::Settled => wait.settled,
        }
    }
}

/// Everybody who waits for the end of a wait.
pub struct Endings {
    sleeping: Mutex<HashMap<Name, watch::Sender<Call>>>,
    looking: Semaphore,
}

impl Default for Endings {
    fn default() -> Self {
        Self { sleeping: Mutex::default(), looking: Semaphore::new(LOOKING) }
    }
}

/// One who waits.
struct Sleeper {
    endings: Arc<Endings>,
    name: Name,
    called: watch::Receiver<Call>,
}

impl Endings {
    fn sleeper(self: &Arc<Self>, sensor: &str, wait: &str) -> Sleeper {
        let name = (sensor.to_owned(), wait.to_owned());
        let called = self.lock().entry(name.clone()).or_default().subscribe();
        Sleeper { endings: Arc::clone(self), name, called }
    }

    fn has_sleeper(&self, name: &Name) -> bool {
        self.lock().contains_key(name)
    }

    fn wake(&self, name: &Name, call: Call) {
        if let Some(sleeping) = self.lock().get(name) {
            sleeping.send_replace(call);
        }
    }

    fn wake_all(&self) {
        self.lock().values().for_each(|sleeping| drop(sleeping.send_replace(Call::Look)));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, watch::Sender<Call>>> {
        self.sleeping.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let mut sleeping = self.endings.lock();
        // Our own receiver is still there.
        if sleeping.get(&self.name).is_some_and(|it| it.receiver_count() <= 1) {
            sleeping.remove(&self.name);
        }
    }
}

/// Wakes sleepers until told to stop.
pub async fn run(shared: &Shared, mut stop: watch::Receiver<Stop>) {
    let mut changes = shared.store.changes(None).from_now;
    loop {
        let change = tokio::select! {
            change = changes.recv() => change,
            _ = stop.wait_for(|stop| *stop != Stop::Not) => return shared.endings.wake_all(),
        };
        match change.as_deref().map(|told| &told.change) {
            Ok(Change::WaitEnded { sensor, wait, .. } | Change::WaitSettled { sensor, wait, .. }) => {
                wake(shared, (sensor.clone(), wait.clone())).await;
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => shared.endings.wake_all(),
            Err(RecvError::Closed) => return,
        }
    }
}

async fn wake(shared: &Shared, name: Name) {
    if !shared.endings.has_sleeper(&name) {
        return;
    }
    let call = match shared.store.wait(name.0.clone(), name.1.clone()).await {
        Ok(Some(wait)) => Call::Stands(Arc::new(wait)),
        _ => Call::Look,
    };
    shared.endings.wake(&name, call);
}

impl Handle {
    /// A wait, when it has come so far, or as it is after some time. None: there is none of that name.
    pub async fn wait_until(
        &self,
        until: Until,
        sensor: &str,
        name: &str,
        patience: Duration,
        mut stop: watch::Receiver<Stop>,
    ) -> Result<Option<WaitDetail>, HandleError> {
        let mut sleeper = self.shared.endings.sleeper(sensor, name);
        let deadline = Instant::now() + patience;
        let mut go_on = true;
        loop {
            let wait = self.look_at(sensor, name).await?;
            if !go_on || wait.as_ref().is_none_or(|wait| until.is_so(wait)) {
                return Ok(wait);
            }
            go_on = tokio::select! {
                called = sleeper.called.changed() => {
                    if let Call::Stands(wait) = &*sleeper.called.borrow_and_update()
                        && until.is_so(wait)
                    {
                        return Ok(Some(WaitDetail::clone(wait)));
                    }
                    called.is_ok()
                }
                () = tokio::time::sleep_until(deadline) => false,
                _ = stop.wait_for(|stop| *stop != Stop::Not) => false,
            };
        }
    }

    async fn look_at(&self, sensor: &str, name: &str) -> Result<Option<WaitDetail>, HandleError> {
        // An error: closed, which it never is.
        let _looking = self.shared.endings.looking.acquire().await;
        self.wait(sensor, name).await
    }

    /// What changes from now on, or since a change that was received before.
    pub fn changes(&self, after: Option<ChangeId>) -> Listening {
        self.shared.store.changes(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_are_woken_whose_wait_ended_and_nothing_of_them_stays() {
        let endings = Arc::new(Endings::default());
        let (mine, other) = (endings.sleeper("s", "a"), endings.sleeper("s", "b"));
        let too = endings.sleeper("s", "a");
        endings.wake(&("s".to_owned(), "a".to_owned()), Call::Look);
        assert!(mine.called.has_changed().unwrap() && too.called.has_changed().unwrap());
        assert!(!other.called.has_changed().unwrap());
        drop(mine);
        assert_eq!(endings.lock().len(), 2);
        drop((too, other));
        assert_eq!(endings.lock().len(), 0);
    }
}
