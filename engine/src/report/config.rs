//! The `[report]` part of the configuration.

use serde::Deserialize;

use super::{
    Channel,
    email::{self, Email},
    webhook::{self, Webhook},
};
use crate::outside::SecretError;

/// `[report]`: who is told when a wait ends with something missing. Default: nobody.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[report.email]`: by mail.
    pub email: Option<email::Config>,
    /// `[report.webhook]`: by a POST of JSON.
    pub webhook: Option<webhook::Config>,
}

/// A `[report]` section that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "`smtp` in [report.email] is no address of a server: {0} (hint: \"smtp://USER@HOST:PORT\" or \"smtps://HOST\")"
    )]
    Smtp(String),
    #[error("`smtp` in [report.email] holds a password (hint: `password = \"env:NAME\"` or `\"file:PATH\"`)")]
    PasswordInSight,
    #[error("[report.email] has a password and no user (hint: \"smtp://USER@HOST:PORT\")")]
    NoUser,
    #[error("`{address}` in [report.email] is no mail address: {reason}")]
    Address { address: String, reason: String },
    #[error("`to` in [report.email] names nobody")]
    Nobody,
    #[error("`url` in [report.webhook] must begin with http:// or https://, not `{0}`")]
    Url(String),
    #[error("a secret of [report]: it")]
    Secret(#[from] SecretError),
}

impl Config {
    /// Whether the values make sense, without looking outside.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.email.as_ref().map(email::Config::check).transpose()?;
        self.webhook.as_ref().map(webhook::Config::check).transpose()?;
        Ok(())
    }

    /// The channels; reads the secrets.
    pub fn build(&self) -> Result<Vec<Channel>, ConfigError> {
        let email = self.email.as_ref().map(|config| Email::new(config).map(Channel::Email)).transpose()?;
        let webhook = self.webhook.as_ref().map(|config| Webhook::new(config).map(Channel::Webhook)).transpose()?;
        Ok(email.into_iter().chain(webhook).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str) -> Result<(), String> {
        let config: Config = toml::from_str(toml).map_err(|error| error.message().to_owned())?;
        config.build().map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn a_mail_server_and_addresses_must_make_sense() {
        let mail = |smtp: &str, more: &str| {
            check(&format!(
                "[email]\nsmtp = \"{smtp}\"\nfrom = \"eventlatch <a@b.example>\"\nto = [\"c@d.example\"]\n{more}"
            ))
        };
        assert_eq!(mail("smtp://localhost:2525", ""), Ok(()));
        assert_eq!(mail("smtps://mail.example", "tls = \"required\""), Ok(()));
        assert!(mail("mail.example:25", "").unwrap_err().contains("is no address of a server"));
        assert!(mail("http://mail.example", "").unwrap_err().contains("is no address of a server"));
        assert!(mail("smtp://u:hunter2@mail.example", "").unwrap_err().contains("holds a password (hint: "));
        assert!(!mail("smtp://u:hunter2@mail.example", "").unwrap_err().contains("hunter2"));
        assert!(mail("smtp://mail.example", "password = \"env:HOME\"").unwrap_err().contains("a password and no user"));
        assert_eq!(mail("smtp://u@mail.example", "password = \"env:HOME\""), Ok(()));
        assert!(mail("smtp://mail.example", "password = \"hunter2\"").unwrap_err().starts_with("a secret is given by"));
        let nobody = "[email]\nsmtp = \"smtp://h\"\nfrom = \"a@b.example\"\nto = []";
        assert_eq!(check(nobody), Err("`to` in [report.email] names nobody".to_owned()));
        let nowhere = "[email]\nsmtp = \"smtp://h\"\nfrom = \"a b\"\nto = [\"c@d.example\"]";
        assert!(check(nowhere).unwrap_err().starts_with("`a b` in [report.email] is no mail address"));
    }

    #[test]
    fn a_webhook_is_a_url() {
        assert_eq!(check("[webhook]\nurl = \"https://hooks.example/a\""), Ok(()));
        assert!(check("[webhook]\nurl = \"hooks.example\"").unwrap_err().contains("must begin with http://"));
    }
}
