//! The grammar: walks over a document once, without recursion.

use super::names::Names;
use super::number::{byte, number};
use super::shape::{LONGEST, Memory};
use super::text::text;
use super::{Found, Kind};

/// How deep serde_json nests; the outermost object counts.
const DEEPEST: u32 = 127;

/// Walks over a document that is one object and notes the wanted fields; `None` if it is not.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub(super) fn object(document: &[u8], names: &Names, memory: &mut Memory, found: &mut [Found]) -> Option<()> {
    let (mut at, mut fields) = (0, 0);
    let mut shape = memory.latest();
    let known = loop {
        for gap in memory.gaps(shape, fields) {
            let Some(start) = gap.after(document, at) else {
                break;
            };
            let (value, after) = if gap.text { text_value(document, start)? } else { bare_value(document, start)? };
            note(found, gap.name, value);
            (at, fields) = (after, fields + 1);
        }
        // Of a document of known shape only the end is left, too near for whole blocks.
        if document.len().saturating_sub(at) <= LONGEST {
            break true;
        }
        match memory.fitting(document, at, fields) {
            Some(other) => shape = other,
            None => break false,
        }
    };
    if known {
        memory.hit(shape);
    } else if memory.learns() {
        let mut learns = true;
        return rest(document, 0, true, names, found, |gap, name, text| learns = learns && memory.add(gap, name, text));
    }
    rest(document, at, fields == 0, names, found, |_, _, _| ())
}

/// Walks over what is left of a document behind `at`, where nothing or a value has been.
///
/// Tells `learn` of each gap, the field behind it and whether that is a string.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn rest(
    document: &[u8],
    mut at: usize,
    first: bool,
    names: &Names,
    found: &mut [Found],
    mut learn: impl FnMut(&[u8], Option<usize>, bool),
) -> Option<()> {
    let mut gap = at;
    let mut expected = if first { b'{' } else { b',' };
    loop {
        at = skip_blanks(document, at);
        let here = byte(document, at);
        at += 1;
        if here != expected {
            // An object ends behind a value.
            return if here == b'}' && expected == b',' { ends(document, at) } else { None };
        }
        at = skip_blanks(document, at);
        if expected == b'{' && byte(document, at) == b'}' {
            return ends(document, at + 1);
        }
        expected = b',';
        let (name, start) = key(document, at, names)?;
        let (value, after) = value(document, start)?;
        let text = matches!(value.kind, Kind::Text | Kind::Escaped);
        learn(document.get(gap..start + usize::from(text))?, name, text);
        note(found, name, value);
        (at, gap) = (after, after);
    }
}

/// Only blanks may follow the object.
#[inline]
fn ends(document: &[u8], at: usize) -> Option<()> {
    (skip_blanks(document, at) == document.len()).then_some(())
}

#[inline]
fn note(found: &mut [Found], name: Option<usize>, value: Found) {
    if let Some(slot) = name.and_then(|name| found.get_mut(name)) {
        *slot = value;
    }
}

/// A key and its colon: which wanted field it is, and where its value begins.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn key(document: &[u8], at: usize, names: &Names) -> Option<(Option<usize>, usize)> {
    if byte(document, at) != b'"' {
        return None;
    }
    let key = text(document, at + 1)?;
    let name = if key.escaped {
        names.position_escaped(document, at + 1, key.end)
    } else {
        names.position(document, at + 1, key.end)
    };
    Some((name, skip_colon(document, key.end + 1)?))
}

/// The value behind a gap that does not end in a quote: mostly a number.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn bare_value(document: &[u8], at: usize) -> Option<(Found, usize)> {
    if byte(document, at).is_ascii_digit() {
        let end = number(document, at)?;
        return Some((Found::new(Kind::Number, at, end), end));
    }
    // There may be more blanks than there were.
    value(document, skip_blanks(document, at))
}

