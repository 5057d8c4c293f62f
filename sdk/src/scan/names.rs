//! The wanted fields, arranged for quick comparison with what is in a document.

use super::text::unescape;

/// The wanted fields in the order they were asked for.
#[derive(Debug)]
pub(super) struct Names(Vec<Name>);

/// A name with its first and last eight bytes as numbers: up to 16 bytes, three comparisons tell all.
#[derive(Debug)]
struct Name {
    length: usize,
    head: u64,
    tail: u64,
    bytes: Box<[u8]>,
}

/// Up to this length a name's head and tail are all of it.
const COVERED: usize = 16;

impl Names {
    pub(super) fn new<S: AsRef<str>>(names: &[S]) -> Self {
        let name = |name: &S| {
            let bytes: Box<[u8]> = name.as_ref().as_bytes().into();
            let (head, tail) = ends(&bytes, 0, bytes.len());
            Name {
                length: bytes.len(),
                head,
                tail,
                bytes,
            }
        };
        Self(names.iter().map(name).collect())
    }

    /// Which wanted field the key `document[start..end]` is.
    #[inline]
    pub(super) fn position(&self, document: &[u8], start: usize, end: usize) -> Option<usize> {
        let length = end - start;
        let (head, tail) = ends(document, start, end);
        self.0.iter().position(|name| {
            name.length == length
                && name.head == head
                && name.tail == tail
                && (length <= COVERED || *name.bytes == document[start..end])
        })
    }

    /// As [`Names::position`], for a key with escapes.
    #[cold]
    pub(super) fn position_escaped(&self, document: &[u8], start: usize, end: usize) -> Option<usize> {
        let key = unescape(&document[start - 1..=end])?;
        self.0.iter().position(|name| *name.bytes == *key.as_bytes())
    }
}

/// The first and the last eight bytes of `document[start..end]`; of fewer, all of them and nothing.
#[inline]
fn ends(document: &[u8], start: usize, end: usize) -> (u64, u64) {
    let length = end - start;
    if length >= 8 {
        return (eight(document, start), eight(document, end - 8));
    }
    // Eight bytes are read where there are as many; those behind the name are shifted out.
    let head = match document.get(start..).and_then(<[u8]>::first_chunk) {
        Some(chunk) if length > 0 => u64::from_le_bytes(*chunk) << (64 - 8 * length) >> (64 - 8 * length),
        _ => document[start..end]
            .iter()
            .rev()
            .fold(0, |head, byte| head << 8 | u64::from(*byte)),
    };
    (head, 0)
}

#[inline]
fn eight(document: &[u8], at: usize) -> u64 {
    document
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .map_or(0, |chunk| u64::from_le_bytes(*chunk))
}
