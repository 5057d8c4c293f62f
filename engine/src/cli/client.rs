//! Asking a running service: the HTTP API from the command's side.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use ureq::{
    Agent, Body, RequestBuilder,
    http::{Response, StatusCode},
};

use super::{Exit, Failure};
use crate::{
    api::{self, Problem, ProblemKind, Token},
    config::Config,
};

const CONNECTING: Duration = Duration::from_secs(5);

/// For all of an answer: a thousand dead letters are read again from Kafka in less.
const ANSWERING: Duration = Duration::from_secs(300);

/// Which service to ask.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Service {
    /// Ask the service at this address [default: `listen` in the configuration's [api]]
    #[arg(long, env = "EVENTLATCH_URL", value_name = "URL")]
    pub(super) url: Option<String>,
}

/// One service.
pub(super) struct Client {
    base: String,
    token: Option<Token>,
    agent: Agent,
}

impl Client {
    pub(super) fn new(config: &Config, service: &Service) -> Result<Self, Failure> {
        let base = service.url.clone().map_or_else(|| configured(&config.api), Ok)?;
        if !base.starts_with("http://") {
            let problem = format!("`{base}` is no address of a service (hint: http://HOST:PORT)");
            return Err(Failure::new(Exit::Api, problem));
        }
        let token = config.api.token().map_err(Failure::config)?;
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(api::USER_AGENT)
            .proxy(None)
            .timeout_connect(Some(CONNECTING))
            .timeout_global(Some(ANSWERING));
        Ok(Self { base: base.trim_end_matches('/').to_owned(), token, agent: agent.build().into() })
    }

    /// Whether anybody is there.
    pub(super) fn is_answered(&self) -> bool {
        self.agent.get(format!("{}/livez", self.base)).call().is_ok_and(|answer| answer.status().is_success())
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T, Failure> {
        let request = self.agent.get(self.url(path)).query_pairs(query.iter().map(|(name, it)| (*name, it)));
        self.answer(self.authorised(request).call())
    }

    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        self.answer(self.authorised(self.agent.post(self.url(path))).send_json(body))
    }

    /// Sends a matcher's file. To prove it takes as long as reading messages does.
    pub(super) fn post_wasm<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
        wasm: &[u8],
    ) -> Result<T, Failure> {
        let request = self.agent.post(self.url(path)).query_pairs(query.iter().map(|(name, it)| (*name, it)));
        self.answer(self.authorised(request).header("content-type", "application/wasm").send(wasm))
    }

    pub(super) fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        self.answer(self.authorised(self.agent.put(self.url(path))).send_json(body))
    }

    pub(super) fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.answer(self.authorised(self.agent.delete(self.url(path))).call())
    }

    pub(super) fn delete_with<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T, Failure> {
        let request = self.agent.delete(self.url(path)).query_pairs(query.iter().map(|(name, it)| (*name, it)));
        self.answer(self.authorised(request).call())
    }

    fn authorised<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("authorization", token.bearer()),
            None => request,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.base)
    }

    fn answer<T: DeserializeOwned>(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<T, Failure> {
        let mut response = answer.map_err(|error| self.no_answer(error))?;
        if response.status() == StatusCode::NO_CONTENT {
            return serde_json::from_str("null").map_err(Failure::unexpected);
        }
        if response.status().is_success() {
            return response.body_mut().with_config().limit(u64::MAX).read_json().map_err(|error| self.strange(error));
        }
        match response.body_mut().read_json::<Problem>() {
            Ok(problem) => Err(refused(&problem)),
            Err(_) => Err(self.strange(ureq::Error::StatusCode(response.status().as_u16()))),
        }
    }

    fn no_answer(&self, error: ureq::Error) -> Failure {
        let what = format!(
            "no eventlatch answers at {} (hint: start it with `eventlatch run`, or name it with --url)",
            self.base
        );
        Failure::new(Exit::Api, anyhow::Error::new(error).context(what))
    }

    fn strange(&self, error: ureq::Error) -> Failure {
        let what = format!("what answers at {} is no eventlatch of this version", self.base);
        Failure::new(Exit::Api, anyhow::Error::new(error).context(what))
    }
}

/// Where the service of this configuration listens.
fn configured(api: &api::Config) -> Result<String, Failure> {
    let problem = if !api.enabled {
        "the configuration has `enabled = false` in [api]: its service answers no commands (hint: --url)"
    } else if api.listen.port() == 0 {
        "the configuration leaves the port of [api] to the system (hint: name it with --url, the service logs it)"
    } else {
        let mut address = api.listen;
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        return Ok(format!("http://{address}"));
    };
    Err(Failure::new(Exit::Api, problem))
}

/// A problem as a command's failure.
fn refused(problem: &Problem) -> Failure {
    let exit = match problem.kind {
        ProblemKind::Unauthorized | ProblemKind::Forbidden => Exit::Api,
        ProblemKind::InvalidSensor | ProblemKind::ForeignSensor => Exit::Config,
        ProblemKind::KafkaUnreachable | ProblemKind::NoKafka => Exit::Source,
        ProblemKind::StoreUnavailable => Exit::Store,
        ProblemKind::NoSuchMatcher
        | ProblemKind::NoSuchBuild
        | ProblemKind::NoSuchCandidate
        | ProblemKind::NotOverBudget
        | ProblemKind::MatcherRefused => Exit::Matcher,
        _ => Exit::Unexpected,
    };
    let hint = match problem.kind {
        ProblemKind::Unauthorized => " (hint: `token` in [api] of this configuration says which)",
        ProblemKind::NoSuchDeadLetter => " (hint: `eventlatch dead-letter list`)",
        ProblemKind::NoSuchSensor => " (hint: `eventlatch sensor list`)",
        ProblemKind::NoSuchWait => " (hint: `eventlatch wait list`)",
        _ => "",
    };
    if problem.problems.len() > 1 {
        let lines = problem.problems.iter().map(|it| format!("\n  {}: {}", it.place, it.message));
        return Failure::new(exit, format!("{}{}", problem.title, lines.collect::<String>()));
    }
    Failure::new(exit, format!("{}{hint}", problem.detail))
}

/// A name as a part of a path.
pub(super) fn part(name: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(escape).collect()
}
