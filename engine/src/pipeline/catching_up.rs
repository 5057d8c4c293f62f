//! Catching up: a rendering may be younger than its message. What is in the log already is read back for it.
//!
//! What is to be caught up is in the store, noted with the change that makes it so. A scan is of one topic: it takes all
//! that is due, says where it ends (`plan`), makes an index of its own in which earlier days of a window have the text
//! that is young (`texts`), and evaluates piece by piece beside the lanes (`scanning`); progress is recorded with the
//! matches. A scan that fails waits and goes on where it stood, and other topics do not wait with it.
//!
//! Where a scan may end is the point of it: not before all batches are recorded that were judged without the rendering
//! (`under_way`). What is read twice does no harm, a match is there once.

mod following;
mod plan;
mod reading;
mod scanning;
mod texts;
mod under_way;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{
    Shared,
    handle::{Handle, HandleError},
    judging::Waits,
    rendering::RenderError,
};
use crate::{
    domain::{catch_up::CatchUp, wanted::WantedId},
    source::SourceError,
    store::StoreError,
};
use under_way::UnderWay;

pub(super) use plan::{DISORDER, gone};
pub use scanning::{Logs, Scanner};
pub(super) use under_way::Ticket;

/// Why a topic cannot be caught up now.
#[derive(Debug, thiserror::Error)]
pub enum CatchUpError {
    #[error("what is to be caught up cannot be read or recorded")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("messages cannot be read back")]
    Source(#[from] SourceError),
    #[error("{0}")]
    Waits(Waits),
    #[error("there is no matcher `{0}` any more: put its file back, or remove the wanted messages")]
    Gone(String),
    #[error("it is not known yet where reading the topic begins")]
    NotBegun,
    #[error("the topic was made anew: it is caught up when reading it has begun anew, too")]
    AnotherTopic,
    #[error("messages of the partition {0} do not come")]
    Silent(i32),
    #[error("reading messages back ended by a defect of its own; the log says more")]
    Defect,
}

/// What the loops share of catching up.
#[derive(Default)]
pub struct CatchingUp {
    /// Changes, from noting that something is to be caught up until that has taken effect.
    changes: UnderWay<()>,
    /// Batches, from before it is known by what they are judged until they are recorded.
    batches: UnderWay<Arc<str>>,
    /// Tells that something may be due.
    appeared: watch::Sender<()>,
    /// Why topics do not get on.
    problems: Mutex<BTreeMap<Arc<str>, String>>,
}

impl CatchingUp {
    /// A change, until it has taken effect: no scan for it begins before.
    pub(super) fn change(&self) -> Ticket<()> {
        self.changes.enter(())
    }

    /// Says that something may have been noted.
    pub(super) fn look(&self) {
        self.appeared.send_replace(());
    }

    /// A batch of a topic that is about to be judged, until it is recorded.
    pub(super) fn batch(&self, topic: &Arc<str>) -> Ticket<Arc<str>> {
        self.batches.enter(Arc::clone(topic))
    }

    /// Waits until nothing of a topic can be recorded any more that was judged without what is noted now.
    async fn settled(&self, topic: &Arc<str>) {
        self.changes.settled(&()).await;
        self.batches.settled(topic).await;
    }

    fn note(&self, topic: &Arc<str>, problem: Option<String>) {
        let mut all = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        match problem {
            Some(problem) => drop(all.insert(Arc::clone(topic), problem)),
            None => drop(all.remove(topic)),
        }
    }

    fn problems(&self) -> BTreeMap<Arc<str>, String> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    /// Has the renderings of a business date caught up: what is in the log already of their windows is looked at. It
    /// happens soon, beside everything else; until then [`crate::store::Store::catching_up`] says so of their topics.
    pub async fn catch_up(&self, wanted: Vec<WantedId>, date: Date) -> Result<(), StoreError> {
        self.store.want_catch_up(wanted.into_iter().map(|wanted| (wanted, date)).collect()).await?;
        self.catching_up.look();
        Ok(())
    }
}

/// How catching up stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CatchUps {
    /// How many renderings of each topic wait to be caught up, or are.
    pub waiting: BTreeMap<Arc<str>, u64>,
    /// Why topics do not get on.
    pub problems: BTreeMap<Arc<str>, String>,
    /// What was read last, or is, the newest first.
    pub partitions: Vec<CatchUp>,
}

impl Handle {
    /// How catching up stands, with so many partitions at most.
    pub async fn catch_ups(&self, limit: usize) -> Result<CatchUps, HandleError> {
        let store = &self.shared.store;
        Ok(CatchUps {
            waiting: store.to_catch_up(Timestamp::now()).await?,
            problems: self.shared.catching_up.problems(),
            partitions: store.catch_ups(limit).await?,
        })
    }
}

/// An error in one line, with what is behind it.
fn reason(error: &CatchUpError) -> String {
    let behind = std::iter::successors(std::error::Error::source(error), |error| error.source());
    behind.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
