//! Changes of sensors while the service runs, whoever makes them: files that are followed, or the HTTP API.
//!
//! Both have the same effect: [`Defining::change`]. What the API defines is checked as files are, and all of a request is
//! taken or nothing.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Mutex, watch};

use super::{
    Shared,
    changing::ChangeError,
    checking::{Checked, Checker},
    handle::{Handle, HandleError},
};
use crate::{
    domain::{
        definition::{Definition, Problem},
        matched::{MatchFilter, MatchId, StoredMatch},
        sensor::{Owner, Sensor, StoredSensor},
    },
    source::{Health, Source},
    store::{Changed, StoreError},
};

pub use crate::store::SensorStatus;

/// Sensors of a running service, as those see them who change them.
#[derive(Clone)]
pub struct Defining {
    shared: Shared,
    source: Source,
    /// The zone of sensors that name none.
    timezone: Arc<str>,
    /// The topics that are read.
    topics: Arc<Mutex<Vec<String>>>,
    /// Tells when other messages are wanted.
    changed: watch::Sender<()>,
    broken: Broken,
}

/// What is wrong with sensors that are defined: what they wanted before is in force.
#[derive(Clone)]
pub struct Broken {
    of_files: watch::Receiver<Vec<Problem>>,
    /// By the names of the sensors.
    of_api: Arc<std::sync::Mutex<Vec<(String, Problem)>>>,
}

impl Broken {
    pub fn new(of_files: watch::Receiver<Vec<Problem>>, of_api: Vec<(String, Problem)>) -> Self {
        Self { of_files, of_api: Arc::new(std::sync::Mutex::new(of_api)) }
    }

    /// All of it, as people read it.
    pub fn all(&self) -> Vec<String> {
        let of_files = self.of_files.borrow().iter().map(ToString::to_string).collect::<Vec<_>>();
        let of_api = self.of_api();
        of_files.into_iter().chain(of_api.iter().map(|(_, problem)| problem.to_string())).collect()
    }

    /// Sensors that the API has defined anew, or retired.
    fn mended(&self, names: &[String]) {
        self.of_api().retain(|(name, _)| !names.contains(name));
    }

