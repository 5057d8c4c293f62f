//! What people do with matchers by hand: push a build, go back to an earlier one, or pin one. Done by whoever follows the matcher
//! directory, so that the two do not meet.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    handle::{Handle, HandleError},
    standing::RefusedFile,
};
use crate::{
    domain::{dead_letter::Actor, generation},
    matcher::{Generation, Loader},
    source::SourceError,
    store::StoreError,
};

/// A build that is proved.
#[derive(Clone)]
pub struct Build {
    pub generation: Arc<Generation>,
    pub wasm: Bytes,
}

/// What is to be done.
pub enum Act {
    /// Let this build serve.
    Push(Build),
    /// Let it judge beside the build that serves.
    Shadow(Build),
    /// Let the build serve that judges beside the one that does.
    Promote,
    /// Let it judge no more.
    Withdraw,
    /// Let a build go on that is quarantined over its budget.
    Release,
    /// Let the build serve that served before.
    RollBack,
    /// Let this build serve, whatever the directory holds: the beginning of its sha256. None: the one that serves now.
    Pin(Option<String>),
    /// Let the directory decide again.
    Unpin,
}

impl Act {
    pub fn word(&self) -> &'static str {
        match self {
            Self::Push(_) => "matcher push",
            Self::Shadow(_) => "matcher push --shadow",
            Self::Promote => "matcher promote",
            Self::Withdraw => "matcher withdraw",
            Self::Release => "matcher release",
            Self::RollBack => "matcher rollback",
            Self::Pin(_) => "matcher pin",
            Self::Unpin => "matcher unpin",
        }
    }
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error("there is no matcher `{0}` (hint: `eventlatch matcher list`)")]
    NoSuchMatcher(String),
    #[error("no build `{sha256}` of the matcher `{matcher}` is kept (hint: `eventlatch matcher history {matcher}`)")]
    NoSuchBuild { matcher: String, sha256: String },
    #[error("`{sha256}` is the beginning of several builds of the matcher `{matcher}` (hint: write more of it)")]
    Ambiguous { matcher: String, sha256: String },
    #[error("no build served before this one, or none is kept (hint: `eventlatch matcher history {0}`)")]
    NothingBefore(String),
    #[error("the build cannot serve: {0}")]
    Refused(String),
    #[error("no build serves as `{0}`: there is nothing to judge beside (hint: push it without `shadow`)")]
    NothingBeside(String),
    #[error("the matcher `{0}` has no candidate (hint: `eventlatch matcher push FILE --shadow`)")]
    NoCandidate(String),
    #[error("the matcher `{0}` is not quarantined over its budget")]
    NotOverBudget(String),
    #[error("the last messages of its topics cannot be read")]
    Kafka(#[source] SourceError),
    #[error("the store did not answer")]
    Store(#[from] StoreError),
    #[error("the service is stopping")]
    Stopping,
}

/// An act that waits to be done.
pub struct Order {
    pub matcher: String,
    pub act: Act,
    /// Who wants it.
    pub actor: Actor,
    pub answer: oneshot::Sender<Result<(), ActError>>,
}

/// Whoever follows the matcher directory, as others see it.
#[derive(Clone)]
pub struct Acts {
    pub orders: mpsc::Sender<Order>,
    /// How builds are loaded that are pushed.
    pub loader: Loader,
    /// What does not serve of what lies in the directory.
    pub refused: watch::Receiver<Vec<RefusedFile>>,
}

impl Handle {
    /// The same, able to have acts done.
    pub fn with_acts(self, acts: Acts) -> Self {
        Self { acts: Some(acts), ..self }
    }

    /// Does something with a matcher. That is noted with who did it, also where nobody waits for the answer any more.
    pub async fn act(&self, matcher: String, act: Act, actor: Actor) -> Result<(), ActError> {
        let acts = self.acts.as_ref().ok_or(ActError::Stopping)?;
        let (answer, answered) = oneshot::channel();
        acts.orders.send(Order { matcher, act, actor, answer }).await.map_err(|_| ActError::Stopping)?;
        answered.await.map_err(|_| ActError::Stopping)?
    }

    /// The builds of a matcher, or of all, the newest first.
    pub async fn history(&self, matcher: Option<&str>) -> Result<Vec<generation::Generation>, HandleError> {
        let mut all = self.shared.store.generations().await?;
        all.retain(|it| matcher.is_none_or(|matcher| it.matcher == matcher));
        Ok(all)
    }
}
