//! Telling tasks in outside systems: one trait, one file for each kind of system.
//!
//! Knows nothing of Kafka, matchers or our own store: it is handed a [`Mark`] and answers what came of it. Who asks
//! again, and when, is decided above, with a [`Backoff`]. Start at [`TaskAdapter`], then [`Config::build`].

pub mod airflow;
pub mod kafka;
pub mod sql;
mod told;
#[cfg(test)]
mod trial;
pub mod webhook;

use std::{num::NonZeroUsize, pin::Pin, sync::Arc, time::Duration};

use crate::domain::{
    mark::Mark,
    ordering::Order,
    target::{ON_COMPLETE, Target},
};

pub use crate::domain::backoff::Backoff;
pub use kafka::Publisher;

/// What an adapter answers with, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, MarkError>> + Send + 'a>>;

/// Code that marks tasks in one kind of system.
pub trait TaskAdapter: Send + Sync {
    /// Marks one task. May be called again for the same mark after a crash or a time-out: its effect must not repeat.
    /// Never called for two marks of one task at a time. Must not block the thread that it is polled on.
    fn mark<'a>(&'a self, mark: &'a Mark) -> Answer<'a, Marked>;

    /// Proves that marking could work now; changes nothing. Called at the start and by `eventlatch check`.
    fn probe(&self) -> Answer<'_, ()>;

    /// Whether marks of a wait with this target could be made. The reason says what it lacks. A wait that was opened on request
    /// may have none.
    fn accepts(&self, target: &Target) -> Result<(), String> {
        nothing_on_complete(self.name(), target)
    }

    /// The word for it in the configuration, in metrics and in spans.
    fn name(&self) -> &'static str;

    /// One line for people: what it is, and where it marks.
    fn summary(&self) -> String;
}

/// The outside system holds the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    Now,
    /// An earlier attempt with the same mark had done it.
    Before,
}

/// Why a mark was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkError {
    /// Not now; another attempt may succeed.
    #[error("cannot mark now: {reason}")]
    Retry {
        reason: String,
        /// How long the system wants to be left alone, where it says so.
        after: Option<Duration>,
    },
    /// Never as it is; kept with its reason.
    #[error("cannot mark: {0}")]
    Reject(String),
}

impl MarkError {
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }

    pub fn reason(&self) -> &str {
        match self {
            Self::Retry { reason, .. } | Self::Reject(reason) => reason,
        }
    }

    /// What it comes to, in metrics and in spans.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Retry { .. } => "retry",
            Self::Reject(_) => "rejected",
        }
    }
}

/// `[marking]`: who tells the tasks, and how patiently.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where tasks are: `local` (the table `tasks` in the store itself, set in the very transaction that records the
    /// match), `sql` (a statement of yours on a SQLite database of yours), `webhook` (a signed POST), `kafka` (a
    /// message) or `airflow` (its REST API). Default: `local`.
    pub adapter: AdapterName,
    /// In which order marks go out: `serial`, `partition`, `key` or `none`. Default: `none`.
    pub order: Order,
    /// So many marks are on their way at once at most. Default: 8.
    pub concurrency: Concurrency,
    /// `[marking.backoff]`: when a mark that could not be made is tried again.
    pub backoff: Backoff,
    /// `[marking.sql]`: needed where `adapter = "sql"`.
    pub sql: Option<sql::Config>,
    /// `[marking.webhook]`: needed where `adapter = "webhook"`.
    pub webhook: Option<webhook::Config>,
    /// `[marking.kafka]`: needed where `adapter = "kafka"`.
    pub kafka: Option<kafka::Config>,
    /// `[marking.airflow]`: needed where `adapter = "airflow"`.
    pub airflow: Option<airflow::Config>,
}

/// How many marks may be on their way at once: at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub struct Concurrency(pub NonZeroUsize);

impl Default for Concurrency {
    fn default() -> Self {
        Self(NonZeroUsize::new(8).unwrap_or(NonZeroUsize::MIN))
    }
}

/// The kinds of systems that tasks are marked in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdapterName {
    #[default]
    Local,
    Sql,
    Webhook,
    Kafka,
    Airflow,
}

impl AdapterName {
    fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Sql => "sql",
            Self::Webhook => "webhook",
            Self::Kafka => "kafka",
            Self::Airflow => "airflow",
        }
    }
}

/// What a configuration comes to.
#[derive(Clone, Default)]
pub enum Marking {
    /// Nobody needs to be told: the store settles its own tasks with the match.
    #[default]
    Local,
    /// Marks go out through an adapter.
    Outbox(Arc<dyn TaskAdapter>),
}

impl Marking {
    /// One line for people.
    pub fn summary(&self) -> String {
        match self {
            Self::Local => "local: the table `tasks` of the store".to_owned(),
            Self::Outbox(adapter) => adapter.summary(),
        }
    }

    /// Whether marks of a wait with this target could be made. The reason says what it lacks.
    pub fn accepts(&self, target: &Target) -> Result<(), String> {
        match self {
            Self::Local => nothing_on_complete(AdapterName::Local.word(), target),
            Self::Outbox(adapter) => adapter.accepts(target),
        }
    }
}

