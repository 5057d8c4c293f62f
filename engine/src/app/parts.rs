//! The parts of the service that can be built without a broker or a store.

use std::time::Instant;

use jiff::Timestamp;

use super::Matchers;
use crate::{
    api::ApiError,
    config::{
        Config, ConfigError,
        sensors::{Folder, SensorsError},
    },
    domain::sensor::{Owner, Sensor},
    matcher::{RegistryError, RuntimeError},
    pipeline::{checking::Checker, rendering::RenderError, turning::TurnError},
    report,
    source::SourceError,
    store::StoreError,
    task,
    telemetry::spans,
};

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(transparent)]
    Matchers(#[from] RegistryError),
    #[error(transparent)]
    Sensors(#[from] SensorsError),
    #[error(transparent)]
    Store(StoreError),
    #[error(transparent)]
    Marking(task::ConfigError),
    #[error(transparent)]
    Report(report::ConfigError),
    #[error("tasks cannot be marked: {0}")]
    Probe(String),
    #[error(transparent)]
    Render(RenderError),
    #[error(transparent)]
    Turn(TurnError),
    #[error(transparent)]
    Source(SourceError),
    #[error(transparent)]
    Api(ApiError),
    #[error(transparent)]
    Spans(spans::ConfigError),
}

/// Reads the sensor files and has the matchers check them: at start all of them must be good.
pub async fn load_sensors(config: &Config, matchers: &Matchers) -> Result<(Folder, Vec<(Owner, Sensor)>), StartError> {
    let mut folder = Folder::new(config.sensors.directory.clone());
    let look = folder.look(Instant::now(), false)?;
    let checker = Checker {
        registry: &matchers.known(),
        pool: &matchers.pool,
        timezone: &config.sensors.timezone,
        now: Timestamp::now(),
    };
    let checked = checker.check(&look.definitions).await;
    let change = folder.judge(look, checked);
    if !change.problems.is_empty() {
        return Err(SensorsError::Problems(change.problems).into());
    }
    Ok((folder, change.put))
}
