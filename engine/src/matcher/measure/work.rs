//! Calls of one kind with so many messages each.

use std::sync::Arc;

use super::{Call, Sample};
use crate::{
    domain::message::Message,
    matcher::{
        batch::Extraction,
        bindings::exports::eventlatch::matcher::guest::Needs,
        fault::Fault,
        gave_up::GaveUp,
        instance::{Candidate, Instance, Verdict},
        judgement::Hit,
        load::Generation,
        worker::Worker,
    },
};

pub(super) struct Work<'a> {
    pub(super) call: Call,
    pub(super) messages: usize,
    /// Enough for each message to be in one of them as often as any other.
    pub(super) batches: Vec<Batch<'a>>,
}

/// What one call is given.
pub(super) enum Batch<'a> {
    Extract(&'a str, Vec<&'a Message>),
    Confirm(Vec<Candidate<'a>>),
}

impl<'a> Work<'a> {
    /// All that is measured of a sample.
    pub(super) fn of(sample: &Sample<'a>, hits: &'a [Hit<'a>]) -> Vec<Self> {
        let messages: Vec<_> = sample.messages.iter().collect();
        let candidates: Vec<_> = hits.iter().map(Hit::candidate).collect();
        let work = |call, messages, batches| Self { call, messages, batches };
        let extract = sample.batches.iter().map(|size| {
            let batches = batches(&messages, *size).map(|batch| Batch::Extract(sample.topic, batch));
            work(Call::Extract, *size, batches.collect())
        });
        let confirm = sample
            .batches
            .iter()
            .filter(|_| !candidates.is_empty())
            .map(|size| work(Call::Confirm, *size, batches(&candidates, *size).map(Batch::Confirm).collect()));
        extract.chain(confirm).collect()
    }

    /// The fuel of a call, and the most bytes that one returned.
    pub(super) fn count(&self, instance: &mut Instance, needs: Needs) -> Result<(u64, usize), Fault> {
        let (mut fuel, mut returned) = (0, 0);
        for batch in &self.batches {
            let before = instance.fuel();
            returned = returned.max(batch.ask(instance, needs)?);
            fuel += before - instance.fuel();
        }
        Ok((fuel / self.batches.len().max(1) as u64, returned))
    }

    /// Makes one of the calls, as a service does.
    pub(super) fn ask(&self, worker: &mut Worker, generation: &Arc<Generation>, number: usize) -> Result<(), GaveUp> {
        match &self.batches[number % self.batches.len()] {
            Batch::Extract(topic, messages) => worker.extract(generation, topic, messages).map(drop),
            Batch::Confirm(candidates) => worker.confirm(generation, candidates).map(drop),
        }
    }
}

impl Batch<'_> {
    /// The bytes that are returned.
    fn ask(&self, instance: &mut Instance, needs: Needs) -> Result<usize, Fault> {
        match self {
            Self::Extract(topic, messages) => {
                let mut extraction = Extraction::default();
                instance.extract(topic, messages, needs, &mut extraction)?;
                Ok(extraction.bytes())
            }
            Self::Confirm(candidates) => {
                let verdicts = instance.confirm(candidates, needs)?;
                Ok(verdicts.iter().map(Verdict::bytes).sum())
            }
        }
    }
}

fn batches<T: Copy>(all: &[T], size: usize) -> impl Iterator<Item = Vec<T>> {
    let mut cycle = all.iter().copied().cycle();
    (0..all.len().div_ceil(size.max(1))).map(move |_| cycle.by_ref().take(size).collect())
}
