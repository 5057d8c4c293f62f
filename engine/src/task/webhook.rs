//! Marks tasks by a POST: signed as [Standard Webhooks](https://www.standardwebhooks.com) says, with an idempotency key that
//! stays the same from attempt to attempt. What the receiver has done before it may answer with success, and do nothing.
//!
//! Start at `Webhook::mark`.

mod signature;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::Deserialize;
use ureq::http::{HeaderName, HeaderValue};

use self::signature::{BadSecret, SigningKey};
use super::{
    Answer, MarkError, Marked, TaskAdapter,
    told::{Told, trace},
};
use crate::{
    domain::mark::Mark,
    outside::{Client, SecretError, SecretReference, Unreached, Verdict, is_http},
};

/// `[marking.webhook]`: where marks are posted.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `http://…` or `https://…`
    pub url: String,
    /// What goes as `Authorization: Bearer …`: `"env:NAME"` or `"file:PATH"`.
    #[serde(default)]
    pub token: Option<SecretReference>,
    /// What requests are signed with, by reference: base64 behind `whsec_`, or any text.
    #[serde(default)]
    pub secret: Option<SecretReference>,
    /// For all of an answer. Default: 20.
    #[serde(default = "timeout")]
    pub timeout_seconds: f64,
    /// More headers; a value may be a reference.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

fn timeout() -> f64 {
    20.0
}

/// A `[marking.webhook]` section that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("`url` in [marking.webhook] must be an address that begins with http:// or https://, not `{0}`")]
    Url(String),
    #[error("`timeout_seconds` in [marking.webhook] must be more than 0 and at most 3600, not {0}")]
    Timeout(f64),
    #[error("`{0}` in [marking.webhook.headers] is no name of a header, or its value cannot be one")]
    Header(String),
    #[error("`{0}` cannot be set in [marking.webhook.headers]: it is sent anyway")]
    OurHeader(String),
    #[error("a secret of [marking.webhook]: {0}")]
    Secret(SecretError),
    #[error("`secret` in [marking.webhook]: {0}")]
    BadSecret(#[from] BadSecret),
}

/// What is sent with every request.
const OURS: [&str; 6] =
    ["content-type", "idempotency-key", "traceparent", "webhook-id", "webhook-signature", "webhook-timestamp"];

impl Config {
    /// Whether the values make sense, without looking outside.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !is_http(&self.url) {
            return Err(ConfigError::Url(self.url.clone()));
        }
        if !(self.timeout_seconds > 0.0 && self.timeout_seconds <= 3600.0) {
            return Err(ConfigError::Timeout(self.timeout_seconds));
        }
        self.headers.keys().try_for_each(|name| self.check_header(name))
    }

    fn check_header(&self, name: &str) -> Result<(), ConfigError> {
        let known = HeaderName::try_from(name).map_err(|_| ConfigError::Header(name.to_owned()))?;
        let ours = OURS.contains(&known.as_str()) || (known == "authorization" && self.token.is_some());
        if ours { Err(ConfigError::OurHeader(name.to_owned())) } else { Ok(()) }
    }

    /// The headers that are the same for every mark.
    fn headers(&self) -> Result<Vec<(String, String)>, ConfigError> {
        let read = |secret: &SecretReference| secret.read().map_err(ConfigError::Secret);
        let mut headers = Vec::new();
        for (name, value) in &self.headers {
            let value = SecretReference::parse(value).map_or_else(|| Ok(value.clone()), |secret| read(&secret))?;
            HeaderValue::try_from(&value).map_err(|_| ConfigError::Header(name.clone()))?;
            headers.push((name.clone(), value));
        }
        if let Some(token) = &self.token {
            headers.push(("authorization".to_owned(), format!("Bearer {}", read(token)?)));
        }
        Ok(headers)
    }
}

/// Marks through an address that takes POSTs.
pub struct WebhookAdapter {
    webhook: Arc<Webhook>,
}

struct Webhook {
    client: Client,
    url: String,
    headers: Vec<(String, String)>,
    key: Option<SigningKey>,
    /// The identity of the store that the marks come from.
    store: String,
}

