//! Messages: find the fields, write the keys. This is what runs for every message of a topic.

use std::cell::RefMut;

use super::check::is_whole;
use super::{Field, Kind, Plan};
use crate::adapter::reason_of;
use crate::scan::{self, Fault, Found, Memory};
use crate::{EventTime, key, time};

/// Where the keys of a batch are written.
pub(crate) struct Output<'p> {
    /// All keys, end to end.
    pub(crate) keys: Vec<u8>,
    pub(crate) ends: Vec<u32>,
    scratch: RefMut<'p, Scratch>,
}

/// What is used again for each message, and from batch to batch. It saves work and changes no result.
#[derive(Default)]
pub(super) struct Scratch {
    found: Vec<Found>,
    memory: Memory,
    /// Where the optional fields of the first key begin and end.
    marks: Vec<usize>,
}

impl Plan {
    /// Buffers for a batch of so many messages.
    pub(crate) fn output(&self, messages: usize) -> Output<'_> {
        let mut scratch = self.scratch.borrow_mut();
        scratch.found.resize(self.fields.len() + 1, Found::default());
        let keys = messages * self.keys_per_message();
        Output { keys: Vec::with_capacity(keys * 48), ends: Vec::with_capacity(keys), scratch }
    }

    /// How many keys each sound message has: one for each subset of the optional fields.
    pub(crate) fn keys_per_message(&self) -> usize {
        1 << (self.fields.len() - self.required)
    }

    /// Writes the keys of a message; of a malformed one none.
    #[inline]
    pub(crate) fn extract(&self, value: &[u8], out: &mut Output<'_>) -> Result<Option<EventTime>, String> {
        let before = out.keys.len();
        let read = self.read(value, out);
        if read.is_err() {
            out.keys.truncate(before);
        }
        read
    }

    #[inline]
    fn read(&self, value: &[u8], out: &mut Output<'_>) -> Result<Option<EventTime>, String> {
        let Scratch { found, memory, marks } = &mut *out.scratch;
        self.scanner.scan(value, memory, found).map_err(|fault| explain(value, fault))?;
        let start = out.keys.len();
        marks.clear();
        for (index, (field, found)) in self.fields.iter().zip(found.iter()).enumerate() {
            if index >= self.required {
                marks.push(out.keys.len());
            }
            write(field, *found, value, &mut out.keys)?;
        }
        let time = self.time_of(value, found)?;
        out.ends.push(out.keys.len() as u32);
        if !marks.is_empty() {
            marks.push(out.keys.len());
            add_subsets(&mut out.keys, &mut out.ends, marks, start);
        }
        Ok(time)
    }

    #[inline]
    fn time_of(&self, value: &[u8], found: &[Found]) -> Result<Option<EventTime>, String> {
        let Some(name) = &self.time else {
            return Ok(None);
        };
        let found = found[self.fields.len()];
        let bytes = found.bytes(value);
        let time = match found.kind {
            scan::Kind::Number => match small_integer(bytes) {
                Some(seconds) => time::from_seconds(seconds),
                None => time_of_number(bytes),
            },
            scan::Kind::Text => time::from_text(bytes),
            scan::Kind::Escaped => time::from_text(unescaped(value, found).as_bytes()),
            _ => return Err(wrong(name, "epoch seconds or text", found.kind)),
        };
        time.map(Some).map_err(|reason| format!("field `{name}`: {reason}"))
    }
}

/// Adds the keys in which some of the optional fields are open, made of pieces of the first key.
///
/// The first key begins at `start`; `marks` tells where its optional fields begin, and where it ends.
fn add_subsets(keys: &mut Vec<u8>, ends: &mut Vec<u32>, marks: &[usize], start: usize) {
    let optional = marks.len() - 1;
    for open in 1..1_usize << optional {
        key::repeat(keys, start, marks[0]);
        for index in 0..optional {
            if open >> index & 1 == 1 {
                key::write_any(keys);
            } else {
                key::repeat(keys, marks[index], marks[index + 1]);
            }
        }
        ends.push(keys.len() as u32);
    }
}

/// Writes a field of a message into a key.
#[inline]
fn write(field: &Field, found: Found, value: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    match (field.kind, found.kind) {
        (Kind::Text | Kind::Scalar, scan::Kind::Text) => {
            key::write_text_in(out, value, found.start as usize, found.end as usize)
        }
        (Kind::Text | Kind::Scalar, scan::Kind::Escaped) => key::write_text(out, unescaped(value, found).as_bytes()),
        (Kind::Boolean | Kind::Scalar, scan::Kind::True) => key::write_boolean(out, true),
        (Kind::Boolean | Kind::Scalar, scan::Kind::False) => key::write_boolean(out, false),
        (Kind::Integer | Kind::Number | Kind::Scalar, scan::Kind::Number) => {
            write_number(field, found.bytes(value), out)?
        }
        _ => return Err(wrong(&field.name, field.kind.text(), found.kind)),
    }
    Ok(())
}

fn write_number(field: &Field, digits: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    if let Some(value) = small_integer(digits) {
        key::write_integer(out, value);
        return Ok(());
    }
    let number = number_of(digits)?;
    if field.kind == Kind::Integer && !is_whole(&number) {
        return Err(format!("field `{}` must be a whole number, not {number}", field.name));
    }
    key::write_number(out, &number);
    Ok(())
}

/// A whole number of so few digits that nothing can go wrong.
#[inline]
fn small_integer(digits: &[u8]) -> Option<i64> {
    let long = scan::long_integer(digits);
    if long.is_some() {
        return long;
    }
    let (negative, digits) = match digits {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, digits),
    };
    if digits.len() > 18 {
        return None;
    }
    let mut value: i64 = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// Any number, as serde_json reads it.
#[cold]
fn number_of(digits: &[u8]) -> Result<serde_json::Number, String> {
    serde_json::from_slice(digits).map_err(|error| error.to_string())
}

#[cold]
fn time_of_number(digits: &[u8]) -> Result<EventTime, String> {
    let number = number_of(digits)?;
    match number.as_i64() {
        Some(seconds) => time::from_seconds(seconds),
        None => time::from_float(number.as_f64().unwrap_or(f64::INFINITY)),
    }
}

/// What a string with escapes says. The scanner has seen that it is sound.
#[cold]
fn unescaped(value: &[u8], found: Found) -> String {
    let quoted = value.get(found.start as usize - 1..=found.end as usize).unwrap_or_default();
    serde_json::from_slice(quoted).unwrap_or_default()
}

#[cold]
fn wrong(name: &str, expected: &str, found: scan::Kind) -> String {
    let found = match found {
        scan::Kind::Absent => return format!("field `{name}` is missing; it must be {expected}"),
        scan::Kind::Text | scan::Kind::Escaped => "text",
        scan::Kind::Number => "a number",
        scan::Kind::True | scan::Kind::False => "a boolean",
        scan::Kind::Null => "null",
        scan::Kind::Nested => "an object or a list",
    };
    format!("field `{name}` must be {expected}, not {found}")
}

#[cold]
fn explain(value: &[u8], fault: Fault) -> String {
    match fault {
        Fault::NotAnObject => "not a JSON object".to_owned(),
        Fault::Malformed => reason_of(value, || match serde_json::from_slice::<serde_json::Value>(value) {
            Err(error) => format!("not JSON: {error}"),
            Ok(_) => "not JSON".to_owned(),
        }),
    }
}
