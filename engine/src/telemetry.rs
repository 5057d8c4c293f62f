//! What the service says of itself: the log.
//!
//! Knows only `domain`. Libraries and rooms speak through `tracing`; here is decided what becomes of it.

use std::io::IsTerminal;

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
}

impl Default for Config {
    fn default() -> Self {
        Self { log: "info".into(), format: Format::Human }
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

/// Starts the log. Only the first call of a process counts.
pub fn start(config: &Config) -> Result<(), BadFilter> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| BadFilter(config.log.clone(), error))?;
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    // A second call finds a log in place and leaves it: not an error.
    let _first = match config.format {
        Format::Human => log.with_target(false).try_init(),
        Format::Json => log.json().flatten_event(true).try_init(),
    };
    Ok(())
}
