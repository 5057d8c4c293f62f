//! The `[api]` part of the configuration.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
};

use serde::{Deserialize, Deserializer, de::Error as _};
use subtle::ConstantTimeEq;

use crate::outside::{SecretError, SecretReference};

/// `[api]`: the HTTP API of the running service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether it is served. Default: true.
    pub enabled: bool,
    /// Address and port. Beyond loopback it is served only with a token. Default: `"127.0.0.1:8686"`.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// What `Authorization: Bearer …` must hold, by reference: `"env:NAME"` or `"file:PATH"`. Default: none.
    pub token: Option<SecretReference>,
    /// The same for those who may look at everything and change nothing. Default: none.
    pub read_token: Option<SecretReference>,
    /// So many requests are answered in a second, of all callers together; 0: as many as they like. Default: 5000.
    pub requests_per_second: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: (Ipv4Addr::LOCALHOST, 8686).into(),
            token: None,
            read_token: None,
            requests_per_second: 5_000,
        }
    }
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = |_| D::Error::custom(format_args!("`{text}` is no address with a port, such as \"127.0.0.1:8686\""));
    text.parse().map_err(wrong)
}

/// Why the section cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "`listen = \"{0}\"` in [api] is beyond loopback and there is no token (hint: set `token = \"env:NAME\"` or \
         `\"file:PATH\"`, or listen at 127.0.0.1)"
    )]
    Open(SocketAddr),
    #[error("`read_token` in [api] is given without `token`: nobody could change anything (hint: set `token` too)")]
    NobodyMayWrite,
    #[error("a token of [api] cannot be used")]
    Token(#[from] SecretError),
}

impl Config {
    /// Whether the values go together.
    pub fn check(&self) -> Result<(), ConfigError> {
        let open = self.enabled && self.token.is_none() && !self.listen.ip().to_canonical().is_loopback();
        if open {
            return Err(ConfigError::Open(self.listen));
        }
        if self.enabled && self.read_token.is_some() && self.token.is_none() {
            return Err(ConfigError::NobodyMayWrite);
        }
        Ok(())
    }

    /// The tokens that are referred to.
    pub fn access(&self) -> Result<Access, ConfigError> {
        Ok(Access { token: self.token()?, read_token: read(self.read_token.as_ref())? })
    }

    /// The token that is referred to.
    pub fn token(&self) -> Result<Option<Token>, ConfigError> {
        read(self.token.as_ref())
    }
}

fn read(reference: Option<&SecretReference>) -> Result<Option<Token>, ConfigError> {
    Ok(reference.map(SecretReference::read).transpose()?.map(|token| Token(token.into())))
}

/// Who may do what.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// None: whoever comes may do everything.
    pub(super) token: Option<Token>,
    /// May look, and change nothing.
    pub(super) read_token: Option<Token>,
}

/// A secret: never printed, and compared in a time that says nothing about it.
#[derive(Clone)]
pub struct Token(Box<str>);

impl Token {
    pub fn is(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }

    /// For the one header that carries it.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str) -> Result<(), String> {
        let config: Config = toml::from_str(toml).map_err(|error| error.message().to_owned())?;
        config.check().map_err(|error| error.to_string())
    }

    #[test]
    fn beyond_loopback_a_token_is_needed() {
        assert_eq!(check(""), Ok(()));
        assert_eq!(check("listen = \"[::1]:1\""), Ok(()));
        assert_eq!(check("listen = \"[::ffff:127.0.0.1]:1\""), Ok(()));
        for open in ["0.0.0.0:1", "10.0.0.1:1", "[::]:1"] {
            let error = check(&format!("listen = \"{open}\"")).unwrap_err();
            assert!(error.contains("beyond loopback and there is no token (hint: "), "{error}");
            assert_eq!(check(&format!("listen = \"{open}\"\ntoken = \"env:T\"")), Ok(()));
            assert_eq!(check(&format!("listen = \"{open}\"\nenabled = false")), Ok(()));
        }
        let error = check("listen = \"localhost\"").unwrap_err();
        assert_eq!(error, "`localhost` is no address with a port, such as \"127.0.0.1:8686\"");
    }

    #[test]
    fn a_token_comes_by_reference_and_is_never_shown() {
        let error = check("token = \"hunter2\"").unwrap_err();
        assert_eq!(error, "a secret is given by reference: \"env:NAME\" or \"file:PATH\"");
        let file = tempfile::NamedTempFile::new().unwrap();
        let config: Config = toml::from_str(&format!("token = \"file:{}\"", file.path().display())).unwrap();
        assert!(matches!(config.token(), Err(ConfigError::Token(SecretError::Empty(_)))));
        std::fs::write(file.path(), "hunter2\n").unwrap();
        let token = config.token().unwrap().unwrap();
        assert!(token.is("hunter2") && !token.is("hunter") && !token.is(""));
        assert!(!format!("{token:?}").contains("hunter2"));
    }
}