    fn of_api(&self) -> std::sync::MutexGuard<'_, Vec<(String, Problem)>> {
        self.of_api.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Defining {
    /// `topics`: what the source reads from its start.
    pub fn new(shared: Shared, source: Source, timezone: &str, topics: Vec<String>, broken: Broken) -> Self {
        let topics = Arc::new(Mutex::new(topics));
        Self { shared, source, timezone: timezone.into(), topics, changed: watch::Sender::new(()), broken }
    }

    /// Changes whenever other messages are wanted.
    pub fn changed(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub fn health(&self) -> Health {
        self.source.health()
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// Whether the service is told to stop.
    pub fn is_stopping(&self) -> bool {
        self.source.is_stopping()
    }

    pub fn broken(&self) -> &Broken {
        &self.broken
    }

    pub async fn check(&self, definitions: &[Definition]) -> Checked {
        let registry = &self.shared.live.load_full().registry;
        let checker = Checker {
            registry,
            pool: &self.shared.pool,
            marking: Some(&self.shared.marking),
            timezone: &self.timezone,
            topics: self.source.topics(),
            now: Timestamp::now(),
        };
        checker.check(definitions).await
    }

    /// Defines and retires sensors; has other topics read where they want some.
    pub async fn change(&self, put: Vec<(Owner, Sensor)>, gone: Vec<(Owner, String)>) -> Result<Changed, ChangeError> {
        let changed = self.shared.change_sensors(Timestamp::now(), put, gone).await?;
        self.subscribe().await;
        self.changed.send_replace(());
        Ok(changed)
    }

    /// Two changes may come here at once: the later one sees what both want.
    async fn subscribe(&self) {
        let mut read = self.topics.lock().await;
        let topics: Vec<_> = self.shared.live.load().index.topics().map(ToString::to_string).collect();
        if topics != *read {
            tracing::info!(topics = topics.join(" "), "Reading other topics");
            self.source.subscribe(topics.clone());
            *read = topics;
        }
    }
}

/// Why sensors were not defined.
#[derive(Debug, thiserror::Error)]
pub enum DefineError {
    #[error("the sensors make no sense")]
    Problems(Vec<Problem>),
    #[error("the sensor `{sensor}` belongs to {owner} and can be changed only there")]
    Foreign { sensor: String, owner: Owner },
    #[error("there is no sensor `{0}`")]
    NoSuchSensor(String),
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error("the store did not answer")]
    Store(#[from] StoreError),
    #[error("the service is stopping")]
    Stopping,
}

/// What a change of sensors of the API came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defined {
    pub added: usize,
    pub changed: usize,
    pub unchanged: usize,
}

impl Handle {
    /// The same, able to change sensors.
    pub fn with_defining(self, defining: Defining) -> Self {
        Self { defining: Some(defining), ..self }
    }

    /// Defines sensors for the API: all of them, or none. What is in force afterwards is awaited already.
    pub async fn define(&self, definitions: Vec<Definition>) -> Result<Defined, DefineError> {
        let defining = self.defining.clone().ok_or(DefineError::Stopping)?;
        let names: Vec<_> = definitions.iter().map(|it| it.name.clone()).collect();
        self.refuse_foreign(names.clone()).await?;
        let Checked { sensors, problems } = defining.check(&definitions).await;
        if !problems.is_empty() {
            return Err(DefineError::Problems(problems));
        }
        let Changed { added, changed, unchanged, refused, .. } =
            finished(defining.clone(), sensors, Vec::new()).await?;
        defining.broken.mended(&names);
        match refused.into_iter().next() {
            Some(refused) => Err(DefineError::Foreign { sensor: refused.sensor, owner: refused.owner }),
            None => Ok(Defined { added, changed, unchanged }),
        }
    }

    /// Retires a sensor of the API.
    pub async fn retire(&self, name: String) -> Result<(), DefineError> {
        let defining = self.defining.clone().ok_or(DefineError::Stopping)?;
        self.refuse_foreign(vec![name.clone()]).await?;
        let retired = finished(defining.clone(), Vec::new(), vec![(Owner::Api, name.clone())]).await?.retired;
        defining.broken.mended(std::slice::from_ref(&name));
        match retired {
            0 => Err(DefineError::NoSuchSensor(name)),
            _ => Ok(()),
        }
    }

    async fn refuse_foreign(&self, names: Vec<String>) -> Result<(), DefineError> {
        let owners = self.shared.store.owners(names).await?;
        match owners.into_iter().find(|(_, owner)| *owner != Owner::Api) {
            Some((sensor, owner)) => Err(DefineError::Foreign { sensor, owner }),
            None => Ok(()),
        }
    }

    /// The next `limit` sensors after the one of a name, by name.
    pub async fn sensors(&self, after: Option<String>, limit: usize) -> Result<Vec<StoredSensor>, HandleError> {
        Ok(self.shared.store.sensors(None, after, limit).await?)
    }

    /// A sensor, if there is one of that name.
    pub async fn sensor(&self, name: &str) -> Result<Option<StoredSensor>, HandleError> {
        Ok(self.shared.store.sensor(name.to_owned()).await?)
    }

    /// How the next `limit` sensors stand after the one of a name, by name.
    pub async fn status(&self, after: Option<String>, limit: usize) -> Result<Vec<SensorStatus>, HandleError> {
        Ok(self.shared.store.status(Timestamp::now(), after, limit).await?)
    }

    /// How one sensor stands, if there is one of that name.
    pub async fn sensor_status(&self, name: &str) -> Result<Option<SensorStatus>, HandleError> {
        Ok(self.shared.store.sensor_status(name.to_owned(), Timestamp::now()).await?)
    }

    /// The newest matches that are meant, older than one of them.
    pub async fn matches(
        &self,
        filter: MatchFilter,
        before: Option<MatchId>,
        limit: usize,
    ) -> Result<Vec<StoredMatch>, HandleError> {
        Ok(self.shared.store.matches(filter, before, limit).await?)
    }
}

/// Makes a change to its end, also where whoever asked for it goes away: half made it would be half awaited.
async fn finished(
    defining: Defining,
    put: Vec<(Owner, Sensor)>,
    gone: Vec<(Owner, String)>,
) -> Result<Changed, DefineError> {
    let change = tokio::spawn(async move { defining.change(put, gone).await });
    Ok(change.await.map_err(|_| DefineError::Stopping)??)
}
