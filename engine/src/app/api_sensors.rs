//! The sensors that the HTTP API defined, at start: what they want is checked anew, as matchers may be others now.
//!
//! One that cannot be used as it is keeps the service from nothing: what it wanted before is awaited on.

use jiff::Timestamp;

use super::Matchers;
use crate::{
    config::Config,
    domain::{
        definition::{Definition, Problem, written},
        sensor::{Owner, Sensor, StoredSensor},
    },
    pipeline::checking::{Checked, Checker},
    store::{Store, StoreError},
    task::Marking,
};

/// So many are read at once.
const PAGE: usize = 1_000;

/// What came of the check.
#[derive(Default)]
pub(super) struct OfApi {
    pub(super) sensors: Vec<(Owner, Sensor)>,
    /// By the names of the sensors.
    pub(super) problems: Vec<(String, Problem)>,
}

pub(super) async fn check(
    store: &Store,
    matchers: &Matchers,
    marking: &Marking,
    config: &Config,
) -> Result<OfApi, StoreError> {
    let registry = matchers.known();
    let checker = Checker {
        registry: &registry,
        pool: &matchers.pool,
        marking: Some(marking),
        timezone: &config.sensors.timezone,
        topics: &config.kafka.topics,
        now: Timestamp::now(),
    };
    let mut found = OfApi::default();
    let mut after = None;
    loop {
        let page = store.sensors(Some(Owner::Api), after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.sensor.name.clone());
        for sensor in page {
            found.add(&checker, sensor).await;
        }
    }
    for (_, problem) in &found.problems {
        tracing::warn!(%problem, "A sensor of the API cannot be used as it is: what it wanted before is awaited");
    }
    Ok(found)
}

impl OfApi {
    async fn add(&mut self, checker: &Checker<'_>, stored: StoredSensor) {
        let name = stored.sensor.name.clone();
        let checked = match Definition::of_request(&format!("/{name}"), written(&stored.sensor), None) {
            Ok(definition) => checker.check(&[definition]).await,
            Err(problem) => Checked { sensors: Vec::new(), problems: vec![problem] },
        };
        self.sensors.extend(checked.sensors);
        self.problems.extend(checked.problems.into_iter().map(|problem| (name.clone(), problem)));
    }
}
