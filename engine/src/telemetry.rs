//! What the service says of itself: the log, [`metrics`] and [`spans`].
//!
//! Knows only `domain`. Libraries and rooms speak through `tracing`; here is decided what becomes of it.

pub mod metrics;
pub mod spans;

use std::{io::IsTerminal, sync::OnceLock};

use serde::Deserialize;
use tracing_subscriber::EnvFilter;

/// `[telemetry]`: the log, on standard error.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is logged: a level, or directives as `info,eventlatch::source=debug`. Default `info`.
    pub log: String,
    /// `human` or `json`, one object a line. Default `human`.
    pub format: Format,
    /// `[telemetry.otlp]`: spans.
    pub otlp: spans::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self { log: "info".into(), format: Format::Human, otlp: spans::Config::default() }
    }
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Human,
    Json,
}

/// Directives that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `log = {0:?}` in [telemetry] (hint: a level as `info`, or `info,eventlatch::source=debug`)")]
pub struct BadFilter(String, #[source] tracing_subscriber::filter::ParseError);

/// Takes another filter; false where there is no log any more.
type Refilter = Box<dyn Fn(EnvFilter) -> bool + Send + Sync>;

/// Of the log that was started.
static REFILTER: OnceLock<Refilter> = OnceLock::new();

/// Starts the log. Only the first call of a process counts.
pub fn start(config: &Config) -> Result<(), BadFilter> {
    let filter = filter(config)?;
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // A second call finds a log in place and leaves it: not an error.
    match config.format {
        Format::Human => {
            let log = log.with_target(false).with_filter_reloading();
            let handle = log.reload_handle();
            if log.try_init().is_ok() {
                can_change(move |filter| handle.reload(filter).is_ok());
            }
        }
        Format::Json => {
            let log = log.json().flatten_event(true).with_filter_reloading();
            let handle = log.reload_handle();
            if log.try_init().is_ok() {
                can_change(move |filter| handle.reload(filter).is_ok());
            }
        }
    }
    Ok(())
}

/// Changes what is logged from now on; the form stays.
pub fn set_log(config: &Config) -> Result<(), BadFilter> {
    let filter = filter(config)?;
    // Where a test has started no log there is nothing to change.
    let _changed = REFILTER.get().map(|refilter| refilter(filter));
    Ok(())
}

fn can_change(refilter: impl Fn(EnvFilter) -> bool + Send + Sync + 'static) {
    // Only the log that was started first comes here.
    let _first = REFILTER.set(Box::new(refilter));
}

fn filter(config: &Config) -> Result<EnvFilter, BadFilter> {
    EnvFilter::try_new(&config.log).map_err(|error| BadFilter(config.log.clone(), error))
}
