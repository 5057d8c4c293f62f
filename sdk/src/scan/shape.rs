//! The shapes of the documents seen before: what stands between their values.
//!
//! Messages of a topic mostly come from a few programs and differ in their values only. Once a document has been walked
//! over, the bytes between its values (`, "table": "`) are remembered, each with the field that follows. In the next
//! document the same bytes behind a value mean the same, so comparing them saves taking them apart. Where they differ
//! from the shape seen last the others are tried, and where none fits the walk goes on as if there were no memory.

use super::block::{WIDTH, equal};

/// Gaps longer than this are not remembered.
pub(super) const LONGEST: usize = 2 * WIDTH;

/// So many shapes are remembered.
const SHAPES: usize = 4;

/// After so many documents of other shapes in a row one of them takes the place of the oldest.
const PATIENCE: u32 = 4;

/// Documents with more fields than this are remembered up to here.
const MOST: usize = 64;

/// What is remembered: it makes documents like the last ones cheaper, and changes nothing else.
#[derive(Debug, Default)]
pub struct Memory {
    shapes: [Vec<Gap>; SHAPES],
    /// The shape that the last document had.
    latest: usize,
    /// The shape that was learnt last.
    newest: usize,
    /// How many documents in a row had no remembered shape.
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
    pub(super) fn latest(&self) -> usize {
        self.latest
    }

    /// The gaps of a shape, without those before the first `fields` values.
    #[inline]
    pub(super) fn gaps(&self, shape: usize, fields: usize) -> &[Gap] {
        self.shapes[shape].get(fields..).unwrap_or_default()
    }

    /// A shape that goes on at `at`, behind so many values, as the document does.
    ///
    /// What came before it need not be the same: a gap means the same behind any value.
    #[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
    pub(super) fn fitting(&self, document: &[u8], at: usize, fields: usize) -> Option<usize> {
        let goes_on = |shape: &Vec<Gap>| shape.get(fields).is_some_and(|gap| gap.after(document, at).is_some());
        self.shapes.iter().position(goes_on)
    }

    /// Notes that a document had a remembered shape.
    #[inline]
    pub(super) fn hit(&mut self, shape: usize) {
        self.misses = 0;
        self.latest = shape;
    }

    /// Notes that a document had another shape. Says whether to remember it: if there is room, or if none of the
    /// remembered came for a while; ever more rarely where all are different.
    #[cold]
    #[inline(never)]
    pub(super) fn learns(&mut self) -> bool {
        self.misses = self.misses.saturating_add(1);
        let oldest = (self.newest + 1) % SHAPES;
        let learns = self.misses.is_power_of_two() && (self.shapes[oldest].is_empty() || self.misses >= PATIENCE);
        if learns {
            self.shapes[oldest].clear();
            (self.newest, self.latest) = (oldest, oldest);
        }
        learns
    }

    /// Remembers a gap; false if it or what follows cannot be.
    pub(super) fn add(&mut self, gap: &[u8], name: Option<usize>, text: bool) -> bool {
        let gaps = &mut self.shapes[self.newest];
        if gap.len() > LONGEST || gaps.len() == MOST {
            return false;
        }
        let mut blocks = [[0; WIDTH]; 2];
        for (to, from) in blocks.as_flattened_mut().iter_mut().zip(gap) {
            *to = *from;
        }
        gaps.push(Gap { blocks, length: gap.len(), name, text });
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
