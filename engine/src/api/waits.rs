//! `/v1/waits` and the waits of a sensor: opened, shown, waited for, cancelled.

use std::time::Duration;

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Desk, guard,
    object::Object,
    paging,
    problem::{Problem, ProblemKind},
    sensors::{self, LateWord, OnTimeoutWord, TimeoutTerm, not_a_name},
};
use crate::{
    domain::{
        terms::{self, WrongTerm},
        wait::{OpenError, WaitDetail, WaitFilter, WaitId, WaitRequest, WaitState},
    },
    pipeline::{endings::Until, handle::Handle},
};

/// A request stays open for so long at the most.
const LONGEST_POLL: u64 = 300;

const LONGEST_REASON: usize = 1_000;

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .routes(routes!(list_all))
        .routes(routes!(list))
        .routes(routes!(open))
        .routes(routes!(show))
        .routes(routes!(cancel))
}

/// A wait to be opened. What is not said is as the sensor says.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenWait {
    /// One of its own among the waits of the sensor.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// Which windows count: a date, or a time where messages are wanted hourly. Default: those of now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub business_date: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = TimeoutTerm, required = false)]
    pub timeout: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = OnTimeoutWord, required = false)]
    pub on_timeout: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = LateWord, required = false)]
    pub late: Option<Value>,
    /// Where its tasks are outside: laid over the sensor's, key by key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub target: Option<Value>,
}

/// Which waits are meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wished {
    state: Option<WaitState>,
    /// Older than this one: `next_before` of the page before.
    #[param(value_type = Option<i64>)]
    before: Option<WaitId>,
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// The newest waits, older than one.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WaitPage {
    pub waits: Vec<WaitDetail>,
    /// What to give as `before` for the next page. None: this was the last one.
    pub next_before: Option<WaitId>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Patience {
    /// Answer when the wait has ended, or after so many seconds. Default 0: at once.
    #[param(maximum = 300)]
    wait_until_ended: Option<u64>,
    /// Answer when the wait has ended and nothing of it is to be told to the outside any more, or after so many seconds.
    #[param(maximum = 300)]
    wait_until_settled: Option<u64>,
}

impl Patience {
    /// What is waited for, and for how long at the most. None: nothing is.
    fn until(&self) -> Result<Option<(Until, Duration)>, Problem> {
        let (name, until, seconds) = match (self.wait_until_ended, self.wait_until_settled) {
            (seconds, None) => ("wait_until_ended", Until::Ended, seconds.unwrap_or(0)),
            (None, Some(seconds)) => ("wait_until_settled", Until::Settled, seconds),
            (Some(_), Some(_)) => {
                let detail = "`wait_until_ended` and `wait_until_settled` exclude each other";
                return Err(Problem::new(ProblemKind::BadRequest, detail));
            }
        };
        match seconds {
            0 => Ok(None),
            1..=LONGEST_POLL => Ok(Some((until, Duration::from_secs(seconds)))),
            _ => {
                let detail = format!("`{name}` is {seconds}: it must be 0 to {LONGEST_POLL}");
                Err(Problem::new(ProblemKind::BadRequest, detail))
            }
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Reason {
    /// Why, for the audit.
    #[param(max_length = 1000)]
    pub(super) reason: Option<String>,
}

impl Reason {
    pub(super) fn checked(self) -> Result<Option<String>, Problem> {
        checked_reason(self.reason)
    }
}

pub(super) fn checked_reason(reason: Option<String>) -> Result<Option<String>, Problem> {
    match reason.as_ref().is_some_and(|reason| reason.chars().count() > LONGEST_REASON) {
        true => Err(Problem::new(ProblemKind::BadRequest, format!("`reason` has {LONGEST_REASON} characters at most"))),
        false => Ok(reason),
    }
}

type Name = Result<Path<String>, PathRejection>;
type Names = Result<Path<(String, String)>, PathRejection>;

/// Lists the waits of all sensors, the newest first.
#[utoipa::path(get, path = "/waits", tag = "waits", params(Wished), responses((status = 200, body = WaitPage)))]
async fn list_all(
    State(handle): State<Handle>,
    wished: Result<Query<Wished>, QueryRejection>,
) -> Result<Json<WaitPage>, Problem> {
    page(&handle, None, wished?.0).await
}

/// Lists the waits of a sensor, the newest first.
#[utoipa::path(get, path = "/sensors/{name}/waits", tag = "waits", params(("name" = String, Path), Wished), responses(
    (status = 200, body = WaitPage),
    (status = 404, description = "no-such-sensor"),
))]
async fn list(
    State(handle): State<Handle>,
    name: Name,
    wished: Result<Query<Wished>, QueryRejection>,
) -> Result<Json<WaitPage>, Problem> {
    let (Path(name), Query(wished)) = (name?, wished?);
    if handle.sensor(&name).await?.is_none() {
        return Err(sensors::missing(&name));
    }
    page(&handle, Some(name), wished).await
}

async fn page(handle: &Handle, sensor: Option<String>, wished: Wished) -> Result<Json<WaitPage>, Problem> {
    let Wished { state, before, limit } = wished;
    let limit = paging::limit(limit)?;
    let waits = handle.waits(WaitFilter { sensor, state }, before, limit).await?;
    let next_before = waits.last().map(|last| last.id).filter(|_| waits.len() == limit);
    Ok(Json(WaitPage { waits, next_before }))
}

