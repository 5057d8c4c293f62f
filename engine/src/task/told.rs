//! A mark as JSON: what the adapters tell that speak to programs. The names are a promise (docs/marking.md).

use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use crate::domain::{
    dead_letter::Sample,
    mark::{Evidence, Mark, TaskState},
    target::Target,
};

/// The same for every attempt.
#[derive(Debug, Serialize)]
pub(super) struct Told<'a> {
    mark_id: &'a str,
    sensor: &'a str,
    wait: &'a str,
    business_date: Date,
    task_id: &'a str,
    state: TaskState,
    /// Where the tasks of the wait are, where that was said.
    #[serde(skip_serializing_if = "Target::is_empty")]
    target: &'a Target,
    /// The message that it rests on. None: a deadline or a person.
    evidence: Option<Message<'a>>,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    cluster: &'a str,
    topic: &'a str,
    partition: i32,
    offset: i64,
    key: Option<Sample>,
    arrival: Timestamp,
    event_time: Option<Timestamp>,
    matcher: &'a str,
    sha256: &'a str,
    traceparent: Option<&'a str>,
}

impl<'a> Told<'a> {
    pub(super) fn of(mark: &'a Mark, mark_id: &'a str) -> Self {
        let Mark { sensor, wait, business_date, task_id, state, target, evidence, .. } = mark;
        let evidence = evidence.as_ref().map(Message::of);
        Self { mark_id, sensor, wait, business_date: *business_date, task_id, state: *state, target, evidence }
    }

    pub(super) fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl<'a> Message<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        let partition = &evidence.position.partition;
        Self {
            cluster: &partition.cluster,
            topic: &partition.topic,
            partition: partition.number,
            offset: evidence.position.offset,
            key: evidence.carried.key.clone().map(Sample),
            arrival: evidence.arrival,
            event_time: evidence.event_time,
            matcher: &evidence.matcher,
            sha256: &evidence.sha256,
            traceparent: evidence.carried.trace.as_ref().map(|trace| trace.parent.as_str()),
        }
    }
}

/// The headers that hand on the trace of the message that a mark rests on.
pub(super) fn trace(mark: &Mark) -> impl Iterator<Item = (&str, &str)> {
    let trace = mark.evidence.as_ref().and_then(|evidence| evidence.carried.trace.as_ref());
    let parent = trace.map(|trace| ("traceparent", trace.parent.as_str()));
    let state = trace.and_then(|trace| Some(("tracestate", trace.state.as_deref()?)));
    parent.into_iter().chain(state)
}
