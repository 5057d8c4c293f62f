//! What a message costs: time as the service has it, and fuel, which is the same each time.
//!
//! Time is measured on a warm instance, called as a service's worker calls it. Fuel counts the guest's instructions on an
//! engine of its own, since counting takes time. Start at [`measure`].

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    batch::{Extraction, Why},
    fault::Fault,
    instance::Instance,
    load::{Generation, LoadError},
    runtime::Runtime,
    worker::Worker,
};
use crate::domain::message::Message;

/// Times are the medians of so many rounds, each of at least so long.
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(12);

/// What is measured.
pub struct Sample<'a> {
    pub topic: &'a str,
    /// At least one. Batches repeat them.
    pub messages: &'a [Message],
    pub batches: &'a [usize],
}

/// What messages cost a matcher.
#[derive(Debug, Clone)]
pub struct Costs {
    pub batches: Vec<BatchCost>,
    /// Bytes of memory that one instance holds after all of it.
    pub memory: usize,
    /// How many of the messages it finds malformed.
    pub rejects: usize,
}

/// What one call costs.
#[derive(Debug, Clone)]
pub struct BatchCost {
    pub messages: usize,
    pub time: Duration,
    /// Of the guest's instructions, most count one.
    pub fuel: u64,
    /// Bytes that it returned.
    pub returned: usize,
}

/// Why a matcher cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("{batch} messages in one call: it {fault}")]
    Fault { batch: usize, fault: Fault },
}

/// Measures one build. `metered` is a runtime that counts fuel, with the same limits, and `counted` the same build loaded there.
pub fn measure(
    (runtime, generation): (&Runtime, &Arc<Generation>),
    (metered, counted): (&Runtime, &Arc<Generation>),
    sample: &Sample<'_>,
) -> Result<Costs, MeasureError> {
    let counts = || count(metered, counted, sample);
    let (counts, memory, rejects) =
        metered.on_own_stack(counts).map_err(LoadError::Thread)?.ok_or(LoadError::Defect)??;
    let times = || sample.batches.iter().map(|size| time(runtime, generation, sample, *size)).collect();
    let times: Result<Vec<_>, MeasureError> =
        runtime.on_own_stack(times).map_err(LoadError::Thread)?.ok_or(LoadError::Defect)?;
    let batches = counts.into_iter().zip(times?);
    let batches =
        batches.map(|(Counted { messages, fuel, returned }, time)| BatchCost { messages, time, fuel, returned });
    Ok(Costs { batches: batches.collect(), memory, rejects })
}

struct Counted {
    messages: usize,
    fuel: u64,
    returned: usize,
}

fn count(
    runtime: &Runtime,
    generation: &Generation,
    sample: &Sample<'_>,
) -> Result<(Vec<Counted>, usize, usize), MeasureError> {
    let failed = |batch| move |fault| MeasureError::Fault { batch, fault };
    let mut instance = Instance::new(&generation.loaded, &runtime.limits).map_err(failed(0))?;
    let settings = instance.configure(&generation.config).map_err(failed(0))?;
    settings.map_err(|problems| LoadError::Config { name: Arc::clone(generation.name()), problems })?;
    let mut call = |messages: &[&Message]| {
        let (mut extraction, before) = (Extraction::default(), instance.fuel());
        let called = instance.extract(sample.topic, messages, generation.loaded.needs, &mut extraction);
        called.map_err(failed(messages.len()))?;
        Ok::<_, MeasureError>((before - instance.fuel(), extraction))
    };
    // Each message alone also shows those that are malformed; a first pass fills what the guest keeps for later calls.
    let mut rejects = 0;
    for message in sample.messages {
        let (_, extraction) = call(&[message])?;
        rejects += extraction.set_aside.iter().filter(|it| matches!(it.why, Why::Rejected(_))).count();
    }
    let mut counted = Vec::new();
    for size in sample.batches {
        let (mut fuel, mut returned, mut calls) = (0, 0, 0);
        for messages in batches(sample.messages, *size) {
            let (used, extraction) = call(&messages)?;
            fuel += used;
            returned = returned.max(extraction.bytes());
            calls += 1;
        }
        counted.push(Counted { messages: *size, fuel: fuel / calls, returned });
    }
    Ok((counted, instance.held(), rejects))
}

/// Enough batches for each message to be in one of them as often as any other.
fn batches(messages: &[Message], size: usize) -> Vec<Vec<&Message>> {
    let mut cycle = messages.iter().cycle();
    let several = messages.len().div_ceil(size.max(1));
    (0..several).map(|_| cycle.by_ref().take(size).collect()).collect()
}

fn time(
    runtime: &Runtime,
    generation: &Arc<Generation>,
    sample: &Sample<'_>,
    size: usize,
) -> Result<Duration, MeasureError> {
    let mut worker = Worker::new(runtime.clone());
    let batches = batches(sample.messages, size);
    let mut call = |number: usize| {
        let messages = &batches[number % batches.len()];
        let called = worker.extract(generation, sample.topic, messages);
        called.map(drop).map_err(|error| MeasureError::Fault { batch: size, fault: error.fault().clone() })
    };
    let begun = Instant::now();
    (0..batches.len().min(10)).try_for_each(&mut call)?;
    let once = begun.elapsed() / u32::try_from(batches.len().min(10)).unwrap_or(1);
    let calls = (ROUND.as_nanos() / once.as_nanos().max(1)).clamp(1, 100_000) as usize;
    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        (0..calls).try_for_each(&mut call)?;
        rounds.push(begun.elapsed() / calls as u32);
    }
    rounds.sort();
    Ok(rounds[ROUNDS / 2])
}