impl WebhookAdapter {
    pub fn new(config: &Config, store: &str) -> Result<Self, ConfigError> {
        let secret = config.secret.as_ref().map(SecretReference::read).transpose().map_err(ConfigError::Secret)?;
        let webhook = Webhook {
            client: Client::new(Duration::try_from_secs_f64(config.timeout_seconds).unwrap_or_default()),
            url: config.url.clone(),
            headers: config.headers()?,
            key: secret.as_deref().map(SigningKey::parse).transpose()?,
            store: store.to_owned(),
        };
        Ok(Self { webhook: Arc::new(webhook) })
    }

    /// Requests block: they do so on a thread that may.
    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Webhook) -> Result<T, MarkError> + Send + 'static,
    ) -> Answer<'static, T> {
        let webhook = Arc::clone(&self.webhook);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&webhook)).await;
            done.unwrap_or_else(|_| Err(MarkError::retry("the attempt broke off")))
        })
    }
}

impl TaskAdapter for WebhookAdapter {
    fn mark<'a>(&'a self, mark: &'a Mark) -> Answer<'a, Marked> {
        let mark = mark.clone();
        self.blocking(move |webhook| webhook.mark(&mark))
    }

    fn probe(&self) -> Answer<'_, ()> {
        self.blocking(Webhook::probe)
    }

    fn name(&self) -> &'static str {
        "webhook"
    }

    fn summary(&self) -> String {
        format!("webhook: POST to {}", self.webhook.address())
    }
}

impl Webhook {
    fn mark(&self, mark: &Mark) -> Result<Marked, MarkError> {
        let id = mark.idempotency_key(&self.store);
        let body = Told::of(mark, &id).json();
        let at = Timestamp::now().as_second().to_string();
        let signature = self.key.as_ref().map(|key| key.sign(&id, &at, &body));
        let signed = signature.as_deref().map(|signature| ("webhook-signature", signature));
        let ours = [("idempotency-key", id.as_str()), ("webhook-id", &id), ("webhook-timestamp", &at)];
        let headers = self.headers().chain(ours).chain(signed).chain(trace(mark));
        let reply = self.client.post(&self.url, headers, &body).map_err(unreached)?;
        match reply.verdict() {
            Verdict::Done => Ok(Marked::Now),
            Verdict::Later => Err(MarkError::Retry { reason: reply.reason(), after: reply.retry_after() }),
            Verdict::Never => Err(MarkError::Reject(reply.reason())),
        }
    }

    /// Whatever is answered shows that somebody is there: what it thinks of marks only a mark would tell.
    fn probe(&self) -> Result<(), MarkError> {
        self.client.options(&self.url, self.headers()).map(drop).map_err(unreached)
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Without what may be a secret.
    fn address(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }
}

fn unreached(unreached: Unreached) -> MarkError {
    MarkError::retry(unreached.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str) -> Result<String, String> {
        let config: Config = toml::from_str(toml).map_err(|error| error.message().to_owned())?;
        config.check().map_err(|error| error.to_string())?;
        let adapter = WebhookAdapter::new(&config, "store").map_err(|error| error.to_string())?;
        Ok(adapter.summary())
    }

    #[test]
    fn what_cannot_work_is_said_before() {
        let url = "url = 'https://hooks.example/marks?key=s3cret'\n";
        let with = |more: &str| check(&format!("{url}{more}"));
        assert_eq!(with(""), Ok("webhook: POST to https://hooks.example/marks".to_owned()));
        assert_eq!(with("token = 'env:HOME'\nsecret = 'env:HOME'\nheaders = { X-Team = 'data' }").map(drop), Ok(()));
        let fails = |more: &str, says: &str| {
            let error = with(more).unwrap_err();
            assert!(error.contains(says), "{error}");
        };
        fails("token = 'hunter2'", "a secret is given by reference");
        fails("token = 'env:EVENTLATCH_NOT_SET'", "`env:EVENTLATCH_NOT_SET` cannot be read");
        fails("timeout_seconds = 0", "must be more than 0");
        fails("timeout_seconds = nan", "must be more than 0");
        fails("headers = { 'a b' = '' }", "`a b` in [marking.webhook.headers] is no name of a header");
        fails("headers = { X-A = \"a\\nb\" }", "`X-A` in [marking.webhook.headers]");
        fails("headers = { Idempotency-Key = '1' }", "it is sent anyway");
        assert!(check("url = 'hooks.example'").unwrap_err().contains("must be an address that begins with http://"));
    }
}
