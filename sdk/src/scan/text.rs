//! Strings.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

use super::block::{WIDTH, is_stop, stops};

/// A string's end (the index of its closing quote) and whether it has escapes.
#[derive(Clone, Copy)]
pub(super) struct Text {
    pub(super) end: usize,
    pub(super) escaped: bool,
}

/// The string whose first byte, after the opening quote, is at `start`.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub(super) fn text(document: &[u8], start: usize) -> Option<Text> {
    let stop = next_stop(document, start)?;
    if document[stop] == b'"' { Some(Text { end: stop, escaped: false }) } else { rare(document, start, stop) }
}

/// The index of the next byte that is not plain.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn next_stop(document: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    // Most strings are short, and most are not at the document's end.
    for _ in 0..2 {
        let Some(chunk) = chunk(document, at) else {
            break;
        };
        let found = stops(chunk);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += WIDTH;
    }
    next_stop_further(document, at)
}

#[inline(never)]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn next_stop_further(document: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(chunk) = chunk(document, at) {
        let found = stops(chunk);
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += WIDTH;
    }
    let rest = document.len().checked_sub(at)?;
    match document.last_chunk::<WIDTH>() {
        // The last 16 bytes overlap what was looked at already; that part is shifted out.
        Some(chunk) if rest > 0 => {
            let found = stops(chunk) >> (WIDTH - rest);
            (found != 0).then(|| at + found.trailing_zeros() as usize)
        }
        _ => document.get(at..)?.iter().position(|byte| is_stop(*byte)).map(|index| at + index),
    }
}

#[inline]
fn chunk(document: &[u8], at: usize) -> Option<&[u8; WIDTH]> {
    document.get(at..)?.first_chunk()
}

/// A string that is not plain ASCII: decided by the standard library, and by serde_json where there are escapes.
#[cold]
#[inline(never)]
fn rare(document: &[u8], start: usize, stop: usize) -> Option<Text> {
    let (mut at, mut escaped) = (stop, false);
    loop {
        match document.get(at)? {
            b'"' => break,
            b'\\' => {
                escaped = true;
                at += 2;
            }
            // Also found by serde_json below, but there need not be an escape.
            0..0x20 => return None,
            _ => at += 1,
        }
    }
    let sound = if escaped {
        serde_json::from_slice::<AnyText>(&document[start - 1..=at]).is_ok()
    } else {
        std::str::from_utf8(&document[start..at]).is_ok()
    };
    sound.then_some(Text { end: at, escaped })
}

/// What the string between these quotes says.
#[cold]
pub(super) fn unescape(quoted: &[u8]) -> Option<String> {
    serde_json::from_slice(quoted).ok()
}

/// Any string, read and forgotten.
struct AnyText;

impl<'de> Deserialize<'de> for AnyText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Self)
    }
}

impl Visitor<'_> for AnyText {
    type Value = Self;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a string")
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
}
