//! The steps of a scenario: when, what is done, what is expected.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, value::RawValue};

use super::{
    expect::Expected,
    places::{Placed, Text},
};
use crate::domain::{
    definition::{Definition, Problem},
    message::Header,
    target::Target,
    terms,
    wait::{BusinessTime, WaitRequest},
};

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    /// The instant as it is written.
    pub(super) shown: String,
    pub(super) at: Timestamp,
    pub(super) put: Vec<Definition>,
    pub(super) open: Vec<WaitRequest>,
    pub(super) send: Vec<Sent>,
    pub(super) expect: Expected,
}

/// A message that is sent.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) topic: String,
    pub(super) arrival: Timestamp,
    pub(super) key: Option<Bytes>,
    /// None is a tombstone.
    pub(super) value: Option<Bytes>,
    pub(super) headers: Vec<Header>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys<'a> {
    #[serde(borrow)]
    at: Placed<'a, String>,
    #[serde(borrow)]
    put: Option<&'a RawValue>,
    #[serde(borrow, default)]
    open: Vec<OpenKeys<'a>>,
    #[serde(borrow, default)]
    send: Vec<SendKeys<'a>>,
    #[serde(borrow)]
    expect: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenKeys<'a> {
    #[serde(borrow)]
    sensor: Placed<'a, String>,
    wait: String,
    #[serde(borrow)]
    business_date: Option<Placed<'a, String>>,
    #[serde(borrow)]
    timeout: Option<Placed<'a, Value>>,
    #[serde(borrow)]
    on_timeout: Option<Placed<'a, Value>>,
    #[serde(borrow)]
    late: Option<Placed<'a, Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendKeys<'a> {
    #[serde(borrow)]
    topic: Placed<'a, String>,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
    raw: Option<String>,
    key: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(borrow)]
    arrived: Option<Placed<'a, String>>,
}

/// Tells `null` from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Reads the steps, in the order of their instants; `known` are the sensors that are there at the beginning.
pub(super) fn read(
    text: &Text<'_>,
    steps: &[&RawValue],
    zone: &TimeZone,
    mut known: BTreeSet<String>,
) -> Result<Vec<Step>, Problem> {
    let mut read = Vec::with_capacity(steps.len());
    let mut latest = Timestamp::MIN;
    for step in steps {
        let step = one(text, text.read(step)?, zone, latest, &mut known)?;
        latest = step.at;
        read.push(step);
    }
    Ok(read)
}

fn one(
    text: &Text<'_>,
    keys: Keys<'_>,
    zone: &TimeZone,
    latest: Timestamp,
    known: &mut BTreeSet<String>,
) -> Result<Step, Problem> {
    let at = instant(text, &keys.at, zone)?;
    if at < latest {
        return Err(
            text.problem(keys.at.text, "`at` lies before that of the step before: steps are in order".to_owned())
        );
    }
    let put = keys.put.map_or(Ok(Vec::new()), |put| text.sensors(put))?;
    known.extend(put.iter().map(|sensor| sensor.name.clone()));
    let expect: Expected = keys.expect.map_or(Ok(Expected::default()), |expect| text.read(expect))?;
    if let Some(name) = expect.sensors.keys().find(|name| !known.contains(*name)) {
        return Err(text.problem(keys.expect.map_or("", RawValue::get), unknown(name)));
    }
    let open = keys.open.into_iter().map(|open| opened(text, open, known)).collect::<Result<_, _>>()?;
    let send = keys.send.into_iter().map(|send| sent(text, send, zone, at)).collect::<Result<_, _>>()?;
    Ok(Step { shown: keys.at.it, at, put, open, send, expect })
}

fn unknown(sensor: &str) -> String {
    format!("there is no sensor `{sensor}` at this step: define it in `sensors`, or in `put` of a step before")
}

fn opened(text: &Text<'_>, keys: OpenKeys<'_>, known: &BTreeSet<String>) -> Result<WaitRequest, Problem> {
    let OpenKeys { sensor, wait, business_date, timeout, on_timeout, late } = keys;
    if !known.contains(&sensor.it) {
        return Err(text.problem(sensor.text, unknown(&sensor.it)));
    }
    Ok(WaitRequest {
        sensor: sensor.it,
        name: wait,
        business_date: text.parsed(business_date, |date| date.parse::<BusinessTime>())?,
        timeout: text.parsed(timeout, terms::timeout)?,
        on_timeout: text.parsed(on_timeout, terms::on_timeout)?,
        late: text.parsed(late, terms::late)?,
        target: Target::default(),
    })
}

fn sent(text: &Text<'_>, keys: SendKeys<'_>, zone: &TimeZone, at: Timestamp) -> Result<Sent, Problem> {
    let SendKeys { topic, value, raw, key, headers, arrived } = keys;
    let value = match (value.map(RawValue::get), raw) {
        (Some("null"), None) => None,
        (Some(value), None) => Some(Bytes::copy_from_slice(value.as_bytes())),
        (None, Some(raw)) => Some(raw.into()),
        _ => {
            let message = "a message has either a `value` (any JSON, null for a tombstone) or a `raw` text";
            return Err(text.problem(topic.text, message.to_owned()));
        }
    };
    let arrival = match arrived {
        None => at,
        Some(arrived) => match instant(text, &arrived, zone)? {
            arrival if arrival <= at => arrival,
            _ => return Err(text.problem(arrived.text, "`arrived` lies after `at` of its step".to_owned())),
        },
    };
    let headers = headers.into_iter().map(|(name, value)| Header { name, value: value.into_bytes() }).collect();
    Ok(Sent { topic: topic.it, arrival, key: key.map(Bytes::from), value, headers })
}

/// A civil time in the scenario's zone, or RFC 3339. Of a time that the clock shows twice it is the first.
fn instant(text: &Text<'_>, at: &Placed<'_, String>, zone: &TimeZone) -> Result<Timestamp, Problem> {
    if let Ok(instant) = at.it.parse() {
        return Ok(instant);
    }
    let wrong = |message: &str| text.problem(at.text, format!("`{}` {message}", at.it));
    let civil: DateTime =
        at.it.parse().map_err(|_| wrong("is no time: write \"2019-07-07T08:00:00\", or RFC 3339 with an offset"))?;
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
        return Err(wrong("is a time that the clocks of the zone leave out: write RFC 3339 with an offset"));
    }
    ambiguous.compatible().map_err(|_| wrong("is out of range"))
}
