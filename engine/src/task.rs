//! Telling tasks in outside systems: one trait, one file for each kind of system.
//!
//! Knows nothing of Kafka, matchers or our own store: it is handed a [`Mark`] and answers what came of it. Who asks
//! again, and when, is decided above, with a [`Backoff`]. Start at [`TaskAdapter`], then [`Config::build`].

pub mod sql;

use std::{num::NonZeroUsize, pin::Pin, sync::Arc};

use crate::domain::{mark::Mark, ordering::Order};

pub use crate::domain::backoff::Backoff;

/// What an adapter answers with, later.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, MarkError>> + Send + 'a>>;

/// Code that marks tasks in one kind of system.
pub trait TaskAdapter: Send + Sync {
    /// Marks one task. May be called again for the same mark after a crash or a time-out: its effect must not repeat.
    /// Never called for two marks of one task at a time. Must not block the thread that it is polled on.
    fn mark<'a>(&'a self, mark: &'a Mark) -> Answer<'a, Marked>;

    /// Proves that marking could work now; changes nothing. Called at the start and by `eventlatch check`.
    fn probe(&self) -> Answer<'_, ()>;

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
    #[error("cannot mark now: {0}")]
    Retry(String),
    /// Never as it is; kept with its reason.
    #[error("cannot mark: {0}")]
    Reject(String),
}

impl MarkError {
    pub fn reason(&self) -> &str {
        match self {
            Self::Retry(reason) | Self::Reject(reason) => reason,
        }
    }

    /// What it comes to, in metrics and in spans.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Retry(_) => "retry",
            Self::Reject(_) => "rejected",
        }
    }
}

/// `[marking]`: who tells the tasks, and how patiently.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where tasks are: `local` (the table `tasks` in the store itself, set in the very transaction that records the
    /// match) or `sql` (a statement of yours on a SQLite database of yours). Default: `local`.
    pub adapter: AdapterName,
    /// In which order marks go out: `serial`, `partition`, `key` or `none`. Default: `none`.
    pub order: Order,
    /// So many marks are on their way at once at most. Default: 8.
    pub concurrency: Concurrency,
    /// `[marking.backoff]`: when a mark that could not be made is tried again.
    pub backoff: Backoff,
    /// `[marking.sql]`: needed where `adapter = "sql"`.
    pub sql: Option<sql::Config>,
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
}

/// What a configuration comes to.
#[derive(Clone)]
pub enum Marking {
    /// Nobody needs to be told: the store settles its own tasks with the match.
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
}

/// A `[marking]` section that fits nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("`adapter = \"{0}\"` needs a section `[marking.{0}]`")]
    NoSection(&'static str),
    #[error("`[marking.{0}]` is not used without `adapter = \"{0}\"`")]
    NotUsed(&'static str),
}

impl Config {
    /// Whether the store settles marks by itself; known before there is a store.
    pub fn is_local(&self) -> bool {
        self.adapter == AdapterName::Local
    }

    /// Finds what contradicts itself, without looking outside.
    pub fn check(&self) -> Result<(), ConfigError> {
        match (self.adapter, &self.sql) {
            (AdapterName::Sql, None) => Err(ConfigError::NoSection("sql")),
            (AdapterName::Local, Some(_)) => Err(ConfigError::NotUsed("sql")),
            _ => Ok(()),
        }
    }

    /// `store` is the store's identity: marks of different stores are told apart by it outside.
    pub fn build(&self, store: &str) -> Result<Marking, ConfigError> {
        self.check()?;
        Ok(match &self.sql {
            Some(sql) => Marking::Outbox(Arc::new(sql::SqlAdapter::new(sql.clone(), store))),
            None => Marking::Local,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str, expect: Result<&str, &str>) {
        let config: Result<Config, _> = toml::from_str(toml);
        let built = config.map_err(|error| error.message().to_owned()).and_then(|config| {
            config.build("store").map(|marking| marking.summary()).map_err(|error| error.to_string())
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
            Err("unknown field `adaptor`, expected one of `adapter`, `order`, `concurrency`, `backoff`, `sql`"),
        );
    }
}
