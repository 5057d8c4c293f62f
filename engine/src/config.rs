//! The configuration: one file, its environment twins, and the sensor files beside it.
//!
//! Each room owns its section; this one only puts them together and finds what is wrong, with line and remedy. Start at
//! [`Config::load`]; [`sensors`] reads sensor files.

pub mod change;
mod environment;
mod paths;
pub mod sensors;
mod text;
pub mod watch;

pub use paths::user_cache;

use std::{
    fs, io,
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::{
    api, matcher,
    pipeline::keeping::Keeping,
    report, source, store, task,
    telemetry::{self, spans},
};

/// `eventlatch.toml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub kafka: source::KafkaConfig,
    pub topics: source::Topics,
    pub store: store::Config,
    pub sensors: SensorsConfig,
    pub matchers: matcher::Config,
    pub marking: task::Config,
    pub dead_letters: Keeping,
    pub report: report::Config,
    pub api: api::Config,
    pub service: ServiceConfig,
    pub telemetry: telemetry::Config,
    /// What all this was read from.
    #[serde(skip)]
    given: change::Given,
}

/// `[service]`: the process as a whole.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceConfig {
    /// A service that is told to stop finishes what it has in hand for so many seconds at most. Default 20.
    pub shutdown_seconds: NonZeroU32,
}

impl ServiceConfig {
    pub fn shutdown(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds.get().into())
    }
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self { shutdown_seconds: NonZeroU32::MIN.saturating_add(19) }
    }
}

/// `[sensors]`: where sensor files are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SensorsConfig {
    /// Directory of `*.toml` and `*.json` files, relative to the configuration file. Default `sensors`.
    pub directory: PathBuf,
    /// IANA name of the zone of sensors that name none. Default `UTC`.
    pub timezone: String,
    /// What a new wanted message has missed is looked for in the log so many days back at most. Default 35.
    pub catch_up_days: u32,
    /// A deadline waits for what is being read as long as reading goes on, and so many seconds longer. Default 60.
    pub deadline_grace_seconds: u32,
}

impl SensorsConfig {
    pub fn deadline_grace(&self) -> Duration {
        Duration::from_secs(self.deadline_grace_seconds.into())
    }
}

impl Default for SensorsConfig {
    fn default() -> Self {
        Self { directory: "sensors".into(), timezone: "UTC".into(), catch_up_days: 35, deadline_grace_seconds: 60 }
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration `{}` (hint: name the file with `-c FILE`)", .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("{0}")]
    Parse(String),
    #[error("the environment variable {name} cannot be used: {detail}")]
    Environment { name: String, detail: String },
    #[error(
        "{}: there is no time zone `{timezone}`: `timezone` in [sensors] is an IANA name such as \"Europe/Berlin\"",
        .path.display()
    )]
    TimeZone { path: PathBuf, timezone: String },
    #[error("{}: {problem}", .path.display())]
    Marking { path: PathBuf, problem: task::ConfigError },
    #[error("{}: {problem}", .path.display())]
    Report { path: PathBuf, problem: report::ConfigError },
    #[error("{}: {problem}", .path.display())]
    Api { path: PathBuf, problem: api::ConfigError },
    #[error("{}: {problem}", .path.display())]
    Spans { path: PathBuf, problem: spans::ConfigError },
}

impl Config {
    /// Reads the file, puts what the environment says on top, and resolves relative paths against the file's directory.
    /// Without a file everything has its default and paths are relative to the working directory.
    pub fn load(
        path: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let text = match path {
            Some(path) => fs::read_to_string(path).map_err(|error| ConfigError::Read(path.to_owned(), error))?,
            None => String::new(),
        };
        let named = path.unwrap_or(Path::new("the environment"));
        let parse_error = |error: toml::de::Error| ConfigError::Parse(text::with_place(named, &error));
        let mut config: Self = toml::from_str(&text).map_err(parse_error)?;
        let mut table: toml::Table = toml::from_str(&text).map_err(parse_error)?;
        if let Some(with_twins) = environment::overlay(&mut table, environment)? {
            config = with_twins;
        }
        config.given = change::Given(table);
        config.kafka.topics.clone_from(&config.topics);
        if TimeZone::get(&config.sensors.timezone).is_err() {
            return Err(ConfigError::TimeZone { path: named.to_owned(), timezone: config.sensors.timezone });
        }
        let contradiction = |problem| ConfigError::Marking { path: named.to_owned(), problem };
        config.marking.check().map_err(contradiction)?;
        config.api.check().map_err(|problem| ConfigError::Api { path: named.to_owned(), problem })?;
        config.report.check().map_err(|problem| ConfigError::Report { path: named.to_owned(), problem })?;
        config.telemetry.otlp.check().map_err(|problem| ConfigError::Spans { path: named.to_owned(), problem })?;
        config.resolve_paths(path.and_then(Path::parent).unwrap_or(Path::new("")));
        Ok(config)
    }
}
