//! `/v1/sensors`: sensors that programs define, and all that there are.

mod definition;

use axum::{
    Json,
    extract::{
        DefaultBodyLimit, Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::StatusCode,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use definition::Definition as DefinitionSchema;
pub(super) use definition::{LateWord, OnTimeoutWord, TimeoutTerm};

use super::{
    Desk, paging,
    problem::{Problem, ProblemKind},
    status::Wished,
};
use crate::{
    domain::{
        definition::{self as definitions, Definition, Place, Problem as Wrong, written},
        sensor::StoredSensor,
    },
    pipeline::{
        defining::{DefineError, Defined},
        handle::Handle,
    },
};

/// Of many sensors at once so many bytes.
const MANY: usize = 32 << 20;

/// A sensor's name is part of addresses, and of what people see.
const LONGEST_NAME: usize = 200;

pub(super) fn routes() -> OpenApiRouter<Desk> {
    let many = OpenApiRouter::new().routes(routes!(put_many)).layer(DefaultBodyLimit::max(MANY));
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(put))
        .routes(routes!(retire))
        .merge(many)
}

/// Sensors, by name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SensorPage {
    pub sensors: Vec<SensorAnswer>,
    /// What to give as `after` for the next page. None: this was the last one.
    pub next_after: Option<String>,
}

/// A sensor as it is defined.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SensorAnswer {
    pub name: String,
    /// `api`, or `file:NAME`: only there it can be changed.
    pub owner: String,
    /// A paused one awaits messages, and none of its waits ends.
    pub paused: bool,
    /// When it was registered, or came back.
    #[schema(value_type = String, format = DateTime)]
    pub active_since: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Everything named, also what was said by default.
    #[schema(value_type = DefinitionSchema)]
    pub definition: Value,
}

impl From<StoredSensor> for SensorAnswer {
    fn from(stored: StoredSensor) -> Self {
        Self {
            definition: written(&stored.sensor),
            name: stored.sensor.name,
            owner: stored.owner.to_string(),
            paused: stored.paused,
            active_since: stored.active_since,
            updated_at: stored.updated_at,
        }
    }
}

/// Many sensors at once.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sensors {
    #[schema(value_type = Vec<DefinitionSchema>)]
    pub sensors: Vec<Value>,
}

/// What a change of sensors came to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DefinedSensors {
    pub added: usize,
    pub changed: usize,
    pub unchanged: usize,
}

impl From<Defined> for DefinedSensors {
    fn from(Defined { added, changed, unchanged }: Defined) -> Self {
        Self { added, changed, unchanged }
    }
}

type Name = Result<Path<String>, PathRejection>;

/// Lists sensors by name, those of files too.
#[utoipa::path(get, path = "/sensors", tag = "sensors", params(Wished), responses((status = 200, body = SensorPage)))]
async fn list(
    State(handle): State<Handle>,
    wished: Result<Query<Wished>, QueryRejection>,
) -> Result<Json<SensorPage>, Problem> {
    let Query(Wished { after, limit }) = wished?;
    let limit = paging::limit(limit)?;
    let sensors = handle.sensors(after, limit).await?;
    let next_after = sensors.last().map(|last| last.sensor.name.clone()).filter(|_| sensors.len() == limit);
    Ok(Json(SensorPage { sensors: sensors.into_iter().map(SensorAnswer::from).collect(), next_after }))
}

/// Shows a sensor.
#[utoipa::path(get, path = "/sensors/{name}", tag = "sensors", params(("name" = String, Path)), responses(
    (status = 200, body = SensorAnswer),
    (status = 404, description = "no-such-sensor"),
))]
async fn show(State(handle): State<Handle>, name: Name) -> Result<Json<SensorAnswer>, Problem> {
    let Path(name) = name?;
    let sensor = handle.sensor(&name).await?;
    sensor.map(|sensor| Json(sensor.into())).ok_or_else(|| missing(&name))
}

/// Defines a sensor, or redefines it. When it answers, what the sensor wants is awaited.
#[utoipa::path(put, path = "/sensors/{name}", tag = "sensors",
    params(("name" = String, Path, max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")),
    request_body = DefinitionSchema,
    responses(
        (status = 200, body = DefinedSensors),
        (status = 409, description = "foreign-sensor: it belongs to a file"),
        (status = 422, description = "invalid-sensor: `problems` says what is wrong where"),
    ))]
