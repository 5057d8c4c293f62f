//! Who we are to Airflow, and the header that says so.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use ureq::http::Method;

use super::{api::Api, text};
use crate::{
    outside::{Client, SecretReference},
    task::MarkError,
};

/// Who marks.
pub(super) enum Login {
    User {
        name: String,
        password: String,
    },
    /// A token that somebody else renews.
    Token(SecretReference),
    Nobody,
}

impl Login {
    /// The header `Authorization`; an Airflow 3 is asked for a token first. None: there is nothing to say.
    pub(super) fn header(&self, client: &Client, base: &str, api: Api) -> Result<Option<String>, MarkError> {
        match (self, api) {
            (Self::User { name, password }, Api::V1) => {
                Ok(Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}")))))
            }
            (Self::User { name, password }, Api::V2) => {
                let body = json!({"username": name, "password": password}).to_string();
                token(client, Method::POST, base, Some(body.as_bytes())).map(Some)
            }
            (Self::Token(token), _) => {
                let token = token.read().map_err(|error| MarkError::retry(format!("the token: {error}")))?;
                Ok(Some(format!("Bearer {token}")))
            }
            (Self::Nobody, Api::V1) => Ok(None),
            (Self::Nobody, Api::V2) => token(client, Method::GET, base, None).map(Some),
        }
    }

    /// For people.
    pub(super) fn who(&self) -> String {
        match self {
            Self::User { name, .. } => format!("the user `{name}`"),
            Self::Token(token) => format!("whoever the token `{token}` is of"),
            Self::Nobody => "somebody without a login".to_owned(),
        }
    }
}

fn token(client: &Client, method: Method, base: &str, body: Option<&[u8]>) -> Result<String, MarkError> {
    let reply = client.ask(method, &format!("{base}/auth/token"), [], body);
    let reply = reply.map_err(|unreached| MarkError::retry(unreached.to_string()))?;
    let answer = reply.json().unwrap_or_default();
    // Versions differ in how they call it.
    match text(&answer, "access_token").or_else(|| text(&answer, "jwt_token")) {
        Some(token) if reply.status().is_success() => Ok(format!("Bearer {token}")),
        _ => {
            let hint = "hint: `username` and `password` in [marking.airflow]";
            let reason = format!("Airflow gives no token: {} ({hint})", reply.reason());
            Err(MarkError::Retry { reason, after: reply.retry_after() })
        }
    }
}