/// The value that begins at `at`, and the index after it.
#[inline(never)]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn value(document: &[u8], at: usize) -> Option<(Found, usize)> {
    let (kind, end) = match byte(document, at) {
        b'"' => return text_value(document, at + 1),
        b'-' | b'0'..=b'9' => (Kind::Number, number(document, at)?),
        b'{' | b'[' => (Kind::Nested, nested(document, at)?),
        first => word(document, at, first)?,
    };
    Some((Found::new(kind, at, end), end))
}

/// The string whose first byte, after the opening quote, is at `start`.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn text_value(document: &[u8], start: usize) -> Option<(Found, usize)> {
    let text = text(document, start)?;
    let kind = if text.escaped { Kind::Escaped } else { Kind::Text };
    Some((Found::new(kind, start, text.end), text.end + 1))
}

/// `true`, `false` or `null`.
#[inline]
fn word(document: &[u8], at: usize, first: u8) -> Option<(Kind, usize)> {
    let (kind, end) = match first {
        b't' => (Kind::True, at + 4),
        b'f' => (Kind::False, at + 5),
        b'n' => (Kind::Null, at + 4),
        _ => return None,
    };
    // The last four bytes, so that all three are compared alike.
    let last = document.get(end - 4..)?.first_chunk()?;
    let sound = match kind {
        Kind::True => last == b"true",
        Kind::False => last == b"alse",
        _ => last == b"null",
    };
    sound.then_some((kind, end))
}

/// The index after the object or array that begins at `at`.
///
/// What is open is kept as bits, one for each level: set for an object.
#[inline(never)]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn nested(document: &[u8], mut at: usize) -> Option<usize> {
    let mut open: u128 = 0;
    let mut depth = 1;
    loop {
        // Here begins an object or array.
        depth += 1;
        if depth > DEEPEST {
            return None;
        }
        let object = byte(document, at) == b'{';
        open = open << 1 | u128::from(object);
        at = skip_blanks(document, at + 1);
        let empty = byte(document, at) == if object { b'}' } else { b']' };
        let mut after = if empty { Some(at) } else { item(document, at, object, &mut at)? };
        // Here ended an item, or `after` is none and another object or array begins.
        while let Some(end) = after {
            at = skip_blanks(document, end);
            let object = open & 1 == 1;
            match byte(document, at) {
                b',' => {
                    at = skip_blanks(document, at + 1);
                    after = item(document, at, object, &mut at)?;
                }
                close @ (b'}' | b']') if (close == b'}') == object => {
                    open >>= 1;
                    depth -= 1;
                    if depth == 1 {
                        return Some(at + 1);
                    }
                    after = Some(at + 1);
                }
                _ => return None,
            }
        }
    }
}

/// An item of an object (with its key) or array: the index after it; or `None`, and `start` is moved to it, if the item
/// is itself an object or array.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn item(document: &[u8], at: usize, object: bool, start: &mut usize) -> Option<Option<usize>> {
    let mut at = at;
    if object {
        if byte(document, at) != b'"' {
            return None;
        }
        let key = text(document, at + 1)?;
        at = skip_colon(document, key.end + 1)?;
    }
    *start = at;
    match byte(document, at) {
        b'{' | b'[' => Some(None),
        b'"' => Some(Some(text(document, at + 1)?.end + 1)),
        b'-' | b'0'..=b'9' => Some(Some(number(document, at)?)),
        first => Some(Some(word(document, at, first)?.1)),
    }
}

/// Where the value after a colon begins.
#[inline]
fn skip_colon(document: &[u8], at: usize) -> Option<usize> {
    let at = skip_blanks(document, at);
    (byte(document, at) == b':').then(|| skip_blanks(document, at + 1))
}

/// The index of the first byte from `at` on that is no blank. Most are preceded by one or none.
#[inline]
fn skip_blanks(document: &[u8], at: usize) -> usize {
    if byte(document, at) > b' ' {
        at
    } else if byte(document, at + 1) > b' ' && is_blank(byte(document, at)) {
        at + 1
    } else {
        skip_many(document, at)
    }
}

#[inline(never)]
fn skip_many(document: &[u8], mut at: usize) -> usize {
    while is_blank(byte(document, at)) {
        at += 1;
    }
    at
}

#[inline]
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}
