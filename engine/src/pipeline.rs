//! The main job: from a message to a marked task.
//!
//! The only room that sees source, matcher, sensor, store and task; they do not see each other. Five loops run beside
//! each other and meet only in the store:
//!
//! * [`intake`]: messages in, recordings out, receipts settled, in a lane for each topic;
//! * [`marking`]: marks out of the outbox to the task adapter;
//! * [`turning`]: when a business day begins, its renderings and waits;
//! * [`deadlines`]: when a wait gives up;
//! * [`catching_up`]: messages that are older than what waits for them, read back.
//!
//! [`handle`] is how others act on them, and [`redrive`] judges again what was set aside. What they judge by is one value
//! ([`live`]), which [`changing`] changes for sensors and [`matchers`] for who judges.
//!
//! What fails, and what follows:
//!
//! | what fails | consequence | reason |
//! |---|---|---|
//! | a message is malformed, its matcher faults | as configured: set aside with the reason, skipped, its partition freezes, or the service stops | it would fail again |
//! | a matcher on probation, where the one before it does not | that one judges; it takes over if that is often | nothing is lost on a new build's account |
//! | a matcher that is gone or keeps failing | its topic waits, the others go on | the messages are not at fault |
//! | reading messages back | that topic is not caught up, and tried again later and later | intake goes on |
//! | the store, for now | nothing is settled, the same recording is tried again | a later offset would skip this one |
//! | the store, for good: damaged, replaced | the service ends | nothing it could write would be found again |
//! | a slice lost its place in the store | it is dropped, reading goes on from the stored offset | somebody recorded it |
//! | an adapter, for now | the mark stays in the outbox, its next attempt later and later | intake goes on |
//! | an adapter, for good | the mark is kept with the reason | a person has to look |
//! | the topic of dead letters | what is to go there waits in the store, and is tried later and later | intake goes on |
//! | the process | at the next start reading goes on from the stored offsets | they moved with the matches |

pub mod accounting;
pub mod acts;
pub mod bookmarks;
pub mod catching_up;
pub mod changing;
pub mod checking;
pub mod comparing;
mod consequences;
pub mod deadlines;
pub mod defining;
mod distinct;
pub mod endings;
pub mod evaluate;
pub mod evaluating;
pub mod explaining;
pub mod forgetting;
pub mod forwarding;
pub mod handle;
pub mod held;
pub mod intake;
pub mod judging;
pub mod keeping;
mod lane;
pub mod live;
pub mod marking;
pub mod matchers;
pub mod measuring;
pub mod needed;
pub mod outbox;
pub mod partitions;
pub mod patience;
mod portions;
mod proving;
pub mod publishing;
pub mod pushing;
pub mod readiness;
pub mod redrive;
mod remaining;
pub mod rendering;
pub mod replay;
pub mod reporting;
pub mod resetting;
pub mod shadow;
pub mod standing;
pub mod turning;
pub mod waiting;
pub mod watching;

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::{
    matcher::{Budgets, Policies, Pool, Registry},
    store::Store,
    task::Marking,
};
use catching_up::CatchingUp;
use endings::Endings;
use evaluating::Evaluating;
use held::HeldTopics;
use keeping::Keeping;
use live::Live;
use needed::NeededDays;
use patience::Patience;
use shadow::Shadows;
use watching::Watched;

/// Whether the loops beside intake should end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    Not,
    /// The input has ended: what is due is still delivered.
    AfterDue,
    /// With what is in hand.
    Now,
}

/// What the loops share.
#[derive(Clone)]
pub struct Shared {
    pub store: Store,
    pub pool: Arc<Pool>,
    /// What messages are judged by, as of now. Replaced whole.
    pub live: Arc<ArcSwap<Live>>,
    /// Held by whoever makes a change of it that takes time.
    pub changing: Arc<tokio::sync::Mutex<()>>,
    /// Tells whoever waits for a matcher that there are others now.
    pub matchers_changed: watch::Sender<()>,
    pub held: Arc<HeldTopics>,
    /// Which days of the index are not to be dropped.
    pub needed: Arc<NeededDays>,
    /// Those who wait for the end of a wait.
    pub endings: Arc<Endings>,
    /// How much is evaluated at once.
    pub evaluating: Arc<Evaluating>,
    /// What becomes of messages on which matchers fail.
    pub policies: Arc<ArcSwap<Policies>>,
    /// What matchers may cost.
    pub budgets: Arc<Budgets>,
    /// What is kept of messages that are set aside.
    pub keeping: Arc<ArcSwap<Keeping>>,
    pub catching_up: Arc<CatchingUp>,
    /// Candidates beside the builds that serve.
    pub shadows: Arc<Shadows>,
    /// How long a store that fails is asked again.
    pub patience: Patience,
    /// How Kafka and its logs were when somebody looked last.
    pub watched: Arc<Watched>,
    /// Who marks tasks.
    pub marking: Marking,
}

impl Shared {
    pub fn new(store: Store, pool: Arc<Pool>, registry: Registry) -> Self {
        let live = Live { registry: Arc::new(registry), index: Arc::default() };
        Self {
            store,
            pool,
            live: Arc::new(ArcSwap::from_pointee(live)),
            changing: Arc::default(),
            matchers_changed: watch::Sender::new(()),
            held: Arc::default(),
            needed: Arc::default(),
            endings: Arc::default(),
            evaluating: Arc::default(),
            policies: Arc::default(),
            budgets: Arc::default(),
            keeping: Arc::default(),
            catching_up: Arc::default(),
            shadows: Arc::default(),
            patience: Patience::default(),
            watched: Arc::default(),
            marking: Marking::default(),
        }
    }
}
