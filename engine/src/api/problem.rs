//! Problem documents: every error that the API answers with.

use std::{error::Error, time::Duration};

use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    http::{
        HeaderValue, Method, StatusCode, Uri,
        header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use crate::domain::definition::{self, Place};

/// What kind of problem. The names are a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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
    #[serde(rename = "urn:eventlatch:problem:no-such-dead-letter")]
    NoSuchDeadLetter,
    #[serde(rename = "urn:eventlatch:problem:no-such-sensor")]
    NoSuchSensor,
    #[serde(rename = "urn:eventlatch:problem:no-such-wait")]
    NoSuchWait,
    #[serde(rename = "urn:eventlatch:problem:no-such-task")]
    NoSuchTask,
    #[serde(rename = "urn:eventlatch:problem:no-such-matcher")]
    NoSuchMatcher,
    /// No build judges beside the one that serves.
    #[serde(rename = "urn:eventlatch:problem:no-such-candidate")]
    NoSuchCandidate,
    /// It has not exceeded its budget.
    #[serde(rename = "urn:eventlatch:problem:not-over-budget")]
    NotOverBudget,
    #[serde(rename = "urn:eventlatch:problem:not-wasm")]
    NotWasm,
    /// No such build is kept, or more than one could be meant.
    #[serde(rename = "urn:eventlatch:problem:no-such-build")]
    NoSuchBuild,
    #[serde(rename = "urn:eventlatch:problem:no-such-partition")]
    NoSuchPartition,
    /// The partition does not stand still.
    #[serde(rename = "urn:eventlatch:problem:not-frozen")]
    NotFrozen,
    /// The build does not take what is wanted of it.
    #[serde(rename = "urn:eventlatch:problem:matcher-refused")]
    MatcherRefused,
    /// It belongs to a file.
    #[serde(rename = "urn:eventlatch:problem:foreign-sensor")]
    ForeignSensor,
    /// The definition makes no sense; `problems` says why.
    #[serde(rename = "urn:eventlatch:problem:invalid-sensor")]
    InvalidSensor,
    #[serde(rename = "urn:eventlatch:problem:sensor-paused")]
    SensorPaused,
    /// The sensor has a wait of that name already.
    #[serde(rename = "urn:eventlatch:problem:wait-exists")]
    WaitExists,
    #[serde(rename = "urn:eventlatch:problem:wait-cancelled")]
    WaitCancelled,
    /// What is said of the wait makes no sense.
    #[serde(rename = "urn:eventlatch:problem:invalid-wait")]
    InvalidWait,
    #[serde(rename = "urn:eventlatch:problem:method-not-allowed")]
    MethodNotAllowed,
    /// The messages do not come from Kafka and cannot be read again.
    #[serde(rename = "urn:eventlatch:problem:no-kafka")]
    NoKafka,
    #[serde(rename = "urn:eventlatch:problem:too-large")]
    TooLarge,
    #[serde(rename = "urn:eventlatch:problem:not-json")]
    NotJson,
    /// More than are allowed in a second.
    #[serde(rename = "urn:eventlatch:problem:too-many-requests")]
    TooManyRequests,
    /// Too many wait for something to happen.
    #[serde(rename = "urn:eventlatch:problem:busy")]
    Busy,
    #[serde(rename = "urn:eventlatch:problem:timed-out")]
    TimedOut,
    /// A defect; the log says more.
    #[serde(rename = "urn:eventlatch:problem:internal")]
    Internal,
    #[serde(rename = "urn:eventlatch:problem:store-unavailable")]
    StoreUnavailable,
    #[serde(rename = "urn:eventlatch:problem:kafka-unreachable")]
    KafkaUnreachable,
}

impl ProblemKind {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound
            | Self::NoSuchDeadLetter
            | Self::NoSuchMatcher
            | Self::NoSuchBuild
            | Self::NoSuchCandidate
            | Self::NoSuchPartition
            | Self::NoSuchSensor
            | Self::NoSuchWait
            | Self::NoSuchTask => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoKafka
            | Self::NotFrozen
            | Self::MatcherRefused
            | Self::NotOverBudget
            | Self::ForeignSensor
            | Self::SensorPaused
            | Self::WaitExists
            | Self::WaitCancelled => StatusCode::CONFLICT,
            Self::InvalidSensor | Self::InvalidWait => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson | Self::NotWasm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::StoreUnavailable | Self::KafkaUnreachable | Self::Busy | Self::TimedOut => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "the request makes no sense",
            Self::Unauthorized => "a token is needed",
            Self::Forbidden => "not by this name",
            Self::NotFound => "there is no such path",
            Self::NoSuchDeadLetter => "there is no such dead letter",
            Self::NoSuchSensor => "there is no such sensor",
            Self::NoSuchWait => "there is no such wait",
            Self::NoSuchTask => "there is no such task",
            Self::ForeignSensor => "the sensor belongs to somebody else",
            Self::InvalidSensor => "the sensor makes no sense",
            Self::SensorPaused => "the sensor is paused",
            Self::WaitExists => "there is such a wait already",
            Self::WaitCancelled => "the wait is cancelled",
            Self::InvalidWait => "the wait makes no sense",
            Self::TooManyRequests => "too many requests",
            Self::Busy => "too many wait already",
            Self::TimedOut => "the answer took too long",
            Self::NoSuchMatcher => "there is no such matcher",
            Self::NoSuchBuild => "there is no such build of the matcher",
            Self::NoSuchCandidate => "the matcher has no candidate",
            Self::NotOverBudget => "the matcher keeps to its budget",
            Self::NotWasm => "the body must be a WebAssembly file",
            Self::NoSuchPartition => "nothing is stored of such a partition",
            Self::NotFrozen => "the partition is not frozen",
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: ProblemKind,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// Of `invalid-sensor`: all that is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<DefinitionProblem>,
    #[serde(skip)]
    pub(super) retry_after: Option<Duration>,
}

/// One thing that is wrong with the definition of a sensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DefinitionProblem {
    /// A JSON pointer into the request.
    pub place: String,
    pub message: String,
}

impl Problem {
    pub(super) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let (title, status) = (kind.title().to_owned(), kind.status().as_u16());
        Self { kind, title, status, detail: detail.into(), problems: Vec::new(), retry_after: None }
    }

    /// What is wrong with definitions.
    pub(super) fn of_definitions(problems: &[definition::Problem]) -> Self {
        let detail = problems.first().map(ToString::to_string).unwrap_or_default();
        let problems = problems.iter().map(|problem| DefinitionProblem {
            place: match &problem.place {
                Some(Place::Pointer(pointer)) => pointer.clone(),
                _ => String::new(),
            },
            message: problem.message.clone(),
        });
        Self { problems: problems.collect(), ..Self::new(ProblemKind::InvalidSensor, detail) }
    }

    /// When it is worth asking again.
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
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
        let kind = self.kind;
        let retry_after = self.retry_after.map(|wait| wait.as_secs().max(1));
        let mut response = (self.kind.status(), Json(self)).into_response();
        if kind == ProblemKind::Unauthorized {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
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
