//! The `[api]` part of the configuration.

use std::{
    fmt, fs,
    net::{Ipv4Addr, SocketAddr},
};

use serde::{Deserialize, Deserializer, de::Error as _};
use subtle::ConstantTimeEq;

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
    pub token: Option<TokenReference>,
    /// The same for those who may look at everything and change nothing. Default: none.
    pub read_token: Option<TokenReference>,
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
    #[error("`token` in [api] refers to `{0}`, which cannot be read")]
    Token(TokenReference, #[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("`token` in [api] refers to `{0}`, which is empty")]
    Empty(TokenReference),
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
        let read_token = self.read_token.as_ref().map(TokenReference::read).transpose()?;
        Ok(Access { token: self.token()?, read_token })
    }

    /// The token that is referred to.
    pub fn token(&self) -> Result<Option<Token>, ConfigError> {
        self.token.as_ref().map(TokenReference::read).transpose()
    }
}

/// Who may do what.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// None: whoever comes may do everything.
    pub(super) token: Option<Token>,
    /// May look, and change nothing.
    pub(super) read_token: Option<Token>,
}

/// Where the token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenReference {
    Environment(String),
    File(String),
}

impl fmt::Display for TokenReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}

impl<'de> Deserialize<'de> for TokenReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if let Some(name) = text.strip_prefix("env:") {
            Ok(Self::Environment(name.to_owned()))
        } else if let Some(path) = text.strip_prefix("file:") {
            Ok(Self::File(path.to_owned()))
        } else {
            // The text itself may be the secret: it is not repeated.
            Err(D::Error::custom("a token is given by reference: \"env:NAME\" or \"file:PATH\""))
        }
    }
}

impl TokenReference {
    fn read(&self) -> Result<Token, ConfigError> {
        let failed = |error| ConfigError::Token(self.clone(), error);
        let text = match self {
            Self::Environment(name) => std::env::var(name).map_err(|error| failed(error.into()))?,
            Self::File(path) => fs::read_to_string(path).map_err(|error| failed(error.into()))?,
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() { Err(ConfigError::Empty(self.clone())) } else { Ok(Token(text.into())) }
    }
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
        assert_eq!(error, "a token is given by reference: \"env:NAME\" or \"file:PATH\"");
        let file = tempfile::NamedTempFile::new().unwrap();
        let config: Config = toml::from_str(&format!("token = \"file:{}\"", file.path().display())).unwrap();
        assert!(config.token().unwrap_err().to_string().ends_with("which is empty"));
        fs::write(file.path(), "hunter2\n").unwrap();
        let token = config.token().unwrap().unwrap();
        assert!(token.is("hunter2") && !token.is("hunter") && !token.is(""));
        assert!(!format!("{token:?}").contains("hunter2"));
    }
}
