//! What the service says of itself: the log, [`metrics`] and [`spans`].
//!
//! Knows only `domain`. Libraries and rooms speak through `tracing`; here is decided what becomes of it.

pub mod file;
pub mod metrics;
pub mod spans;

use std::{io::IsTerminal, sync::OnceLock};

use serde::Deserialize;
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    fmt::MakeWriter,
    layer::{Layered, SubscriberExt},
    reload,
    util::SubscriberInitExt,
};

/// `[telemetry]`: the log, on standard error and perhaps in files, and spans.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is logged: a level, or directives as `info,eventlatch::source=debug`. Default `info`.
    pub log: String,
    /// `human` or `json`, one object a line. Default `human`.
    pub format: Format,
    /// `[telemetry.file]`: the log in files, too.
    pub file: file::Config,
    /// `[telemetry.otlp]`: spans.
    pub otlp: spans::Config,
}

impl Default for Config {
    fn default() -> Self {
        let (file, otlp) = (file::Config::default(), spans::Config::default());
        Self { log: "info".into(), format: Format::Human, file, otlp }
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

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error(transparent)]
    Filter(#[from] BadFilter),
    #[error(transparent)]
    File(#[from] file::CannotWrite),
}

/// Of the log that was started.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// What events go through, before they are written somewhere.
type Filtered = Layered<reload::Layer<EnvFilter, Registry>, Registry>;

/// Starts the log. Only the first call of a process counts.
pub fn start(config: &Config) -> Result<(), LogError> {
    let (filter, handle) = reload::Layer::new(filter(config)?);
    let colours = std::io::stderr().is_terminal();
    let file = file::open(&config.file)?.map(|file| written(config.format, file, false));
    let all: Vec<_> = std::iter::once(written(config.format, std::io::stderr, colours)).chain(file).collect();
    let log = tracing_subscriber::registry().with(filter).with(all);
    // A second call finds a log in place and leaves it: not an error.
    if log.try_init().is_ok() {
        // Only the log that was started first comes here.
        let _first = FILTER.set(handle);
    }
    Ok(())
}

/// Ends the log in files: what was said is written by then.
pub fn end() {
    file::end();
}

/// Lines of a form, to somewhere.
fn written<W>(format: Format, to: W, colours: bool) -> Box<dyn Layer<Filtered> + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(to).with_ansi(colours);
    match format {
        Format::Human => lines.with_target(false).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    }
}

/// Changes what is logged from now on; the form stays.
pub fn set_log(config: &Config) -> Result<(), BadFilter> {
    let filter = filter(config)?;
    // Where a test has started no log there is nothing to change.
    let _changed = FILTER.get().map(|log| log.reload(filter));
    Ok(())
}

fn filter(config: &Config) -> Result<EnvFilter, BadFilter> {
    EnvFilter::try_new(&config.log).map_err(|error| BadFilter(config.log.clone(), error))
}
