//! What scenarios are played with: matchers, loaded once for all that want the same, and an empty store for each.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    expect::Difference,
    file::Scenario,
    play::{Play, PlayError},
};
use crate::{
    app::{Matchers, StartError},
    config::Config,
    matcher::{Registry, Settings},
    pipeline::Shared,
    store::Store,
};

/// What came of a scenario file.
#[derive(Debug)]
pub struct Played {
    pub file: PathBuf,
    /// None: it could not be read.
    pub title: Option<String>,
    pub outcome: Outcome,
    pub took: Duration,
}

#[derive(Debug)]
pub enum Outcome {
    Passed,
    /// At least one.
    Differs(Vec<Difference>),
    /// It could not be played, or not to its end: why, a line each.
    Broken(Vec<String>),
}

/// Where scenarios are played.
pub struct Stage<'a> {
    /// Where matchers are, and their settings where a scenario has none of its own.
    config: &'a Config,
    matchers: HashMap<String, Arc<Matchers>>,
}

impl<'a> Stage<'a> {
    pub fn new(config: &'a Config) -> Self {
        Self { config, matchers: HashMap::new() }
    }

    /// Plays a file.
    pub async fn play(&mut self, file: &Path) -> Played {
        let begun = Instant::now();
        let (title, outcome) = match Scenario::read(file) {
            Err(problem) => (None, Outcome::Broken(vec![problem.to_string()])),
            Ok(scenario) => {
                let differences = self.play_scenario(&scenario).await;
                (Some(scenario.title), differences.map_or_else(broken, outcome))
            }
        };
        Played { file: file.to_owned(), title, outcome, took: begun.elapsed() }
    }

    /// What differs in a scenario.
    async fn play_scenario(&mut self, scenario: &Scenario) -> Result<Vec<Difference>, PlayError> {
        self.act(scenario, Play::play).await
    }

    /// Begins a scenario in a store of its own and lets somebody go through it.
    pub(super) async fn act<'b, T, F>(
        &mut self,
        scenario: &'b Scenario,
        go: impl FnOnce(Play<'b>) -> F,
    ) -> Result<T, PlayError>
    where
        F: Future<Output = Result<T, PlayError>>,
    {
        let matchers = self.matchers(&scenario.matchers).await?;
        let directory = tempfile::tempdir().map_err(PlayError::Directory)?;
        let store = Store::fleeting(directory.path())?;
        let shared = Shared::new(store.clone(), Arc::clone(&matchers.pool), Registry::clone(&matchers.registry));
        let outcome = go(Play::new(shared, scenario)).await;
        store.close().await?;
        outcome
    }

    /// The zone of sensors that name none.
    pub(super) fn timezone(&self) -> &str {
        &self.config.sensors.timezone
    }

    /// The matchers, some with settings of their own.
    pub(super) async fn matchers(
        &mut self,
        settings: &BTreeMap<String, Settings>,
    ) -> Result<Arc<Matchers>, StartError> {
        let mut config = self.config.clone();
        config.matchers.named.extend(settings.clone());
        let key = format!("{:?}", config.matchers.named);
        if let Some(known) = self.matchers.get(&key) {
            return Ok(Arc::clone(known));
        }
        let loaded = Arc::new(Matchers::load(&config).await?);
        self.matchers.insert(key, Arc::clone(&loaded));
        Ok(loaded)
    }
}

fn outcome(differences: Vec<Difference>) -> Outcome {
    if differences.is_empty() { Outcome::Passed } else { Outcome::Differs(differences) }
}

fn broken(error: PlayError) -> Outcome {
    if let PlayError::Sensors(problems) = error {
        return Outcome::Broken(problems.iter().map(ToString::to_string).collect());
    }
    let mut causes = vec![error.to_string()];
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        causes.push(format!("caused by: {cause}"));
        source = cause.source();
    }
    Outcome::Broken(causes)
}
