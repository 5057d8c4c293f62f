//! Reports by a POST of JSON.

use std::time::Duration;

use serde::Deserialize;
use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig},
};

use super::{ConfigError, SecretReference, SendError, chain};
use crate::domain::report::Report;

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
    agent: Agent,
    url: String,
    token: Option<String>,
}

impl Config {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let known = ["http://", "https://"].iter().any(|scheme| self.url.starts_with(scheme));
        if known { Ok(()) } else { Err(ConfigError::Url(self.url.clone())) }
    }
}

impl Webhook {
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        config.check()?;
        let token = config.token.as_ref().map(SecretReference::read).transpose()?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWERING))
            // As the system trusts, so also a company's own authority.
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .user_agent(concat!("eventlatch/", env!("CARGO_PKG_VERSION")));
        Ok(Self { agent: agent.build().into(), url: config.url.clone(), token })
    }

    pub(super) fn summary(&self) -> String {
        format!("POST to {}", self.url.split('?').next().unwrap_or_default())
    }

    pub(super) fn send(&self, report: &Report) -> Result<(), SendError> {
        let mut request = self.agent.post(&self.url).header("idempotency-key", &report.id);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = request.send_json(report).map_err(|error| SendError::Retry(chain(&error)))?;
        let (status, reason) = (answer.status(), format!("it answers {}", answer.status()));
        match status.as_u16() {
            200..300 => Ok(()),
            408 | 425 | 429 => Err(SendError::Retry(reason)),
            400..500 => Err(SendError::Reject(reason)),
            _ => Err(SendError::Retry(reason)),
        }
    }
}
