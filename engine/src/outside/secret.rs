//! Secrets by reference: where one is, never what it is.

use std::{fmt, fs};

use serde::{Deserialize, Deserializer, de::Error as _};

/// Where a secret is: `"env:NAME"` or `"file:PATH"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretReference {
    Environment(String),
    File(String),
}

/// Why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("`{0}` cannot be read")]
    Read(SecretReference, #[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("`{0}` is empty")]
    Empty(SecretReference),
}

impl SecretReference {
    /// None: the text is no reference.
    pub fn parse(text: &str) -> Option<Self> {
        let environment = text.strip_prefix("env:").map(|name| Self::Environment(name.to_owned()));
        environment.or_else(|| text.strip_prefix("file:").map(|path| Self::File(path.to_owned())))
    }

    pub fn read(&self) -> Result<String, SecretError> {
        let failed = |error| SecretError::Read(self.clone(), error);
        let text = match self {
            Self::Environment(name) => std::env::var(name).map_err(|error| failed(error.into()))?,
            Self::File(path) => fs::read_to_string(path).map_err(|error| failed(error.into()))?,
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() { Err(SecretError::Empty(self.clone())) } else { Ok(text.to_owned()) }
    }
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}

impl<'de> Deserialize<'de> for SecretReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The text itself may be the secret: it is not repeated.
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom("a secret is given by reference: \"env:NAME\" or \"file:PATH\""))
    }
}
