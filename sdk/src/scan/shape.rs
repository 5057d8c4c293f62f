//! The shape of the documents seen before: what stands between their values.
//!
//! Messages of a topic mostly come from one program and differ in their values only. Once a document has been walked
//! over, the bytes between its values (`, "table": "`) are remembered, each with the field that follows. In the next
//! document the same bytes in the same place mean the same, so comparing them saves taking them apart. Where they
//! differ the walk goes on as if there were no memory.

use super::block::{WIDTH, equal};

/// Gaps longer than this are not remembered.
pub(super) const LONGEST: usize = 2 * WIDTH;

/// After so many documents of other shapes one of them is remembered instead.
const PATIENCE: u32 = 4;

/// Documents with more fields than this are remembered up to here.
const MOST: usize = 64;

/// What is remembered: it makes documents like the last ones cheaper, and changes nothing else.
#[derive(Debug, Default)]
pub struct Memory {
    gaps: Vec<Gap>,
    /// How many documents in a row did not have the remembered shape.
    misses: u32,
}

/// What stands between two values of the outermost object, or before the first.
#[derive(Debug)]
pub(super) struct Gap {
    blocks: [[u8; WIDTH]; 2],
    length: usize,
    /// Which wanted field the next value is.
    pub(super) name: Option<usize>,
    /// Whether the gap ends with the opening quote of a string.
    pub(super) text: bool,
}

impl Memory {
    #[inline]
    pub(super) fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Notes that a document had the remembered shape.
    #[inline]
    pub(super) fn hit(&mut self) {
        self.misses = 0;
    }

    /// Notes that a document had another shape. Says whether to remember that one instead: if nothing is remembered yet,
    /// or if there was no other for a while; ever more rarely where all are different.
    #[cold]
    #[inline(never)]
    pub(super) fn learns(&mut self) -> bool {
        self.misses = self.misses.saturating_add(1);
        let learns = self.misses.is_power_of_two() && (self.gaps.is_empty() || self.misses >= PATIENCE);
        if learns {
            self.gaps.clear();
        }
        learns
    }

    /// Remembers a gap; false if it or what follows cannot be.
    pub(super) fn add(&mut self, gap: &[u8], name: Option<usize>, text: bool) -> bool {
        if gap.len() > LONGEST || self.gaps.len() == MOST {
            return false;
        }
        let mut blocks = [[0; WIDTH]; 2];
        for (to, from) in blocks.as_flattened_mut().iter_mut().zip(gap) {
            *to = *from;
        }
        self.gaps.push(Gap { blocks, length: gap.len(), name, text });
        true
    }
}

impl Gap {
    /// The index after the gap, if it is what stands at `at`.
    ///
    /// None also where fewer than 16 (or 32) bytes are left: not worth a comparison of its own.
    #[inline]
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    pub(super) fn after(&self, document: &[u8], at: usize) -> Option<usize> {
        let rest = document.get(at..)?;
        let equals = equal(rest.first_chunk()?, &self.blocks[0]);
        if self.length <= WIDTH {
            return (equals.trailing_ones() as usize >= self.length).then_some(at + self.length);
        }
        let more = equal(rest.get(WIDTH..)?.first_chunk()?, &self.blocks[1]);
        let both = equals | more << WIDTH;
        (both.trailing_ones() as usize >= self.length).then_some(at + self.length)
    }
}
