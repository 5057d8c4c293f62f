//! Problem documents: every error that the API answers with.

use std::error::Error;

use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::{HeaderValue, Method, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

/// What kind of problem. The names are a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProblemKind {
    /// The request makes no sense.
    #[serde(rename = "urn:eventlatch:problem:bad-request")]
    BadRequest,
    /// It lacks the token, or has a wrong one.
    #[serde(rename = "urn:eventlatch:problem:unauthorized")]
    Unauthorized,
    /// It calls the API by a foreign name, and there is no token that would vouch for it.
    #[serde(rename = "urn:eventlatch:problem:forbidden")]
    Forbidden,
    /// There is no such path.
    #[serde(rename = "urn:eventlatch:problem:not-found")]
    NotFound,
    /// The path is right, and what it names is not there.
    #[serde(rename = "urn:eventlatch:problem:no-such-sensor")]
    NoSuchSensor,
    #[serde(rename = "urn:eventlatch:problem:no-such-wait")]
    NoSuchWait,
    #[serde(rename = "urn:eventlatch:problem:no-such-task")]
    NoSuchTask,
    #[serde(rename = "urn:eventlatch:problem:no-such-dead-letter")]
    NoSuchDeadLetter,
    #[serde(rename = "urn:eventlatch:problem:no-such-matcher")]
    NoSuchMatcher,
    /// No such build is kept, or more than one could be meant.
    #[serde(rename = "urn:eventlatch:problem:no-such-build")]
    NoSuchBuild,
    /// The build does not take what is wanted of it.
    #[serde(rename = "urn:eventlatch:problem:matcher-refused")]
    MatcherRefused,
    #[serde(rename = "urn:eventlatch:problem:method-not-allowed")]
    MethodNotAllowed,
    /// The messages do not come from Kafka and cannot be read again.
    #[serde(rename = "urn:eventlatch:problem:no-kafka")]
    NoKafka,
    #[serde(rename = "urn:eventlatch:problem:too-large")]
    TooLarge,
    #[serde(rename = "urn:eventlatch:problem:not-json")]
    NotJson,
    /// A defect; the log says more.
    #[serde(rename = "urn:eventlatch:problem:internal")]
    Internal,
    #[serde(rename = "urn:eventlatch:problem:store-unavailable")]
    StoreUnavailable,
    #[serde(rename = "urn:eventlatch:problem:kafka-unreachable")]
    KafkaUnreachable,
}

impl ProblemKind {
    fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NoSuchSensor | Self::NoSuchWait | Self::NoSuchTask => StatusCode::NOT_FOUND,
            Self::NotFound | Self::NoSuchDeadLetter | Self::NoSuchMatcher | Self::NoSuchBuild => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoKafka | Self::MatcherRefused => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::StoreUnavailable | Self::KafkaUnreachable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "the request makes no sense",
            Self::Unauthorized => "a token is needed",
            Self::Forbidden => "not by this name",
            Self::NotFound => "there is no such path",
            Self::NoSuchSensor => "there is no such sensor",
            Self::NoSuchWait => "there is no such wait",
            Self::NoSuchTask => "there is no such task",
            Self::NoSuchDeadLetter => "there is no such dead letter",
            Self::NoSuchMatcher => "there is no such matcher",
            Self::NoSuchBuild => "there is no such build of the matcher",
            Self::MatcherRefused => "the matcher cannot serve",
            Self::MethodNotAllowed => "the path does not take this method",
            Self::NoKafka => "the messages do not come from Kafka",
            Self::TooLarge => "the request is too large",
            Self::NotJson => "the body must be JSON",
            Self::Internal => "a defect",
            Self::StoreUnavailable => "the store does not answer",
            Self::KafkaUnreachable => "Kafka does not answer",
        }
    }
}

/// A problem document (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: ProblemKind,
    pub title: String,
    pub status: u16,
    pub detail: String,
}

impl Problem {
    pub(super) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self { kind, title: kind.title().to_owned(), status: kind.status().as_u16(), detail: detail.into() }
    }

    /// With the whole chain of causes: who asks may not see the log.
    pub(super) fn of(kind: ProblemKind, error: &dyn Error) -> Self {
        let (mut detail, mut cause) = (error.to_string(), error.source());
        while let Some(error) = cause {
            detail += &format!(": {error}");
            cause = error.source();
        }
        if kind.status().is_server_error() {
            tracing::error!(problem = detail, "A request could not be answered");
        }
        Self::new(kind, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.kind.status(), Json(self)).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(ProblemKind::BadRequest, rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(ProblemKind::BadRequest, rejection.body_text())
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let kind = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ProblemKind::NotJson,
            _ => ProblemKind::BadRequest,
        };
        Self::new(kind, rejection.body_text())
    }
}

pub(super) async fn no_such_path(uri: Uri) -> Problem {
    Problem::new(ProblemKind::NotFound, format!("there is no {}", uri.path()))
}

pub(super) async fn no_such_method(method: Method, uri: Uri) -> Problem {
    Problem::new(ProblemKind::MethodNotAllowed, format!("{} does not take {method}", uri.path()))
}