fn nothing_on_complete(adapter: &str, target: &Target) -> Result<(), String> {
    match target.on_complete() {
        Some(_) => Err(format!("`{ON_COMPLETE}` is nothing that marking by `{adapter}` can do")),
        None => Ok(()),
    }
}

/// A `[marking]` section that fits nothing.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("`adapter = \"{0}\"` needs a section `[marking.{0}]`")]
    NoSection(&'static str),
    #[error("`[marking.{0}]` is not used without `adapter = \"{0}\"`")]
    NotUsed(&'static str),
    #[error(transparent)]
    Webhook(#[from] webhook::ConfigError),
    #[error(transparent)]
    Kafka(#[from] kafka::ConfigError),
    #[error(transparent)]
    Airflow(#[from] airflow::ConfigError),
}

impl Config {
    /// Whether the store settles marks by itself; known before there is a store.
    pub fn is_local(&self) -> bool {
        self.adapter == AdapterName::Local
    }

    /// Finds what contradicts itself, without looking outside.
    pub fn check(&self) -> Result<(), ConfigError> {
        let sections = [
            (AdapterName::Sql, self.sql.is_some()),
            (AdapterName::Webhook, self.webhook.is_some()),
            (AdapterName::Kafka, self.kafka.is_some()),
            (AdapterName::Airflow, self.airflow.is_some()),
        ];
        for (name, is_there) in sections {
            match (name == self.adapter, is_there) {
                (true, false) => return Err(ConfigError::NoSection(name.word())),
                (false, true) => return Err(ConfigError::NotUsed(name.word())),
                _ => {}
            }
        }
        self.webhook.as_ref().map_or(Ok(()), webhook::Config::check)?;
        self.airflow.as_ref().map_or(Ok(()), airflow::Config::check)?;
        Ok(self.kafka.as_ref().map_or(Ok(()), kafka::Config::check)?)
    }

    /// The topic that marks are published in, where they are.
    pub fn topic(&self) -> Option<&str> {
        self.kafka.as_ref().map(|kafka| kafka.topic.as_str())
    }

    /// `store` is the store's identity: marks of different stores are told apart by it outside. Reads the secrets.
    pub fn build(&self, store: &str, publisher: &Arc<dyn Publisher>) -> Result<Marking, ConfigError> {
        self.check()?;
        let adapter: Arc<dyn TaskAdapter> = match (&self.sql, &self.webhook, &self.kafka, &self.airflow) {
            (Some(sql), ..) => Arc::new(sql::SqlAdapter::new(sql.clone(), store)),
            (_, Some(webhook), ..) => Arc::new(webhook::WebhookAdapter::new(webhook, store)?),
            (_, _, Some(kafka), _) => Arc::new(kafka::KafkaAdapter::new(kafka.clone(), store, Arc::clone(publisher))),
            (.., Some(airflow)) => Arc::new(airflow::AirflowAdapter::new(airflow, store)?),
            (None, None, None, None) => return Ok(Marking::Local),
        };
        Ok(Marking::Outbox(adapter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Publisher for Nobody {
        fn publish(&self, _: kafka::Publication) -> Answer<'_, ()> {
            Box::pin(async { Ok(()) })
        }

        fn find<'a>(&'a self, _: &'a str) -> Answer<'a, ()> {
            Box::pin(async { Ok(()) })
        }
    }

    fn check(toml: &str, expect: Result<&str, &str>) {
        let nobody: Arc<dyn Publisher> = Arc::new(Nobody);
        let config: Result<Config, _> = toml::from_str(toml);
        let built = config.map_err(|error| error.message().to_owned()).and_then(|config| {
            config.build("store", &nobody).map(|marking| marking.summary()).map_err(|error| error.to_string())
        });
        assert_eq!(built.as_deref().map_err(String::as_str), expect, "{toml}");
    }

    #[test]
    fn a_section_fits_its_adapter() {
        let sql = "adapter = 'sql'\n[sql]\ndatabase = 'jobs.db'\nstatement = 'UPDATE t SET s = :state'";
        check("", Ok("local: the table `tasks` of the store"));
        check("adapter = 'local'", Ok("local: the table `tasks` of the store"));
        check(sql, Ok("sql: a statement on jobs.db"));
        check("adapter = 'sql'", Err("`adapter = \"sql\"` needs a section `[marking.sql]`"));
        check(
            "[sql]\ndatabase = 'jobs.db'\nstatement = ''",
            Err("`[marking.sql]` is not used without `adapter = \"sql\"`"),
        );
        check(
            "adaptor = 'sql'",
            Err(
                "unknown field `adaptor`, expected one of `adapter`, `order`, `concurrency`, `backoff`, `sql`, `webhook`, `kafka`, `airflow`",
            ),
        );
        check("adapter = 'kafka'\n[kafka]\ntopic = 'marks'", Ok("kafka: a message in marks"));
        check("adapter = 'kafka'\n[kafka]\ntopic = ''", Err("`topic` in [marking.kafka] names no topic"));
        check(
            "adapter = 'webhook'\n[kafka]\ntopic = 'marks'",
            Err("`adapter = \"webhook\"` needs a section `[marking.webhook]`"),
        );
        check("concurrency = 0", Err("invalid value: integer `0`, expected a nonzero usize"));
    }
}
