//! `/v1/changes`: what changes, as server-sent events.
//!
//! Each event has an id. Who was away gives the last one that came, in `Last-Event-ID` or as `after`, and hears what was
//! told since; where that is not remembered, the first event is `lagged`: then whoever follows looks at everything anew.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, broadcast, broadcast::error::RecvError, watch};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Desk,
    problem::{Problem, ProblemKind},
};
use crate::{
    domain::change::{Change, ChangeId, ToldChange},
    pipeline::Stop,
};

/// So often a comment is sent where nothing else is, so that everybody between knows that somebody is there.
const HEARTBEAT: Duration = Duration::from_secs(15);

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new().routes(routes!(follow))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wished {
    /// Only what concerns this sensor.
    sensor: Option<String>,
    /// The id of the last event that came. `Last-Event-ID` says the same.
    after: Option<String>,
}

/// The data of an event.
#[derive(Debug, Serialize, ToSchema)]
struct Told<'a> {
    /// When it was told.
    #[schema(value_type = String, format = DateTime)]
    at: jiff::Timestamp,
    #[serde(flatten)]
    change: &'a Change,
}

/// Somebody who follows.
struct Follower {
    sensor: Option<String>,
    missed: bool,
    earlier: VecDeque<Arc<ToldChange>>,
    from_now: broadcast::Receiver<Arc<ToldChange>>,
    stopped: watch::Receiver<Stop>,
    _patient: OwnedSemaphorePermit,
}

/// Follows what changes. The name of an event is the `kind` of its data; `lagged` says that changes were missed.
#[utoipa::path(get, path = "/changes", tag = "changes",
    params(Wished, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that came.")),
    responses((status = 200, description = "The events, until somebody hangs up.", body = Told, content_type = "text/event-stream")))]
async fn follow(
    State(desk): State<Desk>,
    headers: HeaderMap,
    wished: Result<Query<Wished>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let Query(Wished { sensor, after }) = wished?;
    let header = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let after: Option<ChangeId> = match header.or(after) {
        Some(id) => Some(id.parse().map_err(|error| Problem::of(ProblemKind::BadRequest, &error))?),
        None => None,
    };
    let listening = desk.handle.changes(after);
    let follower = Follower {
        sensor,
        missed: listening.missed,
        earlier: listening.earlier.into(),
        from_now: listening.from_now,
        stopped: desk.stopped.clone(),
        _patient: desk.patient()?,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

impl Follower {
    /// None: the service stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if std::mem::take(&mut self.missed) {
                return Some(Event::default().event("lagged").data("{}"));
            }
            let told = match self.earlier.pop_front() {
                Some(told) => told,
                None => tokio::select! {
                    told = self.from_now.recv() => match told {
                        Ok(told) => told,
                        Err(RecvError::Lagged(_)) => {
                            self.missed = true;
                            continue;
                        }
                        Err(RecvError::Closed) => return None,
                    },
                    _ = self.stopped.wait_for(|stop| *stop != Stop::Not) => return None,
                },
            };
            let is_meant = self.sensor.is_none() || told.change.sensor() == self.sensor.as_deref();
            if let Some(event) = is_meant.then(|| event(&told)) {
                return Some(event);
            }
        }
    }
}

fn event(told: &ToldChange) -> Event {
    let data = Told { at: told.at, change: &told.change };
    let event = Event::default().id(told.id.to_string()).event(told.change.word());
    // An error: a text that JSON cannot hold, which there is none of.
    event.json_data(data).unwrap_or_default()
}