async fn put(
    State(handle): State<Handle>,
    name: Name,
    request: Result<Json<Value>, JsonRejection>,
) -> Result<Json<DefinedSensors>, Problem> {
    let (Path(name), Json(request)) = (name?, request?);
    let definition = Definition::of_request("", request, Some(name.clone())).map_err(|problem| invalid(&[problem]))?;
    if definition.name != name {
        let message = format!("the definition is of `{}`, the path says `{name}`", definition.name);
        let problem = definition.problem(&Place::Pointer("/name".to_owned()), message);
        return Err(invalid(&[problem]));
    }
    define(handle, vec![definition]).await
}

/// Defines or redefines many sensors: all of them, or, where something is wrong with one, none.
#[utoipa::path(put, path = "/sensors", tag = "sensors", request_body = Sensors, responses(
    (status = 200, body = DefinedSensors),
    (status = 409, description = "foreign-sensor: one belongs to a file"),
    (status = 422, description = "invalid-sensor: `problems` says what is wrong where"),
))]
async fn put_many(
    State(handle): State<Handle>,
    request: Result<Json<Sensors>, JsonRejection>,
) -> Result<Json<DefinedSensors>, Problem> {
    let Json(Sensors { sensors }) = request?;
    let (mut all, mut problems) = (Vec::with_capacity(sensors.len()), Vec::new());
    for (number, sensor) in sensors.into_iter().enumerate() {
        match Definition::of_request(&format!("/sensors/{number}"), sensor, None) {
            Ok(definition) => all.push(definition),
            Err(problem) => problems.push(problem),
        }
    }
    problems.extend(same_names(&all));
    if problems.is_empty() { define(handle, all).await } else { Err(invalid(&problems)) }
}

async fn define(handle: Handle, definitions: Vec<Definition>) -> Result<Json<DefinedSensors>, Problem> {
    let wrong: Vec<_> = definitions.iter().filter_map(wrong_name).collect();
    if !wrong.is_empty() {
        return Err(invalid(&wrong));
    }
    Ok(Json(handle.define(definitions).await?.into()))
}

fn same_names(all: &[Definition]) -> Vec<Wrong> {
    let mut names = std::collections::HashSet::new();
    let again = all.iter().filter(|it| !names.insert(it.name.as_str()));
    again.map(|it| it.problem(&it.place, format!("the sensor `{}` is there twice", it.name))).collect()
}

fn wrong_name(definition: &Definition) -> Option<Wrong> {
    let problem = not_a_name(&definition.name)?;
    Some(definition.problem(&definition.place, format!("the name of a sensor {problem}")))
}

/// What is wrong with a name that is part of an address.
pub(super) fn not_a_name(name: &str) -> Option<String> {
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        Some(format!("has 1 to {LONGEST_NAME} characters"))
    } else if name.chars().any(char::is_control) {
        Some("has no control characters".to_owned())
    } else if name == "." || name == ".." {
        Some("is not `.` or `..`, which addresses take for something else".to_owned())
    } else {
        None
    }
}

/// Retires a sensor: it keeps its history, and has it again if it is defined again.
#[utoipa::path(delete, path = "/sensors/{name}", tag = "sensors", params(("name" = String, Path)), responses(
    (status = 204, description = "retired"),
    (status = 404, description = "no-such-sensor"),
    (status = 409, description = "foreign-sensor: it belongs to a file"),
))]
async fn retire(State(handle): State<Handle>, name: Name) -> Result<StatusCode, Problem> {
    let Path(name) = name?;
    handle.retire(name).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn missing(name: &str) -> Problem {
    Problem::new(ProblemKind::NoSuchSensor, format!("there is no sensor `{name}`"))
}

fn invalid(problems: &[definitions::Problem]) -> Problem {
    Problem::of_definitions(problems)
}

impl From<DefineError> for Problem {
    fn from(error: DefineError) -> Self {
        let kind = match &error {
            DefineError::Problems(problems) => return invalid(problems),
            DefineError::Foreign { .. } => ProblemKind::ForeignSensor,
            DefineError::NoSuchSensor(_) => ProblemKind::NoSuchSensor,
            DefineError::Change(_) | DefineError::Store(_) | DefineError::Stopping => ProblemKind::StoreUnavailable,
        };
        Self::of(kind, &error)
    }
}
