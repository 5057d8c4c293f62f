//! A batch of one topic, cut into portions for the workers and put together again.

use std::sync::Arc;

use super::{
    evaluate::{Finding, Found, Place, Portion},
    keeping::Keeping,
};
use crate::{
    domain::{message::Slice, recording::Recording},
    matcher::Generation,
    sensor::Index,
};

/// A batch smaller than this is not worth splitting over workers.
const PORTION: usize = 256;

/// More messages in one call cost no less each, and need more of a guest's memory.
const LARGEST: usize = 1_024;

/// How a batch is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut {
    pub(super) workers: usize,
    /// So many messages a portion at most.
    pub(super) messages: Option<usize>,
    /// Messages of so many partitions a portion at most.
    pub(super) partitions: Option<usize>,
}

/// All messages of some slices.
fn places(slices: &[Slice]) -> Vec<Place> {
    let of = |(number, slice): (usize, &Slice)| {
        (0..slice.messages.len()).map(move |message| Place { slice: number, message }).collect::<Vec<_>>()
    };
    slices.iter().enumerate().flat_map(of).collect()
}

/// A share of a batch for each worker.
pub(super) fn portions(
    slices: &Arc<Vec<Slice>>,
    index: &Arc<Index>,
    generation: &Arc<Generation>,
    keeping: &Arc<Keeping>,
    cut: Cut,
) -> Vec<Portion> {
    let Some(first) = slices.first() else {
        return Vec::new();
    };
    let places = places(slices);
    let share = places.len().div_ceil(cut.workers).clamp(PORTION, LARGEST).min(cut.messages.unwrap_or(usize::MAX));
    let portion = |places: &[Place]| Portion {
        slices: Arc::clone(slices),
        topic: Arc::clone(&first.partition.topic),
        places: places.to_vec(),
        index: Arc::clone(index),
        generation: Arc::clone(generation),
        keeping: Arc::clone(keeping),
    };
    let partitions = cut.partitions.unwrap_or(usize::MAX);
    let together = places.chunk_by(|one, next| one.slice / partitions == next.slice / partitions);
    together.flat_map(|places| places.chunks(share)).map(portion).collect()
}

/// What slices came to, in the order of their offsets.
pub(super) fn recordings(slices: &[Slice], findings: impl IntoIterator<Item = Finding>) -> Vec<Recording> {
    let mut recordings: Vec<_> = slices.iter().map(empty).collect();
    for (place, found) in findings {
        note(&mut recordings[place.slice], found);
    }
    recordings.iter_mut().for_each(in_offset_order);
    recordings
}

fn empty(slice: &Slice) -> Recording {
    Recording {
        partition: slice.partition.clone(),
        span: slice.span,
        matches: Vec::new(),
        near_misses: Vec::new(),
        dead_letters: Vec::new(),
        skipped: Vec::new(),
        halt: None,
    }
}

fn note(recording: &mut Recording, found: Found) {
    match found {
        Found::Match(it) => recording.matches.push(it),
        Found::NearMiss(it) => recording.near_misses.push(it),
        Found::DeadLetter(it) => recording.dead_letters.push(it),
    }
}

fn in_offset_order(recording: &mut Recording) {
    recording.matches.sort_by_key(|it| it.sighting.offset);
    recording.near_misses.sort_by_key(|it| it.sighting.offset);
    recording.dead_letters.sort_by_key(|it| it.offset);
}
