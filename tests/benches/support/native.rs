//! The peer: the rule of `etl-finish` as one would write it without a sandbox, serde_json on a borrowed struct.

use std::borrow::Cow;

use eventlatch::{domain::message::Message, matcher::EventTime};
use jiff::Timestamp;

/// What it reads of a message. Only the kind of timestamp that the bench's messages have: the fastest peer there is.
#[derive(serde::Deserialize)]
struct EtlFinish<'a> {
    #[serde(borrow)]
    db: Cow<'a, str>,
    #[serde(borrow)]
    table: Cow<'a, str>,
    #[serde(borrow)]
    partition_values: Cow<'a, str>,
    timestamp: i64,
}

/// The same columns as the engine's.
pub(crate) struct Extraction {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    messages: Vec<usize>,
    pub(crate) times: Vec<Option<EventTime>>,
    pub(crate) rejects: Vec<(usize, String)>,
}

impl Extraction {
    fn with_capacity(messages: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(messages * 96),
            ends: Vec::with_capacity(messages * 2),
            messages: Vec::with_capacity(messages * 2),
            times: Vec::with_capacity(messages),
            rejects: Vec::new(),
        }
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let keys = starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end]);
        self.messages.iter().copied().zip(keys)
    }

    fn end_key(&mut self, message: usize) {
        self.ends.push(self.bytes.len());
        self.messages.push(message);
    }
}

pub(crate) fn extract(messages: &[&Message]) -> Extraction {
    let mut out = Extraction::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let time = extract_one(index, message, &mut out).unwrap_or_else(|reason| {
            out.rejects.push((index, reason));
            None
        });
        out.times.push(time);
    }
    out
}

/// One key with the partition, one for whoever takes any.
fn extract_one(index: usize, message: &Message, out: &mut Extraction) -> Result<Option<EventTime>, String> {
    let value = message.value.as_deref().unwrap_or_default();
    let it: EtlFinish<'_> = serde_json::from_slice(value).map_err(|error| error.to_string())?;
    let time = Timestamp::from_second(it.timestamp).map_err(|error| error.to_string())?;
    let start = out.bytes.len();
    write_text(&mut out.bytes, &it.db);
    write_text(&mut out.bytes, &it.table);
    let end = out.bytes.len();
    write_text(&mut out.bytes, &it.partition_values);
    out.end_key(index);
    out.bytes.extend_from_within(start..end);
    out.bytes.extend_from_slice(&[0; 5]);
    out.end_key(index);
    Ok(Some(EventTime::Instant(time)))
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(1);
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}
