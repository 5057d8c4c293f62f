//! The grammar: walks over a document once, without recursion.

use super::names::Names;
use super::number::{byte, number};
use super::text::text;
use super::{Found, Kind};

/// How deep serde_json nests; the outermost object counts.
const DEEPEST: u32 = 127;

/// Walks over a document that is one object and notes the wanted fields; `None` if it is not.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
pub(super) fn object(document: &[u8], names: &Names, found: &mut [Found]) -> Option<()> {
    let mut at = skip_blanks(document, 0);
    if byte(document, at) != b'{' {
        return None;
    }
    at = skip_blanks(document, at + 1);
    if byte(document, at) != b'}' {
        loop {
            let (name, after) = key(document, at, names)?;
            let (value, after) = value(document, after)?;
            if let Some(slot) = name.and_then(|name| found.get_mut(name)) {
                *slot = value;
            }
            at = skip_blanks(document, after);
            match byte(document, at) {
                b',' => at = skip_blanks(document, at + 1),
                b'}' => break,
                _ => return None,
            }
        }
    }
    (skip_blanks(document, at + 1) == document.len()).then_some(())
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

/// The value that begins at `at`, and the index after it.
#[inline]
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn value(document: &[u8], at: usize) -> Option<(Found, usize)> {
    let (kind, start, end, after) = match byte(document, at) {
        b'"' => {
            let text = text(document, at + 1)?;
            (
                if text.escaped { Kind::Escaped } else { Kind::Text },
                at + 1,
                text.end,
                text.end + 1,
            )
        }
        b'-' | b'0'..=b'9' => {
            let end = number(document, at)?;
            (Kind::Number, at, end, end)
        }
        b'{' | b'[' => {
            let end = nested(document, at)?;
            (Kind::Nested, at, end, end)
        }
        first => {
            let (kind, end) = word(document, at, first)?;
            (kind, at, end, end)
        }
    };
    Some((
        Found {
            kind,
            start: start as u32,
            end: end as u32,
        },
        after,
    ))
}

/// `true`, `false` or `null`.
#[inline]
fn word(document: &[u8], at: usize, first: u8) -> Option<(Kind, usize)> {
    let (kind, word): (_, &[u8]) = match first {
        b't' => (Kind::True, b"true"),
        b'f' => (Kind::False, b"false"),
        b'n' => (Kind::Null, b"null"),
        _ => return None,
    };
    let end = at + word.len();
    (document.get(at..end)? == word).then_some((kind, end))
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
        let mut after = if empty {
            Some(at)
        } else {
            item(document, at, object, &mut at)?
        };
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

#[inline]
fn skip_blanks(document: &[u8], mut at: usize) -> usize {
    while matches!(byte(document, at), b' ' | b'\n' | b'\t' | b'\r') {
        at += 1;
    }
    at
}
