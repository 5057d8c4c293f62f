//! The parts of a replay: which builds judge, and what is wanted. They are found without touching the store, and no service
//! need run. Start at [`Question::prepare`].

mod builds;
mod wanted;

use std::{path::PathBuf, sync::Arc};

use super::{Matchers, StartError};
use crate::{
    config::Config,
    matcher::{Post, RegistryError},
    pipeline::{matchers::Refusal, replay::Replay},
    store::StoreError,
};
use builds::Builds;

/// What is to be replayed.
#[derive(Debug)]
pub struct Question {
    pub topic: String,
    /// A `.wasm` file, or the name of a matcher that would serve.
    pub candidate: String,
    /// Under which name the candidate is to serve, where it could under several.
    pub name: Option<String>,
    pub against: Option<Against>,
    /// None: those of the store where there is one, else those of the files.
    pub wanted_by: Option<WantedBy>,
}

/// What the candidate is held against.
#[derive(Debug)]
pub enum Against {
    /// The build that serves. Where a service that runs was asked, the names and sha256 of all that do.
    Live(Vec<(String, String)>),
    File(PathBuf),
}

/// Whose wanted messages count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WantedBy {
    /// Those of all sensors that the store knows.
    Store,
    /// Those of the sensor files.
    Files,
}

/// A replay that can begin.
pub struct Prepared {
    pub replay: Replay,
    pub wanted_by: WantedBy,
}

/// Why a replay cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot read the matcher {}", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    #[error("{} cannot be replayed with", .0.display())]
    Matcher(PathBuf, #[source] RegistryError),
    #[error("there is no matcher `{0}` (hint: `eventlatch matcher list`, or a `.wasm` file)")]
    Unknown(String),
    #[error("{what} does not serve the topic `{topic}` (hint: it serves {served})")]
    NotServed { what: String, topic: String, served: String },
    #[error("{what} serves the topic `{topic}` under several names: {names} (hint: say which by `--name`)")]
    Ambiguous { what: String, topic: String, names: String },
    #[error("nothing serves as `{0}` that the candidate could be held against (hint: leave `--against` out)")]
    NothingLive(String),
    #[error("the build {sha256} that serves as `{name}` is not kept here (hint: its file in place of `live`)")]
    NotKept { name: String, sha256: String },
    #[error("the candidate cannot take the place of what serves: {0}")]
    Refused(#[from] Refusal),
}

impl Question {
    /// Loads the builds and reads what is wanted.
    pub async fn prepare(&self, config: &Config) -> Result<Prepared, PrepareError> {
        let mut matchers = Matchers::load(config).await?;
        let builds = Builds { config, matchers: &matchers, topic: &self.topic };
        let candidate = builds.called(&self.candidate, self.name.as_deref()).await?;
        let against = match &self.against {
            None => None,
            Some(Against::File(path)) => Some(builds.of_file(path, Some(candidate.name())).await?),
            Some(Against::Live(told)) => Some(builds.live(candidate.name(), told).await?),
        };
        // Sensor files are read with what is there before the candidate: that one has its say when they are rendered.
        let before = against.as_ref().unwrap_or(&candidate);
        matchers.registry = Arc::new(matchers.registry.with(Post::of(Arc::clone(before))));
        let (wanted_by, mut wanted) = wanted::read(config, &matchers, &self.topic, self.wanted_by).await?;
        wanted.retain(|it| it.topic == self.topic && *it.matcher == **candidate.name());
        let now = candidate.day_shift_seconds;
        if let Some(before) = wanted.iter().map(|it| it.day_shift_seconds).find(|before| *before != now) {
            return Err(Refusal::DayShift { before, now }.into());
        }
        let (keeping, topic) = (Arc::new(config.dead_letters.clone()), self.topic.as_str().into());
        let replay = Replay { pool: Arc::clone(&matchers.pool), candidate, against, topic, wanted, keeping };
        Ok(Prepared { replay, wanted_by })
    }
}
