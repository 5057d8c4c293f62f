//! The field scanner: finds a few top-level fields of a JSON object while it validates the whole document.
//!
//! It accepts and rejects exactly what `serde_json::from_slice::<serde_json::Value>` accepts and rejects, in one pass
//! and without building anything; `examples/fuzz_scanner.rs` holds it to that. What is common (plain strings, short
//! numbers) is done here, 16 bytes at a time; what is rare (escapes, exponents) is given to serde_json token by token,
//! so that the two are equal by construction.
//!
//! Start reading at [`Scanner::scan`]; `walk` is the grammar, `text`, `number` and `block` are its tokens, `names`
//! knows the wanted fields. This folder is the only place of the SDK with `unsafe` code of its own, in `block`.

mod block;
mod names;
mod number;
mod shape;
mod text;
mod walk;

use names::Names;

pub(crate) use number::long_integer;
pub use shape::Memory;

/// What a wanted field was found to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// The object has no such field.
    #[default]
    Absent,
    /// A string whose bytes stand for themselves.
    Text,
    /// A string with escapes.
    Escaped,
    /// A number.
    Number,
    /// `true`.
    True,
    /// `false`.
    False,
    /// `null`.
    Null,
    /// An object or array.
    Nested,
}

/// A field's value: what it is, and where in the document. A string's quotes are not part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// What the value is.
    pub kind: Kind,
    /// The index of its first byte.
    pub start: u32,
    /// The index after its last byte.
    pub end: u32,
}

impl Found {
    #[inline]
    fn new(kind: Kind, start: usize, end: usize) -> Self {
        // No message comes near 4 GiB: a guest's whole memory is as large.
        Self { kind, start: start as u32, end: end as u32 }
    }

    /// The value's bytes in the document it was found in.
    #[inline]
    pub fn bytes<'d>(&self, document: &'d [u8]) -> &'d [u8] {
        document.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Why a document was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is no JSON.
    Malformed,
    /// It is JSON, but not an object.
    NotAnObject,
}

/// Finds fields by their names.
#[derive(Debug)]
pub struct Scanner {
    names: Names,
}

impl Scanner {
    /// A scanner for these fields.
    pub fn new<S: AsRef<str>>(names: &[S]) -> Self {
        Self { names: Names::new(names) }
    }

    /// Writes to `found[i]` what the `i`-th name's value is; of a repeated field, the last one's.
    ///
    /// `memory` makes documents of one shape cheaper and changes nothing else. After a fault `found` holds nothing of use.
    #[inline]
    pub fn scan(&self, document: &[u8], memory: &mut Memory, found: &mut [Found]) -> Result<(), Fault> {
        for slot in found.iter_mut() {
            slot.kind = Kind::Absent;
        }
        if walk::object(document, &self.names, memory, found).is_some() { Ok(()) } else { Err(fault_of(document)) }
    }
}

/// Tells the two faults apart; the walk itself stops at whatever it does not know.
#[cold]
fn fault_of(document: &[u8]) -> Fault {
    let first = document.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    if first != Some(&b'{') && serde_json::from_slice::<serde_json::Value>(document).is_ok() {
        Fault::NotAnObject
    } else {
        Fault::Malformed
    }
}

#[cfg(test)]
mod tests;
