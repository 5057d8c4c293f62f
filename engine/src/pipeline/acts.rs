//! What people do with matchers by hand: go back to an earlier build, or pin one. Done by whoever follows the matcher
//! directory, so that the two do not meet.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::handle::{Handle, HandleError};
use crate::{
    domain::{
        dead_letter::Actor,
        generation::{Generation, GenerationState},
    },
    matcher::Post,
    store::StoreError,
};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Let the build serve that served before.
    RollBack,
    /// Let this build serve, whatever the directory holds: the beginning of its sha256. None: the one that serves now.
    Pin(Option<String>),
    /// Let the directory decide again.
    Unpin,
}

impl Act {
    fn word(&self) -> &'static str {
        match self {
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
    #[error("the store did not answer")]
    Store(#[from] StoreError),
    #[error("the service is stopping")]
    Stopping,
}

/// An act that waits to be done.
pub struct Order {
    pub matcher: String,
    pub act: Act,
    pub answer: oneshot::Sender<Result<(), ActError>>,
}

/// How a matcher stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MatcherStatus {
    pub name: String,
    pub version: String,
    pub sha256: String,
    pub topics: Vec<Arc<str>>,
    pub origin: String,
    pub state: MatcherState,
    /// Why it is quarantined.
    pub reason: Option<String>,
    pub loaded_at: Option<Timestamp>,
    /// While it is on probation: the build that judges what it cannot.
    pub previous: Option<String>,
    pub pinned: bool,
    /// A build that would have come after this one.
    pub refused: Option<RefusedBuild>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatcherState {
    Serving,
    Probation,
    Quarantined,
}

impl MatcherState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Probation => "probation",
            Self::Quarantined => "quarantined",
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefusedBuild {
    pub sha256: String,
    pub origin: String,
    pub at: Timestamp,
    pub reason: String,
}

impl Handle {
    /// The same, able to have acts done.
    pub fn with_acts(self, acts: mpsc::Sender<Order>) -> Self {
        Self { acts: Some(acts), ..self }
    }

    /// Does something with a matcher, and notes who did.
    pub async fn act(&self, matcher: String, act: Act, actor: Actor) -> Result<(), ActError> {
        let acts = self.acts.as_ref().ok_or(ActError::Stopping)?;
        let (answer, answered) = oneshot::channel();
        let (action, detail) =
            (act.word(), if let Act::Pin(Some(sha256)) = &act { Some(sha256.clone()) } else { None });
        acts.send(Order { matcher: matcher.clone(), act, answer }).await.map_err(|_| ActError::Stopping)?;
        answered.await.map_err(|_| ActError::Stopping)??;
        Ok(self.shared.store.audit(actor, action, matcher, detail).await?)
    }

    /// The builds of a matcher, or of all, the newest first.
    pub async fn history(&self, matcher: Option<&str>) -> Result<Vec<Generation>, HandleError> {
        let mut all = self.shared.store.generations().await?;
        all.retain(|it| matcher.is_none_or(|matcher| it.matcher == matcher));
        Ok(all)
    }

    /// How all matchers stand that serve a topic.
    pub async fn matchers(&self) -> Result<Vec<MatcherStatus>, HandleError> {
        let history = self.history(None).await?;
        let pins = self.shared.store.pins().await?;
        let live = self.shared.live.load_full();
        let held = self.shared.held.all();
        let serving = live.registry.posts().filter(|post| !post.serving.topics.is_empty());
        let status = |post: &Post| {
            let name = &**post.serving.name();
            let held = held.iter().find(|(_, held)| *held.waits.matcher == *name);
            let pinned = pins.iter().any(|(matcher, _)| matcher == name);
            status(post, &history, held.map(|(_, held)| held.waits.reason.clone()), pinned)
        };
        Ok(serving.map(status).collect())
    }
}

fn status(post: &Post, history: &[Generation], held: Option<String>, pinned: bool) -> MatcherStatus {
    let serving = &post.serving;
    let mut newest = history.iter().filter(|it| it.matcher == **serving.name());
    let state = match (&held, &post.probation) {
        (Some(_), _) => MatcherState::Quarantined,
        (None, Some(_)) => MatcherState::Probation,
        (None, None) => MatcherState::Serving,
    };
    MatcherStatus {
        name: serving.name().to_string(),
        version: serving.description.version.clone(),
        sha256: serving.sha256().to_string(),
        topics: serving.topics.clone(),
        origin: serving.origin.to_string(),
        state,
        reason: held,
        loaded_at: newest.clone().find(|it| it.sha256 == **serving.sha256()).map(|it| it.loaded_at),
        previous: post.previous().map(|it| it.sha256().to_string()),
        pinned,
        // Only one that came last: what came after it made it a thing of the past.
        refused: newest.next().filter(|it| it.state != GenerationState::Serving).and_then(refused),
    }
}

fn refused(it: &Generation) -> Option<RefusedBuild> {
    let came_to_nothing = matches!(it.state, GenerationState::Refused | GenerationState::RolledBack);
    let (sha256, origin) = (it.sha256.clone(), it.origin.clone());
    came_to_nothing.then(|| RefusedBuild {
        sha256,
        origin,
        at: it.loaded_at,
        reason: it.reason.clone().unwrap_or_default(),
    })
}
