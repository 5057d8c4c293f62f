//! Batches in and extracts out, as columns, and what the columns must hold to be believed.

use jiff::{Timestamp, civil::DateTime};

use super::{
    bindings::exports::eventlatch::matcher::guest::{Batch, ColumnParam, Extracts, Headers, Needs},
    fault::{Fault, FaultKind},
};
use crate::domain::message::Message;

/// When a message says it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventTime {
    Instant(Timestamp),
    /// A clock on the wall: which instant it is depends on the sensor's zone.
    Civil(DateTime),
}

/// A message that takes no further part: malformed, or its matcher failed on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Index in the batch.
    pub message: usize,
    pub why: Why,
}

/// Why a message was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    Rejected(String),
    Faulted(Fault),
}

/// So many bytes of a reason are kept: it goes into the store and before people's eyes.
const REASON: usize = 1_000;

/// A reason of a readable length.
pub(super) fn clipped(mut reason: String) -> String {
    if reason.len() > REASON {
        reason.truncate(reason.floor_char_boundary(REASON));
        reason.shrink_to_fit();
        reason.push('…');
    }
    reason
}

/// What the messages of a batch are: the answers of one or several calls, laid end to end.
#[derive(Debug, Default)]
pub struct Extraction {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// For each key the index of its message.
    messages: Vec<usize>,
    /// Of each message; checked, and read only for the few that somebody wants.
    times: Vec<i64>,
    time_kinds: Vec<u8>,
    pub set_aside: Vec<SetAside>,
}

impl Extraction {
    /// All keys with the indexes of their messages, ascending.
    pub fn keys(&self) -> impl Iterator<Item = (usize, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let keys = starts.zip(&self.ends).map(|(start, end)| &self.bytes[start..*end]);
        self.messages.iter().copied().zip(keys)
    }

    /// So many bytes the guest returned for it.
    pub(super) fn bytes(&self) -> usize {
        let reason = |it: &SetAside| if let Why::Rejected(reason) = &it.why { reason.len() + 12 } else { 0 };
        let numbers = 4 * (self.ends.len() + self.messages.len()) + 9 * self.times.len();
        self.bytes.len() + numbers + self.set_aside.iter().map(reason).sum::<usize>()
    }

    /// When a message says it happened.
    pub fn event_time(&self, message: usize) -> Option<EventTime> {
        let instant = Timestamp::from_millisecond(*self.times.get(message)?).ok()?;
        match *self.time_kinds.get(message)? {
            INSTANT => Some(EventTime::Instant(instant)),
            CIVIL => Some(EventTime::Civil(jiff::tz::Offset::UTC.to_datetime(instant))),
            _ => None,
        }
    }

    /// Takes the answer for `count` messages which follow those taken so far, if it can be believed.
    pub(super) fn append(&mut self, extracts: Extracts, count: usize) -> Result<(), Fault> {
        check(&extracts, count)?;
        let (first_message, first_byte) = (self.times.len(), self.bytes.len());
        self.times.extend(&extracts.times);
        self.time_kinds.extend(&extracts.time_kinds);
        self.ends.extend(extracts.keys.ends.iter().map(|end| first_byte + *end as usize));
        self.messages.extend(extracts.messages.iter().map(|message| first_message + *message as usize));
        if first_byte == 0 {
            self.bytes = extracts.keys.bytes;
        } else {
            self.bytes.extend_from_slice(&extracts.keys.bytes);
        }
        self.set_aside.extend(extracts.rejects.into_iter().map(|reject| SetAside {
            message: first_message + reject.message as usize,
            why: Why::Rejected(clipped(reject.reason)),
        }));
        Ok(())
    }

    /// Notes that the matcher failed on the next message.
    pub(super) fn append_fault(&mut self, fault: Fault) {
        self.set_aside.push(SetAside { message: self.times.len(), why: Why::Faulted(fault) });
        self.times.push(0);
        self.time_kinds.push(NO_TIME);
    }
}

/// The kinds of event time in the interface.
const NO_TIME: u8 = 0;
const INSTANT: u8 = 1;
const CIVIL: u8 = 2;

