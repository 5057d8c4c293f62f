//! Reports by a POST of JSON.

use std::time::Duration;

use serde::Deserialize;

use super::{ConfigError, SendError};
use crate::{
    domain::report::Report,
    outside::{Client, SecretReference, Verdict, is_http},
};

/// For the whole answer.
const ANSWERING: Duration = Duration::from_secs(20);

/// `[report.webhook]`: where reports are posted.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `http://…` or `https://…`
    pub url: String,
    /// What goes as `Authorization: Bearer …`: `"env:NAME"` or `"file:PATH"`.
    pub token: Option<SecretReference>,
}

/// An address that takes reports.
pub struct Webhook {
    client: Client,
    url: String,
    /// The header `Authorization`.
    token: Option<String>,
}

impl Config {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if is_http(&self.url) { Ok(()) } else { Err(ConfigError::Url(self.url.clone())) }
    }
}

impl Webhook {
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        config.check()?;
        let token = config.token.as_ref().map(SecretReference::read).transpose()?;
        let token = token.map(|token| format!("Bearer {token}"));
        Ok(Self { client: Client::new(ANSWERING), url: config.url.clone(), token })
    }

    pub(super) fn summary(&self) -> String {
        format!("POST to {}", self.url.split('?').next().unwrap_or_default())
    }

    pub(super) fn send(&self, report: &Report) -> Result<(), SendError> {
        let body = serde_json::to_vec(report).map_err(|error| SendError::Reject(error.to_string()))?;
        let token = self.token.as_deref().map(|token| ("authorization", token));
        let headers = [("idempotency-key", report.id.as_str())].into_iter().chain(token);
        let reply =
            self.client.post(&self.url, headers, &body).map_err(|unreached| SendError::Retry(unreached.to_string()))?;
        match reply.verdict() {
            Verdict::Done => Ok(()),
            Verdict::Later => Err(SendError::Retry(reply.reason())),
            Verdict::Never => Err(SendError::Reject(reply.reason())),
        }
    }
}
