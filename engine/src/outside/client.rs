//! Requests to servers of others. They block: they are made on threads that may.

use std::{error::Error, io::Read, time::Duration};

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use serde_json::Value;
use ureq::{
    Agent, Body,
    http::{HeaderMap, Method, Request, Response, StatusCode, header},
    tls::{RootCerts, TlsConfig},
};

/// So many characters of what a server says are repeated in a reason.
const QUOTED: usize = 300;

/// So many bytes of an answer are read.
const READ: u64 = 1 << 20;

/// Who asks to be left alone for longer is asked after that all the same.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);

/// Trusts what the system trusts, so also a company's own authority, and follows no redirection: a POST that becomes a GET on its
/// way tells nobody anything.
pub struct Client {
    agent: Agent,
}

/// What a server answered.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    retry_after: Option<Duration>,
    location: Option<String>,
    body: Vec<u8>,
}

/// Nobody answered, or not in time.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreached(String);

/// What an answer means for what was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Done,
    /// Not now: for a reason that passes, or that is ours.
    Later,
    /// Never as it is.
    Never,
}

/// Whether it is an address that a [`Client`] can ask.
pub fn is_http(url: &str) -> bool {
    url::Url::parse(url).is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
}

impl Client {
    /// `timeout` is for all of an answer.
    pub fn new(timeout: Duration) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .user_agent(concat!("eventlatch/", env!("CARGO_PKG_VERSION")));
        Self { agent: agent.build().into() }
    }

    /// Posts JSON.
    pub fn post<'a>(
        &self,
        url: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: &[u8],
    ) -> Result<Reply, Unreached> {
        self.ask(Method::POST, url, headers, Some(body))
    }

    /// Asks what could be done there, which does nothing.
    pub fn options<'a>(
        &self,
        url: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Reply, Unreached> {
        self.ask(Method::OPTIONS, url, headers, None)
    }

    /// Asks anything; a body is JSON.
    pub fn ask<'a>(
        &self,
        method: Method,
        url: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: Option<&[u8]>,
    ) -> Result<Reply, Unreached> {
        let request = Request::builder().method(method).uri(url);
        let request = headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let refused = |error: ureq::http::Error| Unreached(chain(&error));
        let answer = match body {
            Some(body) => {
                let request = request.header(header::CONTENT_TYPE, "application/json");
                self.agent.run(request.body(body).map_err(refused)?)
            }
            None => self.agent.run(request.body(()).map_err(refused)?),
        };
        reply(answer)
    }
}

fn reply(answer: Result<Response<Body>, ureq::Error>) -> Result<Reply, Unreached> {
    let mut answer = answer.map_err(|error| Unreached(chain(&error)))?;
    let retry_after = retry_after(answer.headers(), Timestamp::now());
    let location = answer.headers().get(header::LOCATION).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    // What an answer means stands in its status; what cannot be read of it is not repeated.
    drop(answer.body_mut().as_reader().take(READ).read_to_end(&mut body));
    Ok(Reply { status: answer.status(), retry_after, location, body })
}

impl Reply {
    pub fn verdict(&self) -> Verdict {
        match self.status.as_u16() {
            200..300 => Verdict::Done,
            // What is wrong with an address or a login is not what was told.
            300..400 | 401 | 403 | 407 | 408 | 409 | 425 | 429 => Verdict::Later,
            400..500 => Verdict::Never,
            _ => Verdict::Later,
        }
    }

    /// How long it asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What it says, where that is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// For people.
    pub fn reason(&self) -> String {
        match self.says().as_str() {
            "" => format!("it answers {}", self.status),
            says => format!("it answers {}: {says}", self.status),
        }
    }

    /// The beginning of what it says, on one line; or where it points to.
    fn says(&self) -> String {
        if let Some(location) = &self.location {
            return format!("it points to {location}, which is not followed");
        }
        let text = String::from_utf8_lossy(&self.body);
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(QUOTED).collect()
    }
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = DateTimeParser::new().parse_timestamp(text).ok()?;
            Duration::try_from(date.duration_since(now)).unwrap_or_default()
        }
    };
    Some(pause.min(LONGEST_PAUSE))
}

/// An error with its causes, on one line.
pub fn chain(error: &dyn Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text += &format!(": {more}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_says_when_is_asked_then() {
        let now = "1994-11-06T08:49:00Z".parse().unwrap();
        let check = |text: &str, seconds: Option<u64>| {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now).map(|pause| pause.as_secs()), seconds, "{text}");
        };
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(37));
        check("Sun, 06 Nov 1994 08:48:37 GMT", Some(0));
        check("99999999999", Some(86_400));
        check("soon", None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn an_answer_means_done_later_or_never() {
        let check = |status: u16, verdict| {
            let status = StatusCode::from_u16(status).unwrap();
            let reply = Reply { status, retry_after: None, location: None, body: Vec::new() };
            assert_eq!(reply.verdict(), verdict, "{status}");
        };
        for done in [200, 202, 204] {
            check(done, Verdict::Done);
        }
        for later in [302, 307, 401, 403, 408, 409, 425, 429, 500, 502, 503, 504] {
            check(later, Verdict::Later);
        }
        for never in [400, 404, 405, 410, 413, 422] {
            check(never, Verdict::Never);
        }
    }

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        for (url, is) in
            [("https://a.example/b?c", true), ("http://[::1]:8", true), ("a.example", false), ("ftp://a", false)]
        {
            assert_eq!(is_http(url), is, "{url}");
        }
    }
}
