//! The span of one attempt to deliver a mark.

use std::borrow::Cow;

use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, SpanKind, Status},
};
use opentelemetry_sdk::trace::Span;

use super::{
    Spans,
    context::{handed_on, remote, under},
    spans,
};
use crate::domain::mark::Mark;

/// An attempt under way. None where nobody wants spans.
pub struct MarkSpan(Option<Span>);

impl MarkSpan {
    /// Begins an attempt. The answer is the mark as it is to be handed out: it names this span where there is one, so that
    /// whoever is told continues it.
    pub fn begin<'a>(adapter: &'static str, mark: &'a Mark) -> (Self, Cow<'a, Mark>) {
        let Some(spans) = spans() else { return (Self(None), Cow::Borrowed(mark)) };
        let span = begin(&spans, adapter, mark);
        let mark = naming(mark, &span);
        (Self(Some(span)), mark)
    }

    /// Ends it: with the word and the reason of what it failed with, if it did.
    pub fn end(self, failed: Option<(&'static str, &str)>) {
        let Some(mut span) = self.0 else { return };
        span.set_attribute(KeyValue::new("eventlatch.outcome", failed.map_or("delivered", |(word, _)| word)));
        if let Some((_, reason)) = failed {
            span.set_status(Status::error(reason.to_owned()));
        }
        span.end();
    }
}

fn begin(spans: &Spans, adapter: &'static str, mark: &Mark) -> Span {
    let trace = mark.evidence.as_ref().and_then(|evidence| evidence.carried.trace.as_ref());
    let parent = trace.and_then(remote).map_or_else(Context::new, under);
    let mut attributes = vec![
        KeyValue::new("eventlatch.adapter", adapter),
        KeyValue::new("eventlatch.mark", mark.id.0),
        KeyValue::new("eventlatch.sensor", mark.sensor.clone()),
        KeyValue::new("eventlatch.wait", mark.wait.clone()),
        KeyValue::new("eventlatch.task", mark.task_id.clone()),
        KeyValue::new("eventlatch.state", mark.state.word()),
        KeyValue::new("eventlatch.attempt", i64::from(mark.attempts) + 1),
    ];
    if let Some(evidence) = &mark.evidence {
        let partition = &evidence.position.partition;
        attributes.extend([
            KeyValue::new("messaging.destination.name", partition.topic.to_string()),
            KeyValue::new("messaging.destination.partition.id", partition.number.to_string()),
            KeyValue::new("messaging.kafka.offset", evidence.position.offset),
        ]);
    }
    spans.begin(format!("mark {adapter}"), SpanKind::Client, &parent).start(attributes)
}

fn naming<'a>(mark: &'a Mark, span: &Span) -> Cow<'a, Mark> {
    let mut named = Cow::Borrowed(mark);
    let context = span.span_context();
    if let (true, Some(trace), Some(_)) = (context.is_sampled(), handed_on(context), &mark.evidence)
        && let Some(evidence) = &mut named.to_mut().evidence
    {
        evidence.carried.trace = Some(trace);
    }
    named
}