/// Opens a wait. What its windows hold already counts, so that it may be complete at once.
#[utoipa::path(post, path = "/sensors/{name}/waits", tag = "waits", params(("name" = String, Path)),
    request_body = OpenWait,
    responses(
        (status = 201, body = WaitDetail),
        (status = 404, description = "no-such-sensor"),
        (status = 409, description = "wait-exists, or sensor-paused"),
        (status = 422, description = "invalid-wait"),
    ))]
async fn open(
    State(handle): State<Handle>,
    name: Name,
    request: Result<Json<Object<OpenWait>>, JsonRejection>,
) -> Result<(StatusCode, Json<WaitDetail>), Problem> {
    let (Path(sensor), Json(Object(request))) = (name?, request?);
    let opened = handle.open_wait(wait_request(sensor, request)?).await?;
    Ok((StatusCode::CREATED, Json(opened?)))
}

fn wait_request(sensor: String, request: OpenWait) -> Result<WaitRequest, Problem> {
    let OpenWait { name, business_date, timeout, on_timeout, late, target } = request;
    if let Some(problem) = not_a_name(&name) {
        return Err(Problem::new(ProblemKind::InvalidWait, format!("the name of a wait {problem}")));
    }
    let date = business_date.map(|date| date.parse()).transpose();
    Ok(WaitRequest {
        sensor,
        name,
        business_date: date.map_err(|error| Problem::of(ProblemKind::InvalidWait, &error))?,
        timeout: timeout.as_ref().map(terms::timeout).transpose()?,
        on_timeout: on_timeout.as_ref().map(terms::on_timeout).transpose()?,
        late: late.as_ref().map(terms::late).transpose()?,
        target: target.as_ref().map(terms::target).transpose()?.unwrap_or_default(),
    })
}

/// Shows a wait: now, or when it has ended, or is settled.
#[utoipa::path(get, path = "/sensors/{name}/waits/{wait}", tag = "waits",
    params(("name" = String, Path), ("wait" = String, Path), Patience),
    responses(
        (status = 200, body = WaitDetail),
        (status = 404, description = "no-such-wait"),
    ))]
async fn show(
    State(desk): State<Desk>,
    names: Names,
    patience: Result<Query<Patience>, QueryRejection>,
) -> Result<Json<WaitDetail>, Problem> {
    let (Path((sensor, name)), Query(patience)) = (names?, patience?);
    let wait = match patience.until()? {
        None => desk.handle.wait(&sensor, &name).await?,
        Some((until, patience)) => {
            let _patient = desk.patient()?;
            desk.handle.wait_until(until, &sensor, &name, patience, desk.stopped.clone()).await?
        }
    };
    wait.map(Json).ok_or_else(|| missing(&sensor, &name))
}

/// Cancels a wait: nobody waits any more, and its pending tasks are told nothing. One that has ended stays as it is.
#[utoipa::path(delete, path = "/sensors/{name}/waits/{wait}", tag = "waits",
    params(("name" = String, Path), ("wait" = String, Path), Reason),
    responses(
        (status = 200, body = WaitDetail),
        (status = 404, description = "no-such-wait"),
    ))]
async fn cancel(
    State(handle): State<Handle>,
    headers: HeaderMap,
    names: Names,
    reason: Result<Query<Reason>, QueryRejection>,
) -> Result<Json<WaitDetail>, Problem> {
    let (Path((sensor, name)), reason) = (names?, reason?.0.checked()?);
    let was = handle.cancel_wait(sensor.clone(), name.clone(), guard::actor(&headers), reason).await?;
    was.ok_or_else(|| missing(&sensor, &name))?;
    handle.wait(&sensor, &name).await?.map(Json).ok_or_else(|| missing(&sensor, &name))
}

fn missing(sensor: &str, wait: &str) -> Problem {
    Problem::new(ProblemKind::NoSuchWait, format!("the sensor `{sensor}` has no wait `{wait}`"))
}

impl Desk {
    /// A place among those who wait for something to happen.
    pub(super) fn patient(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Problem> {
        self.patient.clone().try_acquire_owned().map_err(|_| {
            let detail = "too many requests wait for something to happen; ask again in a moment";
            Problem::new(ProblemKind::Busy, detail).retry_after(Duration::from_secs(1))
        })
    }
}

impl From<WrongTerm> for Problem {
    fn from(error: WrongTerm) -> Self {
        Self::of(ProblemKind::InvalidWait, &error)
    }
}

impl From<OpenError> for Problem {
    fn from(error: OpenError) -> Self {
        let kind = match &error {
            OpenError::NoSuchSensor(_) => ProblemKind::NoSuchSensor,
            OpenError::Taken { .. } => ProblemKind::WaitExists,
            OpenError::Paused(_) => ProblemKind::SensorPaused,
            OpenError::HourNeeded(_) | OpenError::NeverEnds(_) | OpenError::Target(_) => ProblemKind::InvalidWait,
        };
        Self::of(kind, &error)
    }
}
