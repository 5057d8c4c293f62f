//! How matchers stand: those that serve, those that are gone while somebody waits for them, and files that are refused.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    accounting::usage,
    handle::{Handle, HandleError},
    held::Held,
    live::Live,
};
use crate::{
    domain::{
        candidate::StoredCandidate,
        generation::{Generation, GenerationState},
        usage::MatcherUsage,
    },
    matcher::Post,
};

/// How a matcher stands.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MatcherStatus {
    pub name: String,
    pub version: String,
    pub sha256: String,
    #[schema(value_type = Vec<String>)]
    pub topics: Vec<Arc<str>>,
    pub origin: String,
    pub state: MatcherState,
    /// Why it is quarantined, gone or refused.
    pub reason: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub loaded_at: Option<Timestamp>,
    /// While it is on probation: the build that judges what it cannot.
    pub previous: Option<String>,
    pub pinned: bool,
    /// A build that would have come after this one.
    pub refused: Option<RefusedBuild>,
    /// What the build that serves used since it was loaded.
    pub usage: MatcherUsage,
    /// A build that judges beside it, and marks nothing.
    pub candidate: Option<StoredCandidate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MatcherState {
    Serving,
    Probation,
    Quarantined,
    /// Nobody serves under its name, and messages of its topics wait.
    Gone,
    /// Its file does not serve, and nobody else does under its name.
    Refused,
}

impl MatcherState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Probation => "probation",
            Self::Quarantined => "quarantined",
            Self::Gone => "gone",
            Self::Refused => "refused",
        }
    }
}

/// A file of the matcher directory that does not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedFile {
    /// Under whose name it would serve, as far as that is known.
    pub matcher: String,
    pub build: RefusedBuild,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RefusedBuild {
    pub sha256: String,
    pub origin: String,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub reason: String,
}

/// What is known of all matchers.
struct Known {
    live: Arc<Live>,
    held: Vec<(Arc<str>, Held)>,
    /// The newest first.
    history: Vec<Generation>,
    pins: Vec<(String, String)>,
    refused: Vec<RefusedFile>,
    candidates: Vec<StoredCandidate>,
}

impl Handle {
    /// How all matchers stand that serve a topic, or should.
    pub async fn matchers(&self) -> Result<Vec<MatcherStatus>, HandleError> {
        let known = Known {
            history: self.history(None).await?,
            pins: self.shared.store.pins().await?,
            candidates: self.shared.store.candidates().await?,
            live: self.shared.live.load_full(),
            held: self.shared.held.all(),
            refused: self.acts.as_ref().map(|acts| acts.refused.borrow().clone()).unwrap_or_default(),
        };
        let mut all: Vec<_> = known.serving().chain(known.gone()).collect();
        let others = known.refused.iter().filter(|file| !all.iter().any(|it| it.name == file.matcher));
        let others: Vec<_> = others.map(|file| known.of_refused(file)).collect();
        all.extend(others);
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }
}

impl Known {
    fn serving(&self) -> impl Iterator<Item = MatcherStatus> {
        let serving = self.live.registry.posts().filter(|post| !post.serving.topics.is_empty());
        serving.map(|post| self.of_post(post))
    }

    fn of_post(&self, post: &Post) -> MatcherStatus {
        let serving = &post.serving;
        let name = &**serving.name();
        let held = self.held.iter().find(|(_, held)| *held.waits.matcher == *name);
        let held = held.map(|(_, held)| held.waits.reason.clone()).or_else(|| self.unprepared(name));
        let held = held.or_else(|| serving.budget.exceeded().map(|exceeded| exceeded.to_string()));
        let state = match (&held, &post.probation) {
            (Some(_), _) => MatcherState::Quarantined,
            (None, Some(_)) => MatcherState::Probation,
            (None, None) => MatcherState::Serving,
        };
        let mut builds = self.builds(name).filter(|it| it.sha256 == **serving.sha256());
        MatcherStatus {
            name: name.to_owned(),
            version: serving.description.version.clone(),
            sha256: serving.sha256().to_string(),
            topics: serving.topics.clone(),
            origin: serving.origin.to_string(),
            state,
            reason: held,
            loaded_at: builds.find(|it| it.state != GenerationState::Refused).map(|it| it.loaded_at),
            previous: post.previous().map(|it| it.sha256().to_string()),
            pinned: self.is_pinned(name),
            refused: self.refused(name).or_else(|| self.rolled_back(name, serving.sha256())),
            usage: usage(serving.usage.used()),
            candidate: self.candidate(name),
        }
    }

