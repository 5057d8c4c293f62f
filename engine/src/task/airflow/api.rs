//! The way into one Airflow: which version it is, and requests that bear a token.
//!
//! The version is found out when it is needed first, and again after something was not found: an Airflow 2 may have become
//! an Airflow 3. A token that is not taken any more is renewed once within a request.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use ureq::http::{Method, StatusCode};

use super::{
    config::{ApiChoice, Config, ConfigError},
    login::Login,
    meaning, text,
};
use crate::{
    outside::{Client, Reply, Unreached},
    task::MarkError,
};

/// The REST APIs that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// Airflow 2.
    V1,
    /// Airflow 3.
    V2,
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1 => "/api/v1",
            Self::V2 => "/api/v2",
        })
    }
}

pub(super) struct Door {
    client: Client,
    /// Without a slash at the end.
    base: String,
    choice: ApiChoice,
    login: Login,
    known: Mutex<Known>,
}

/// What was found out so far.
#[derive(Default)]
struct Known {
    /// With the version that Airflow says it has.
    api: Option<(Api, String)>,
    /// The header `Authorization`, of which nothing is known that speaks against it; none: there is none to be sent.
    authorization: Option<Option<String>>,
}

impl Door {
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            client: Client::new(Duration::try_from_secs_f64(config.timeout_seconds).unwrap_or_default()),
            base: config.base().to_owned(),
            choice: config.api,
            login: config.login()?,
            known: Mutex::default(),
        })
    }

    /// Whether there is an Airflow, and we may look at its DAGs.
    pub(super) fn probe(&self) -> Result<(), MarkError> {
        *self.known() = Known::default();
        let reply = self.ask(Method::GET, LOOK, None)?;
        match reply.status() {
            status if status.is_success() => Ok(()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(MarkError::retry(self.not_let_in(&reply))),
            _ => Err(MarkError::Retry { reason: meaning::reason(&reply), after: reply.retry_after() }),
        }
    }

    /// An error: not the mark was refused, but we are.
    pub(super) fn may_look(&self) -> Result<(), MarkError> {
        let reply = self.ask(Method::GET, LOOK, None)?;
        match reply.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(MarkError::retry(self.not_let_in(&reply))),
            _ => Ok(()),
        }
    }

    fn not_let_in(&self, reply: &Reply) -> String {
        let (who, reason) = (self.login.who(), meaning::reason(reply));
        format!(
            "Airflow does not let in {who}: {reason} (hint: `username`, `password` or `token` in [marking.airflow])"
        )
    }

    /// One line for people: where it is, and its version once that is known.
    pub(super) fn summary(&self) -> String {
        match &self.known().api {
            Some((api, version)) => format!("{version} ({api}) at {}", self.base),
            None => self.base.clone(),
        }
    }

    pub(super) fn api(&self) -> Result<Api, MarkError> {
        self.find(&mut self.known())
    }

    /// Those who come while somebody finds it out wait for what comes of it.
    fn find(&self, known: &mut Known) -> Result<Api, MarkError> {
        if let Some((api, _)) = known.api {
            return Ok(api);
        }
        let candidates: &[Api] = match self.choice {
            ApiChoice::Auto => &[Api::V2, Api::V1],
            ApiChoice::V1 => &[Api::V1],
            ApiChoice::V2 => &[Api::V2],
        };
        let mut answers = Vec::new();
        for api in candidates {
            let reply = self.client.ask(Method::GET, &format!("{}{api}/version", self.base), [], None);
            let reply = reply.map_err(unreached)?;
            let version = reply.json().and_then(|it| text(&it, "version").map(str::to_owned));
            if let Some(version) = version.filter(|_| reply.status().is_success()) {
                known.api = Some((*api, version));
                return Ok(*api);
            }
            answers.push(format!("at {api}/version {}", reply.reason()));
        }
        let hint = "hint: `url` in [marking.airflow] is where its web pages are, without `/api`";
        Err(MarkError::retry(format!("no Airflow answers: {} ({hint})", answers.join(", "))))
    }

    /// Asks for a path below the API.
    pub(super) fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Reply, MarkError> {
        let body = body.map(Value::to_string);
        let mut renewed = false;
        loop {
            let (api, authorization) = self.authorization()?;
            let headers = authorization.as_deref().map(|it| ("authorization", it));
            let url = format!("{}{api}{path}", self.base);
            let reply = self.client.ask(method.clone(), &url, headers, body.as_deref().map(str::as_bytes));
            let reply = reply.map_err(unreached)?;
            if reply.status() == StatusCode::NOT_FOUND {
                self.known().api = None;
            }
            if renewed || !meaning::is_old_token(&reply) {
                return Ok(reply);
            }
            renewed = true;
            self.forget(&authorization);
        }
    }

    fn authorization(&self) -> Result<(Api, Option<String>), MarkError> {
        let mut known = self.known();
        let api = self.find(&mut known)?;
        if let Some(authorization) = &known.authorization {
            return Ok((api, authorization.clone()));
        }
        let authorization = self.login.header(&self.client, &self.base, api)?;
        known.authorization = Some(authorization.clone());
        Ok((api, authorization))
    }

    /// Unless somebody else has renewed it already.
    fn forget(&self, authorization: &Option<String>) {
        let mut known = self.known();
        if known.authorization.as_ref() == Some(authorization) {
            known.authorization = None;
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What everybody who is let in may ask.
const LOOK: &str = "/dags?limit=1";

fn unreached(unreached: Unreached) -> MarkError {
    MarkError::retry(unreached.to_string())
}
