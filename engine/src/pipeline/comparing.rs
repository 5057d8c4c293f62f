//! Two builds of a matcher over the same messages: the one that serves and a candidate, one after the other on one worker, so
//! that what they cost can be compared as well. Records nothing.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::evaluate::{Place, Portion, said};
use crate::{
    domain::difference::{Comparison, Each, Said},
    matcher::{GaveUp, Generation, Worker},
    telemetry::metrics::cpu_time,
};

/// Why they could not be compared: one of them has no word on the messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    #[error("the build that serves: {0}")]
    Old(GaveUp),
    #[error("the candidate: {0}")]
    New(GaveUp),
}

/// Compares the generation of a portion with a candidate. The index of the portion has to hold what both wait for.
pub fn compare(
    worker: &mut Worker,
    portion: &Portion,
    candidate: &Arc<Generation>,
) -> Result<Comparison, Incomparable> {
    let of_new = Portion { generation: Arc::clone(candidate), ..portion.clone() };
    let (old, cpu_of_old) = timed(|| said(worker, portion));
    let old = old.map_err(Incomparable::Old)?;
    let (new, cpu_of_new) = timed(|| said(worker, &of_new));
    let new = new.map_err(Incomparable::New)?;
    let mut comparison = noted(portion, &old, &new);
    comparison.tally.cpu_us = Each { old: micros(cpu_of_old), new: micros(cpu_of_new) };
    Ok(comparison)
}

/// What one build says, held against nothing: all of it is new.
pub fn show(worker: &mut Worker, portion: &Portion) -> Result<Comparison, Incomparable> {
    let (said, cpu) = timed(|| said(worker, portion));
    let said = said.map_err(Incomparable::New)?;
    let mut comparison = noted(portion, &HashMap::new(), &said);
    comparison.tally.cpu_us.new = micros(cpu);
    Ok(comparison)
}

/// What both say of each message.
fn noted(portion: &Portion, old: &HashMap<Place, Said>, new: &HashMap<Place, Said>) -> Comparison {
    let (mut comparison, nothing) = (Comparison::default(), Said::default());
    for place in &portion.places {
        let slice = &portion.slices[place.slice];
        let message = &slice.messages[place.message];
        let at = (&slice.partition.at(message.offset), message.arrival);
        comparison.note(at, old.get(place).unwrap_or(&nothing), new.get(place).unwrap_or(&nothing));
    }
    comparison
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = cpu_time();
    let done = work();
    (done, cpu_time().saturating_sub(began))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
