//! The wanted fields, arranged so that a look at one of them tells whether a key in a document is wanted.

use super::text::unescape;

/// The wanted fields in the order they were asked for, and where to look for a key.
///
/// Keys are hashed by their length, first and last eight bytes. The multiplier is chosen so that no two wanted fields
/// share a place; fields that no multiplier parts (more than 16 bytes, differing in the middle) are looked for one
/// after the other.
#[derive(Debug)]
pub(super) struct Names {
    names: Vec<Name>,
    /// By hash: the index of the only name that could be meant, [`NONE`], or [`MANY`].
    places: [u8; PLACES],
    multiplier: u64,
}

/// A name with its first and last eight bytes as numbers: up to 16 bytes, three comparisons tell all.
#[derive(Debug)]
struct Name {
    looks: Looks,
    bytes: Box<[u8]>,
}

/// What is seen of a key without a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Looks {
    length: usize,
    head: u64,
    tail: u64,
}

/// Up to this length a key's looks are all of it.
const COVERED: usize = 16;

const PLACES: usize = 64;
const NONE: u8 = u8::MAX;
const MANY: u8 = u8::MAX - 1;

/// How many multipliers are tried; for a handful of names the first few do.
const ATTEMPTS: u64 = 64;

impl Names {
    pub(super) fn new<S: AsRef<str>>(names: &[S]) -> Self {
        let name = |name: &S| {
            let bytes: Box<[u8]> = name.as_ref().as_bytes().into();
            Name { looks: Looks::of(&bytes, 0, bytes.len()), bytes }
        };
        let names: Vec<_> = names.iter().map(name).collect();
        let odd = |attempt: u64| 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(2 * attempt + 1);
        let tried = (0..ATTEMPTS).map(odd).map(|multiplier| (place_all(&names, multiplier), multiplier));
        let best = tried.into_iter().min_by_key(|(places, _)| places.iter().filter(|place| **place == MANY).count());
        let (places, multiplier) = best.unwrap_or(([MANY; PLACES], 1));
        Self { names, places, multiplier }
    }

    /// Which wanted field the key `document[start..end]` is.
    #[inline]
    pub(super) fn position(&self, document: &[u8], start: usize, end: usize) -> Option<usize> {
        let looks = Looks::of(document, start, end);
        let place = self.places[looks.place(self.multiplier)];
        if place == NONE {
            return None;
        }
        match self.names.get(usize::from(place)) {
            Some(name) if looks.length <= COVERED => (name.looks == looks).then_some(usize::from(place)),
            _ => self.search(document.get(start..end)?),
        }
    }

    /// As [`Names::position`], for a key with escapes.
    #[cold]
    #[inline(never)]
    pub(super) fn position_escaped(&self, document: &[u8], start: usize, end: usize) -> Option<usize> {
        self.search(unescape(document.get(start - 1..=end)?)?.as_bytes())
    }

    #[cold]
    #[inline(never)]
    fn search(&self, key: &[u8]) -> Option<usize> {
        self.names.iter().position(|name| *name.bytes == *key)
    }
}

/// Where each name is under a multiplier.
fn place_all(names: &[Name], multiplier: u64) -> [u8; PLACES] {
    let mut places = [NONE; PLACES];
    for (index, name) in names.iter().enumerate() {
        let place = &mut places[name.looks.place(multiplier)];
        *place = match u8::try_from(index) {
            Ok(index) if *place == NONE && index < MANY => index,
            _ => MANY,
        };
    }
    places
}

impl Looks {
    /// Of `document[start..end]`; of fewer than eight bytes the head is all of them and the tail nothing.
    #[inline]
    fn of(document: &[u8], start: usize, end: usize) -> Self {
        let length = end - start;
        if length >= 8 {
            return Self { length, head: eight(document, start), tail: eight(document, end - 8) };
        }
        // Eight bytes are read where there are as many; those behind the key are shifted out.
        let head = match document.get(start..).and_then(<[u8]>::first_chunk) {
            Some(chunk) if length > 0 => u64::from_le_bytes(*chunk) << (64 - 8 * length) >> (64 - 8 * length),
            _ => document[start..end].iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte)),
        };
        Self { length, head, tail: 0 }
    }

    #[inline]
    fn place(self, multiplier: u64) -> usize {
        let mixed = (self.head ^ self.tail.rotate_left(29) ^ self.length as u64).wrapping_mul(multiplier);
        (mixed >> 58) as usize
    }
}

#[inline]
fn eight(document: &[u8], at: usize) -> u64 {
    document.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_nothing_else() {
        let long = ["a_rather_long_name_1_of_a_field", "a_rather_long_name_2_of_a_field"];
        let mut names: Vec<String> = (0..100).map(|index| format!("f{index}")).collect();
        names.extend(long.map(str::to_owned));
        names.push(String::new());
        let table = Names::new(&names);
        for (index, name) in names.iter().enumerate() {
            let document = format!("{{\"{name}\":1}}");
            assert_eq!(table.position(document.as_bytes(), 2, 2 + name.len()), Some(index), "{name}");
        }
        for other in ["f", "f100", "a_rather_long_name_3_of_a_field", "g1", "f1\0"] {
            assert_eq!(table.position(other.as_bytes(), 0, other.len()), None, "{other}");
        }
    }
}