/// Whether all event times can be read.
fn check_times(times: &[i64], kinds: &[u8]) -> Result<(), Fault> {
    if let Some(kind) = kinds.iter().find(|kind| **kind > CIVIL) {
        let what = format_args!("{kind} is no kind of event time");
        return Err(Fault::bad_result(what));
    }
    let (first, last) = (Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
    let outside = |(time, kind): &(&i64, &u8)| **kind != NO_TIME && !(first..=last).contains(*time);
    match times.iter().zip(kinds).find(outside) {
        Some((time, _)) => Err(Fault::bad_result(format_args!("{time} ms is no time of the calendar"))),
        None => Ok(()),
    }
}

/// Lengths and indexes come from a guest: nothing is read by them before they are shown to fit.
fn check(extracts: &Extracts, count: usize) -> Result<(), Fault> {
    let Extracts { keys, messages, times, time_kinds, rejects } = extracts;
    let complain = |what: &str| Err(Fault::bad_result(what));
    if !keys.ends.is_sorted() || keys.ends.last().map_or(0, |end| *end as usize) != keys.bytes.len() {
        return complain("the key ends do not fit the keys");
    }
    if messages.len() != keys.ends.len() || !messages.is_sorted() || !within(messages.last(), count) {
        return complain("the keys do not belong to messages of the batch in ascending order");
    }
    if times.len() != count || time_kinds.len() != count {
        return complain("there is not one event time for each message");
    }
    check_times(times, time_kinds)?;
    if !rejects.is_sorted_by(|a, b| a.message < b.message) || !within(rejects.last().map(|last| &last.message), count) {
        return complain("the rejects do not belong to messages of the batch in ascending order");
    }
    if rejects.iter().any(|reject| messages.binary_search(&reject.message).is_ok()) {
        return complain("a rejected message has keys");
    }
    Ok(())
}

fn within(last: Option<&u32>, count: usize) -> bool {
    last.is_none_or(|last| (*last as usize) < count)
}

/// The columns of a batch, which outlive the calls that borrow them.
#[derive(Default)]
pub(super) struct Columns {
    values: Column,
    tombstones: Vec<u32>,
    arrivals: Vec<i64>,
    keys: Option<Column>,
    headers: Option<HeaderColumns>,
}

#[derive(Default)]
struct Column {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

struct HeaderColumns {
    messages: Vec<u32>,
    names: Column,
    values: Column,
}

impl Columns {
    pub(super) fn of(messages: &[&Message], needs: Needs) -> Result<Self, Fault> {
        let keys = || column(messages.iter().map(|message| message.key.as_deref()));
        Ok(Self {
            values: column(messages.iter().map(|message| message.value.as_deref()))?,
            tombstones: tombstones(messages, needs),
            arrivals: messages.iter().map(|message| message.arrival.as_millisecond()).collect(),
            keys: needs.contains(Needs::KEYS).then(keys).transpose()?,
            headers: needs.contains(Needs::HEADERS).then(|| headers(messages)).transpose()?,
        })
    }

    pub(super) fn batch<'a>(&'a self, topic: &'a str) -> Batch<'a> {
        Batch {
            topic,
            values: self.values.lend(),
            tombstones: &self.tombstones,
            arrivals: &self.arrivals,
            keys: self.keys.as_ref().map(Column::lend),
            headers: self.headers.as_ref().map(|headers| Headers {
                messages: &headers.messages,
                names: headers.names.lend(),
                values: headers.values.lend(),
            }),
        }
    }
}

impl Column {
    fn lend(&self) -> ColumnParam<'_> {
        ColumnParam { bytes: &self.bytes, ends: &self.ends }
    }
}

fn tombstones(messages: &[&Message], needs: Needs) -> Vec<u32> {
    if !needs.contains(Needs::TOMBSTONES) {
        return Vec::new();
    }
    (0u32..).zip(messages).filter(|(_, message)| message.value.is_none()).map(|(index, _)| index).collect()
}

fn column<'a>(items: impl Iterator<Item = Option<&'a [u8]>> + Clone) -> Result<Column, Fault> {
    let lengths = items.clone().map(|item| item.map_or(0, <[u8]>::len));
    let mut column = Column { bytes: Vec::with_capacity(lengths.sum()), ends: Vec::with_capacity(items.size_hint().0) };
    for item in items {
        column.bytes.extend_from_slice(item.unwrap_or_default());
        column.ends.push(u32::try_from(column.bytes.len()).map_err(|_| too_large())?);
    }
    Ok(column)
}

fn headers(messages: &[&Message]) -> Result<HeaderColumns, Fault> {
    let all = || (0u32..).zip(messages).flat_map(|(index, message)| message.headers.iter().map(move |h| (index, h)));
    Ok(HeaderColumns {
        messages: all().map(|(index, _)| index).collect(),
        names: column(all().map(|(_, header)| Some(header.name.as_bytes())))?,
        values: column(all().map(|(_, header)| Some(header.value.as_slice())))?,
    })
}

/// Bisection then finds a batch that fits; Kafka's own limits keep a single message far below.
fn too_large() -> Fault {
    Fault { kind: FaultKind::Memory, reason: "the batch is larger than 4 GiB".into(), backtrace: None }
}
