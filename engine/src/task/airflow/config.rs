//! `[marking.airflow]`

use serde::Deserialize;

use super::login::Login;
use crate::outside::{SecretError, SecretReference, is_http};

/// `[marking.airflow]`: where Airflow is, and who marks there. Without `username` and `token` an Airflow 3 is asked for a token
/// without a password, which one gives whose users are all administrators.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `http://…` or `https://…`, as in a browser, without `/api`.
    pub url: String,
    /// Needs `password`.
    #[serde(default)]
    pub username: Option<String>,
    /// `"env:NAME"` or `"file:PATH"`.
    #[serde(default)]
    pub password: Option<SecretReference>,
    /// A token in place of a user, by reference. It is read again when Airflow does not take it any more.
    #[serde(default)]
    pub token: Option<SecretReference>,
    /// Which REST API to use: `v2` is Airflow 3, `v1` Airflow 2. Default: `auto`, whichever is there.
    #[serde(default)]
    pub api: ApiChoice,
    /// For all of an answer. Default: 20.
    #[serde(default = "timeout")]
    pub timeout_seconds: f64,
}

/// Which REST API is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApiChoice {
    #[default]
    Auto,
    V1,
    V2,
}

fn timeout() -> f64 {
    20.0
}

/// A `[marking.airflow]` section that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("`url` in [marking.airflow] must be an address that begins with http:// or https://, not `{0}`")]
    Url(String),
    #[error("`url` in [marking.airflow] is where Airflow is, without `/api` and what follows: `{0}`")]
    Api(String),
    #[error("`timeout_seconds` in [marking.airflow] must be more than 0 and at most 3600, not {0}")]
    Timeout(f64),
    #[error("`username` and `password` in [marking.airflow] belong together: give both, or neither")]
    Half,
    #[error("`token` in [marking.airflow] takes the place of `username` and `password`: give one or the other")]
    Both,
    #[error("a secret of [marking.airflow]: {0}")]
    Secret(SecretError),
}

impl Config {
    /// Whether the values make sense, without looking outside.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !is_http(&self.url) || self.url.contains(['?', '#']) {
            return Err(ConfigError::Url(self.url.clone()));
        }
        if ["/api", "/api/v1", "/api/v2"].iter().any(|end| self.base().ends_with(end)) {
            return Err(ConfigError::Api(self.url.clone()));
        }
        if !(self.timeout_seconds > 0.0 && self.timeout_seconds <= 3600.0) {
            return Err(ConfigError::Timeout(self.timeout_seconds));
        }
        if self.username.is_some() != self.password.is_some() {
            return Err(ConfigError::Half);
        }
        if self.username.is_some() && self.token.is_some() { Err(ConfigError::Both) } else { Ok(()) }
    }

    pub(super) fn base(&self) -> &str {
        self.url.trim_end_matches('/')
    }

    /// Reads the secrets once, so that one that is not there is told at the start.
    pub(super) fn login(&self) -> Result<Login, ConfigError> {
        let read = |secret: &SecretReference| secret.read().map_err(ConfigError::Secret);
        Ok(match (&self.username, &self.password, &self.token) {
            (Some(name), Some(password), _) => Login::User { name: name.clone(), password: read(password)? },
            (.., Some(token)) => {
                read(token)?;
                Login::Token(token.clone())
            }
            _ => Login::Nobody,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str) -> Result<(), String> {
        let config: Config = toml::from_str(toml).map_err(|error| error.message().to_owned())?;
        config.check().and_then(|()| config.login().map(drop)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_work_is_said_before() {
        let url = "url = 'https://airflow.example/team/'\n";
        let with = |more: &str| check(&format!("{url}{more}"));
        for fine in ["", "api = 'v1'\nusername = 'u'\npassword = 'env:HOME'", "token = 'env:HOME'"] {
            assert_eq!(with(fine), Ok(()), "{fine}");
        }
        let fails = |more: &str, says: &str| {
            let error = with(more).unwrap_err();
            assert!(error.contains(says), "{error}");
        };
        fails("username = 'u'", "belong together");
        fails("username = 'u'\npassword = 'env:HOME'\ntoken = 'env:HOME'", "takes the place of");
        fails("token = 'hunter2'", "a secret is given by reference");
        fails("token = 'env:EVENTLATCH_NOT_SET'", "`env:EVENTLATCH_NOT_SET` cannot be read");
        fails("timeout_seconds = 0", "must be more than 0");
        fails("api = 'v3'", "unknown variant `v3`, expected one of `auto`, `v1`, `v2`");
        assert!(check("url = 'airflow'").unwrap_err().contains("begins with http:// or https://"));
        assert!(check("url = 'http://airflow/api/v2/'").unwrap_err().contains("without `/api`"));
    }
}
