//! `[telemetry.otlp]`: where spans go.

use std::{collections::BTreeMap, collections::HashMap, fs};

use serde::Deserialize;

/// `[telemetry.otlp]`: spans for a collector that takes OTLP over HTTP. Off unless there is an endpoint.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The collector, as `http://127.0.0.1:4318`; spans go to `/v1/traces` there. Default: none.
    pub endpoint: String,
    /// This share of the traces that begin here, from 0 to 1. A message that brings a trace is sampled as that says.
    /// Default: 1.
    pub sample_ratio: f64,
    /// Headers for the collector; a value may be `"env:NAME"` or `"file:PATH"`. Default: none.
    pub headers: BTreeMap<String, String>,
    /// The name of the service in all spans. Default: `eventlatch`.
    pub service_name: String,
}

impl Default for Config {
    fn default() -> Self {
        let (endpoint, service_name) = (String::new(), "eventlatch".to_owned());
        Self { endpoint, sample_ratio: 1.0, headers: BTreeMap::new(), service_name }
    }
}

/// A `[telemetry.otlp]` section with which no span can be sent.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("`endpoint = {0:?}` in [telemetry.otlp] is no address (hint: \"http://127.0.0.1:4318\")")]
    Endpoint(String),
    #[error("`sample_ratio = {0}` in [telemetry.otlp] is no share (hint: from 0 to 1)")]
    Ratio(f64),
    #[error("`headers.{name}` in [telemetry.otlp] cannot be read from `{reference}`")]
    Header { name: String, reference: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("spans cannot be sent as [telemetry.otlp] says")]
    Exporter(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Config {
    /// Finds what makes no sense, without looking outside.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            return Err(ConfigError::Ratio(self.sample_ratio));
        }
        let is_address = |url: url::Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if self.endpoint.is_empty() || url::Url::parse(&self.endpoint).is_ok_and(is_address) {
            Ok(())
        } else {
            Err(ConfigError::Endpoint(self.endpoint.clone()))
        }
    }

    /// Where spans are posted.
    pub(super) fn url(&self) -> String {
        let base = self.endpoint.trim_end_matches('/');
        if base.ends_with("/v1/traces") { base.to_owned() } else { format!("{base}/v1/traces") }
    }

    /// The headers with what their references mean.
    pub(super) fn resolved_headers(&self) -> Result<HashMap<String, String>, ConfigError> {
        let resolved = |(name, value): (&String, &String)| {
            let failed = |source| ConfigError::Header { name: name.clone(), reference: value.clone(), source };
            let value = match value.split_once(':') {
                Some(("env", variable)) => std::env::var(variable).map_err(|error| failed(error.into()))?,
                Some(("file", path)) => fs::read_to_string(path).map_err(|error| failed(error.into()))?,
                _ => value.clone(),
            };
            Ok((name.clone(), value.trim_end().to_owned()))
        };
        self.headers.iter().map(resolved).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str, expected: Option<&str>) {
        let config: Config = toml::from_str(toml).unwrap();
        let error = config.check().err().map(|error| error.to_string());
        assert_eq!(error.is_some(), expected.is_some(), "{toml}: {error:?}");
        assert!(error.unwrap_or_default().contains(expected.unwrap_or_default()), "{toml}");
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        check("", None);
        check("endpoint = 'https://collector.example/otlp'\nsample_ratio = 0.1", None);
        check("endpoint = 'collector:4318'", Some("no address"));
        check("endpoint = '4318'", Some("no address"));
        check("sample_ratio = 2.0", Some("no share"));
    }

    #[test]
    fn spans_go_where_collectors_take_them() {
        let url = |endpoint: &str| Config { endpoint: endpoint.to_owned(), ..Config::default() }.url();
        assert_eq!(url("http://127.0.0.1:4318"), "http://127.0.0.1:4318/v1/traces");
        assert_eq!(url("http://127.0.0.1:4318/"), "http://127.0.0.1:4318/v1/traces");
        assert_eq!(url("http://h/otlp/v1/traces"), "http://h/otlp/v1/traces");
    }
}