    /// Why a matcher cannot be asked what it waits for, if so.
    fn unprepared(&self, name: &str) -> Option<String> {
        let mut days = self.live.index.calendars.iter().flat_map(|days| days.days());
        days.find_map(|day| {
            Some(format!("it cannot be asked what it waits for on {}: {}", day.date, day.unprepared().get(name)?))
        })
    }

    /// The matchers that nobody is, though somebody waits for messages of theirs.
    fn gone(&self) -> impl Iterator<Item = MatcherStatus> {
        let mut gone: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
        for (topic, matcher) in self.live.index.topics_and_matchers() {
            if self.live.registry.get(&matcher).is_none() {
                gone.entry(matcher).or_default().push(topic);
            }
        }
        gone.into_iter().map(|(name, topics)| self.of_gone(&name, topics))
    }

    fn of_gone(&self, name: &str, topics: Vec<Arc<str>>) -> MatcherStatus {
        let last = self.builds(name).find(|it| it.state != GenerationState::Refused);
        let reason = last.and_then(|it| it.reason.clone()).unwrap_or_else(|| "no file of it is there".to_owned());
        let text = |of: fn(&Generation) -> &String| last.map(|it| of(it).clone()).unwrap_or_default();
        MatcherStatus {
            name: name.to_owned(),
            version: text(|it| &it.version),
            sha256: text(|it| &it.sha256),
            topics,
            origin: text(|it| &it.origin),
            state: MatcherState::Gone,
            reason: Some(reason),
            loaded_at: last.map(|it| it.loaded_at),
            previous: None,
            pinned: self.is_pinned(name),
            refused: self.refused(name),
            usage: MatcherUsage::default(),
            candidate: self.candidate(name),
        }
    }

    fn of_refused(&self, RefusedFile { matcher, build }: &RefusedFile) -> MatcherStatus {
        MatcherStatus {
            name: matcher.clone(),
            version: String::new(),
            sha256: build.sha256.clone(),
            topics: Vec::new(),
            origin: build.origin.clone(),
            state: MatcherState::Refused,
            reason: Some(build.reason.clone()),
            loaded_at: None,
            previous: None,
            pinned: self.is_pinned(matcher),
            refused: None,
            usage: MatcherUsage::default(),
            candidate: self.candidate(matcher),
        }
    }

    fn builds(&self, name: &str) -> impl Iterator<Item = &Generation> {
        self.history.iter().filter(move |it| it.matcher == name)
    }

    fn is_pinned(&self, name: &str) -> bool {
        self.pins.iter().any(|(matcher, _)| matcher == name)
    }

    fn candidate(&self, name: &str) -> Option<StoredCandidate> {
        self.candidates.iter().find(|it| it.matcher == name).cloned()
    }

    fn refused(&self, name: &str) -> Option<RefusedBuild> {
        self.refused.iter().find(|file| file.matcher == name).map(|file| file.build.clone())
    }

    /// The last build that was rolled back since the serving one came.
    fn rolled_back(&self, name: &str, serving: &str) -> Option<RefusedBuild> {
        let builds: Vec<_> = self.builds(name).collect();
        let first = builds.iter().rposition(|it| it.sha256 == *serving)?;
        let rolled_back = builds[..first].iter().find(|it| it.state == GenerationState::RolledBack)?;
        Some(RefusedBuild {
            sha256: rolled_back.sha256.clone(),
            origin: rolled_back.origin.clone(),
            at: rolled_back.loaded_at,
            reason: rolled_back.reason.clone().unwrap_or_default(),
        })
    }
}
