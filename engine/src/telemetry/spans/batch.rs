//! The spans of a batch of one topic: one of the batch, and one of each message that matched, was refused as malformed, or
//! made its matcher fail.

use std::{collections::BTreeMap, time::SystemTime};

use bytes::Bytes;
use opentelemetry::{
    KeyValue,
    trace::{Link, Span as _, SpanContext, SpanKind, Status},
};
use opentelemetry_sdk::trace::Span;

use super::{
    Spans,
    context::{handed_on, remote, under},
    spans,
};
use crate::domain::{
    dead_letter::DeadLetter,
    message::{Message, Slice},
    recording::{Recorded, Recording},
    trace::TraceContext,
};

/// Spans of what was judged and is not recorded yet. None where nobody wants any.
#[derive(Default)]
pub struct BatchSpans(Option<Begun>);

struct Begun {
    batch: Span,
    /// The spans of the messages of each slice.
    messages: Vec<Vec<Span>>,
}

/// What became of a message.
#[derive(Clone, Copy)]
enum Found<'a> {
    Matched,
    SetAside(&'a DeadLetter),
}

impl BatchSpans {
    /// Begins them as of the moment when the batch was handed over. The matches carry on the spans of their messages, so
    /// that marks continue them.
    pub fn begin(slices: &[Slice], recordings: &mut [Recording], handed_over: SystemTime) -> Self {
        let Some((spans, first)) = spans().zip(slices.first()) else { return Self::default() };
        let topic = first.partition.topic.to_string();
        let beginning = spans.begin(format!("process {topic}"), SpanKind::Consumer, &opentelemetry::Context::new());
        let batch = beginning.with(|span| span.with_start_time(handed_over)).start(of_batch(&spans, &topic, slices));
        let beginning = Beginning { spans: &spans, batch: batch.span_context(), at: handed_over };
        let each = slices.iter().zip(recordings);
        let messages = each.map(|(slice, recording)| beginning.messages(slice, recording)).collect();
        Self(Some(Begun { batch, messages }))
    }

    /// Ends them with what became of the slices.
    pub fn end(self, outcomes: &[Recorded]) {
        let Some(Begun { mut batch, messages }) = self.0 else { return };
        let mut recorded = 0;
        for (spans, outcome) in messages.into_iter().zip(outcomes) {
            match outcome {
                Recorded::Stored => recorded += 1,
                Recorded::Superseded { .. } => batch.set_status(Status::error("a partition is read again")),
            }
            for mut span in spans {
                if *outcome != Recorded::Stored {
                    span.set_status(Status::error("not recorded: its partition is read again"));
                }
                span.end();
            }
        }
        batch.set_attribute(KeyValue::new("eventlatch.slices.recorded", recorded));
        batch.end();
    }
}

/// What the spans of a batch's messages have in common.
struct Beginning<'a> {
    spans: &'a Spans,
    batch: &'a SpanContext,
    at: SystemTime,
}

impl Beginning<'_> {
    fn messages(&self, slice: &Slice, recording: &mut Recording) -> Vec<Span> {
        let mut spans = BTreeMap::new();
        for (offset, found) in found(recording) {
            if let Ok(at) = slice.messages.binary_search_by_key(&offset, |message| message.offset) {
                spans.insert(offset, self.message(slice, &slice.messages[at], found));
            }
        }
        for found in &mut recording.matches {
            let context = spans.get(&found.sighting.offset).map(Span::span_context).filter(|it| it.is_sampled());
            if let Some(trace) = context.and_then(handed_on) {
                found.carried.trace = Some(trace);
            }
        }
        spans.into_values().collect()
    }

    /// Continues the trace that the message brings, else that of the batch.
    fn message(&self, slice: &Slice, message: &Message, found: Found<'_>) -> Span {
        let brought = TraceContext::of(message).as_ref().and_then(remote);
        let links = if brought.is_some() { vec![Link::with_context(self.batch.clone())] } else { Vec::new() };
        let parent = under(brought.unwrap_or_else(|| self.batch.clone()));
        let name = format!("judge {}", slice.partition.topic);
        let beginning = self.spans.begin(name, SpanKind::Consumer, &parent);
        let beginning = beginning.with(|span| span.with_start_time(self.at).with_links(links));
        let mut attributes = common(self.spans, &slice.partition.topic);
        attributes.extend([
            KeyValue::new("messaging.destination.partition.id", slice.partition.number.to_string()),
            KeyValue::new("messaging.kafka.offset", message.offset),
            KeyValue::new("messaging.message.body.size", size(message)),
        ]);
        let mut span = beginning.start(attributes);
        match found {
            Found::Matched => span.set_attribute(KeyValue::new("eventlatch.outcome", "matched")),
            Found::SetAside(letter) => {
                span.set_attribute(KeyValue::new("eventlatch.outcome", letter.cause.kind().word()));
                span.set_attribute(KeyValue::new("eventlatch.matcher", letter.by.matcher.to_string()));
                span.set_status(Status::error(letter.reason.clone()));
            }
        }
        span
    }
}

/// What became of the messages that came to something; the last word on one counts.
fn found(recording: &Recording) -> impl Iterator<Item = (i64, Found<'_>)> {
    let matched = recording.matches.iter().map(|found| (found.sighting.offset, Found::Matched));
    let halted = recording.halt.iter().map(|halt| &halt.letter);
    let set_aside = recording.dead_letters.iter().chain(&recording.skipped).chain(halted);
    let all = matched.chain(set_aside.map(|letter| (letter.offset, Found::SetAside(letter))));
    all.collect::<BTreeMap<_, _>>().into_iter()
}

fn common(spans: &Spans, topic: &str) -> Vec<KeyValue> {
    vec![
        KeyValue::new("messaging.system", "kafka"),
        KeyValue::new("messaging.operation.type", "process"),
        KeyValue::new("messaging.operation.name", "process"),
        KeyValue::new("messaging.destination.name", topic.to_owned()),
        KeyValue::new("messaging.consumer.group.name", spans.consumer.group.clone()),
        KeyValue::new("messaging.client.id", spans.consumer.client.clone()),
    ]
}

fn of_batch(spans: &Spans, topic: &str, slices: &[Slice]) -> Vec<KeyValue> {
    let messages = || slices.iter().flat_map(|slice| &slice.messages);
    let mut attributes = common(spans, topic);
    attributes.extend([
        KeyValue::new("messaging.batch.message_count", messages().count() as i64),
        KeyValue::new("eventlatch.batch.bytes", messages().map(size).sum::<i64>()),
        KeyValue::new("eventlatch.slices", slices.len() as i64),
    ]);
    attributes
}

fn size(message: &Message) -> i64 {
    message.value.as_ref().map_or(0, Bytes::len) as i64
}
