//! Reports by mail: one message with a page of HTML and the same as plain text.

use std::time::Duration;

use lettre::{
    Message, SmtpTransport, Transport,
    message::{Mailbox, MultiPart, header},
    transport::smtp::authentication::Credentials,
};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use url::Url;

use super::{ConfigError, SendError, html, text};
use crate::{
    domain::report::Report,
    outside::{SecretReference, chain},
};

/// How long the server may take for one answer.
const ANSWERING: Duration = Duration::from_secs(20);

/// Stands before every subject.
const TAG: &str = "[eventlatch]";

/// `[report.email]`: where mails go.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The server, as `smtp://USER@HOST:PORT`, or `smtps://…` where it speaks TLS from the first byte.
    pub smtp: String,
    /// Who writes.
    pub from: String,
    /// Who is told.
    pub to: Vec<String>,
    /// The user's password: `"env:NAME"` or `"file:PATH"`.
    pub password: Option<SecretReference>,
    /// Whether `smtp://` is encrypted with STARTTLS. Default: `required` with a password, else `opportunistic`.
    pub tls: Option<Tls>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    Required,
    /// Where the server offers it.
    Opportunistic,
    None,
}

impl Tls {
    fn word(self) -> Option<&'static str> {
        match self {
            Self::Required => Some("required"),
            Self::Opportunistic => Some("opportunistic"),
            Self::None => None,
        }
    }
}

/// A server and who is told through it.
pub struct Email {
    transport: SmtpTransport,
    server: String,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Config {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let url = self.url()?;
        if self.password.is_some() && url.username().is_empty() {
            return Err(ConfigError::NoUser);
        }
        mailbox(&self.from)?;
        self.to.iter().try_for_each(|to| mailbox(to).map(drop))?;
        if self.to.is_empty() { Err(ConfigError::Nobody) } else { Ok(()) }
    }

    fn url(&self) -> Result<Url, ConfigError> {
        let url = Url::parse(&self.smtp).map_err(|error| ConfigError::Smtp(error.to_string()))?;
        if url.password().is_some() {
            return Err(ConfigError::PasswordInSight);
        }
        match (url.scheme(), url.host_str()) {
            ("smtp" | "smtps", Some(_)) => Ok(url),
            (scheme, _) => Err(ConfigError::Smtp(format!("`{scheme}://` is no mail server"))),
        }
    }

    /// The server's address as the library takes it, with what it is to be asked for, and without the user.
    fn server(&self) -> Result<Url, ConfigError> {
        let mut url = self.url()?;
        // Only a URL without a host takes no user, and ours has one.
        let _done = url.set_username("");
        let default = if self.password.is_some() { Tls::Required } else { Tls::Opportunistic };
        let tls = self.tls.unwrap_or(default).word().filter(|_| url.scheme() == "smtp");
        url.set_query(tls.map(|tls| format!("tls={tls}")).as_deref());
        Ok(url)
    }
}

impl Email {
    pub(super) fn new(config: &Config) -> Result<Self, ConfigError> {
        config.check()?;
        let url = config.server()?;
        let builder = SmtpTransport::from_url(url.as_str()).map_err(|error| ConfigError::Smtp(chain(&error)))?;
        let mut builder = builder.timeout(Some(ANSWERING));
        if let Some(password) = &config.password {
            builder = builder.credentials(Credentials::new(user(&config.url()?), password.read()?));
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let server = format!("{}{port}", url.host_str().unwrap_or_default());
        let to = config.to.iter().map(|to| mailbox(to)).collect::<Result<_, _>>()?;
        Ok(Self { transport: builder.build(), server, from: mailbox(&config.from)?, to })
    }

    pub(super) fn summary(&self) -> String {
        let to: Vec<_> = self.to.iter().map(|to| to.email.to_string()).collect();
        format!("mail to {} through {}", to.join(", "), self.server)
    }

    pub(super) fn send(&self, report: &Report) -> Result<(), SendError> {
        let mail = self.compose(report)?;
        match self.transport.send(&mail) {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(SendError::Reject(chain(&error))),
            Err(error) => Err(SendError::Retry(chain(&error))),
        }
    }

    fn compose(&self, report: &Report) -> Result<Message, SendError> {
        let reject = |error: &dyn std::error::Error| SendError::Reject(chain(error));
        let html = html(report).map_err(|error| reject(&error))?;
        let builder = self.to.iter().cloned().fold(Message::builder().from(self.from.clone()), |mail, to| mail.to(to));
        builder
            .subject(format!("{TAG} {}", report.subject))
            // A server that gets it twice can tell.
            .message_id(Some(format!("<{}@eventlatch>", report.id.replace('/', "."))))
            // Nobody's absence note answers it.
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(text(report), html))
            .map_err(|error| reject(&error))
    }
}

/// As it stands in a URL `a%40b` is `a@b`.
fn user(url: &Url) -> String {
    percent_decode_str(url.username()).decode_utf8_lossy().into_owned()
}

fn mailbox(address: &str) -> Result<Mailbox, ConfigError> {
    address.parse().map_err(|error: lettre::address::AddressError| ConfigError::Address {
        address: address.to_owned(),
        reason: error.to_string(),
    })
}

#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
