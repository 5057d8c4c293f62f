//! The adapter of matchers over typed messages.

use std::iter::Peekable;

use schemars::schema_for;

use super::{Adapter, candidate_envelope, column, date_from, moment_from};
use crate::bindings::exports::eventlatch::matcher::guest::{
    self, Batch, Description, Extracts, Prepared, Problem, Settings, Verdict,
};
use crate::matcher::{Candidate, Envelope, Extract, Header, Matcher};
use crate::{Reject, schema};

/// A [`Matcher`] as the service sees it.
pub struct Typed<M: Matcher> {
    matcher: M,
    wanted_schema: serde_json::Value,
}

impl<M: Matcher> Adapter for Typed<M> {
    fn describe(version: &str) -> Description {
        Description {
            name: M::NAME.to_owned(),
            version: if M::VERSION.is_empty() { version } else { M::VERSION }.to_owned(),
            summary: M::SUMMARY.to_owned(),
            topics: M::TOPICS.iter().map(|topic| (*topic).to_owned()).collect(),
            wanted_schema: schema_for!(M::Wanted).to_value().to_string(),
            message_schema: schema_for!(M::Message).to_value().to_string(),
            config_schema: schema_for!(M::Config).to_value().to_string(),
            needs: M::NEEDS.into(),
        }
    }

    fn configure(config: &str) -> Result<Self, Vec<Problem>> {
        let config = schema::decode_config::<M::Config>(config).map_err(schema::export)?;
        let matcher = M::configure(config).map_err(schema::export)?;
        Ok(Self { matcher, wanted_schema: schema_for!(M::Wanted).to_value() })
    }

    fn settings(&self) -> Settings {
        self.matcher.settings().into()
    }

    fn prepare(&self, wanted: &str, on: guest::Date) -> Result<Prepared, Problem> {
        let mut decoded: M::Wanted = schema::decode(wanted, &self.wanted_schema)
            .map_err(|problems| schema::first(problems, "malformed wanted message"))?;
        let keys = self.matcher.prepare(&mut decoded, date_from(on))?;
        if keys.0.is_empty() {
            return Err(
                crate::Problem::new("the matcher gave no key for it, so that no message could fulfil it").into()
            );
        }
        let rendered = serde_json::to_string(&decoded)
            .map_err(|error| crate::Problem::new(format!("cannot be written as JSON: {error}")))?;
        let token = rendered.clone().into_bytes();
        Ok(Prepared { rendered, keys: keys.0.into_iter().map(crate::Key::into_bytes).collect(), token })
    }

    fn extract(&self, batch: &Batch) -> Extracts {
        let mut out = Extracts {
            keys: guest::Column { bytes: Vec::new(), ends: Vec::new() },
            messages: Vec::new(),
            times: Vec::with_capacity(batch.values.ends.len()),
            time_kinds: Vec::with_capacity(batch.values.ends.len()),
            rejects: Vec::new(),
        };
        let mut tombstones = batch.tombstones.iter().copied().peekable();
        for (index, message) in Messages::new(batch).enumerate() {
            let index = index as u32;
            let tombstone = tombstones.next_if_eq(&index).is_some();
            let extract = if tombstone {
                self.matcher.extract_tombstone(&message.envelope)
            } else {
                let decoded = self.matcher.decode(message.value);
                decoded.and_then(|decoded| self.matcher.extract(&decoded, &message.envelope))
            };
            push(&mut out, index, extract);
        }
        out
    }

    fn confirm(&self, candidate: &guest::Candidate) -> Verdict {
        match self.candidate(candidate) {
            Ok(candidate) => self.matcher.confirm(&candidate).into(),
            Err(reason) => Verdict::Refused(reason),
        }
    }
}

impl<M: Matcher> Typed<M> {
    fn candidate<'a>(&self, candidate: &'a guest::Candidate) -> Result<Candidate<'a, M>, String> {
        let wanted = serde_json::from_slice(&candidate.token)
            .map_err(|error| format!("the rendered wanted message cannot be read again: {error}"))?;
        let message = candidate.value.as_deref().map(|value| self.matcher.decode(value));
        let message = message.transpose().map_err(Reject::into_reason)?;
        Ok(Candidate {
            wanted,
            message,
            envelope: candidate_envelope(candidate),
            event_time: candidate.event_time.as_ref().map(moment_from),
            arrival: moment_from(&candidate.arrival),
        })
    }
}

/// Adds what one message is to the columns.
fn push(out: &mut Extracts, index: u32, extract: Result<Extract, Reject>) {
    let extract = extract.unwrap_or_else(|reject| {
        out.rejects.push(guest::Reject { message: index, reason: reject.into_reason() });
        Extract::nothing()
    });
    for key in extract.keys {
        out.keys.bytes.extend_from_slice(key.as_bytes());
        out.keys.ends.push(out.keys.bytes.len() as u32);
        out.messages.push(index);
    }
    let (kind, millis) = extract.time.map_or((0, 0), |time| (1 + u8::from(time.is_civil()), time.millis()));
    out.time_kinds.push(kind);
    out.times.push(millis);
}

/// A message of a batch.
struct Message<'a> {
    value: &'a [u8],
    envelope: Envelope<'a>,
}

/// The messages of a batch, put together from its columns.
struct Messages<'a> {
    topic: &'a str,
    index: u32,
    values: Bytes<'a>,
    arrivals: std::slice::Iter<'a, i64>,
    keys: Option<Bytes<'a>>,
    headers: Option<Peekable<Headers<'a>>>,
}

type Bytes<'a> = Box<dyn Iterator<Item = &'a [u8]> + 'a>;
type Headers<'a> = Box<dyn Iterator<Item = (u32, Header<'a>)> + 'a>;

impl<'a> Messages<'a> {
    fn new(batch: &'a Batch) -> Self {
        Self {
            topic: &batch.topic,
            index: 0,
            values: Box::new(column(&batch.values)),
            arrivals: batch.arrivals.iter(),
            keys: batch.keys.as_ref().map(|keys| -> Bytes<'a> { Box::new(column(keys)) }),
            headers: batch.headers.as_ref().map(|headers| headers_of(headers).peekable()),
        }
    }
}

fn headers_of(headers: &guest::Headers) -> Headers<'_> {
    let named = column(&headers.names).zip(column(&headers.values));
    Box::new(headers.messages.iter().zip(named).map(|(message, (name, value))| {
        // Header names are UTF-8 in Kafka's own clients; one that is not has no name to be found by.
        (*message, Header { name: std::str::from_utf8(name).unwrap_or_default(), value })
    }))
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let value = self.values.next()?;
        let index = self.index;
        self.index += 1;
        let mut headers = Vec::new();
        if let Some(all) = &mut self.headers {
            while let Some((_, header)) = all.next_if(|(message, _)| *message == index) {
                headers.push(header);
            }
        }
        let key = self.keys.as_mut().and_then(Iterator::next).filter(|key| !key.is_empty());
        let arrival = self.arrivals.next().copied().unwrap_or(0);
        Some(Message { value, envelope: Envelope { topic: self.topic, arrival, key, headers } })
    }
}
