//! What a message costs: time as the service has it, and fuel, which is the same each time.
//!
//! Time is measured on a warm instance, called as a service's worker calls it. Fuel counts the guest's instructions on an
//! engine of its own, since counting takes time. Start at [`measure`].

mod work;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{
    batch::{Extraction, Why},
    fault::Fault,
    gave_up::GaveUp,
    instance::Instance,
    judgement::{Hit, Question},
    load::{Generation, LoadError},
    runtime::Runtime,
    worker::Worker,
};
use crate::domain::message::Message;
use work::Work;

/// Times are the medians of so many rounds, each of at least so long.
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(12);

/// What is measured.
pub struct Sample<'a> {
    pub topic: &'a str,
    /// At least one. Batches repeat them.
    pub messages: &'a [Message],
    /// The last word is measured with those whose message has the key of what is wanted.
    pub questions: &'a [Question<'a>],
    pub batches: &'a [usize],
}

/// What is asked about messages: what they are, and the last word on those that somebody may have wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    Extract,
    Confirm,
}

impl Call {
    /// As the interface names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Extract => "extract",
            Self::Confirm => "confirm",
        }
    }
}

/// What messages cost a matcher.
#[derive(Debug, Clone)]
pub struct Costs {
    /// By call, each with the numbers of messages in the order of the sample.
    pub batches: Vec<BatchCost>,
    /// Bytes of memory that one instance holds after all of it.
    pub memory: usize,
    /// How many of the messages it finds malformed.
    pub rejects: usize,
    /// How many questions the last word was measured with.
    pub hits: usize,
}

/// What one call costs.
#[derive(Debug, Clone)]
pub struct BatchCost {
    pub call: Call,
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
    let hits = on_own_stack(runtime, || hits(runtime, generation, sample))?;
    let works = Work::of(sample, &hits);
    let Counted { calls, memory, rejects } = on_own_stack(metered, || count(metered, counted, sample, &works))?;
    let times: Vec<_> = on_own_stack(runtime, || works.iter().map(|work| time(runtime, generation, work)).collect())?;
    let batches = works.iter().zip(calls).zip(times);
    let batches = batches.map(|((work, (fuel, returned)), time)| BatchCost {
        call: work.call,
        messages: work.messages,
        time,
        fuel,
        returned,
    });
    Ok(Costs { batches: batches.collect(), memory, rejects, hits: hits.len() })
}

fn on_own_stack<R: Send>(
    runtime: &Runtime,
    run: impl FnOnce() -> Result<R, MeasureError> + Send,
) -> Result<R, MeasureError> {
    runtime.on_own_stack(run).map_err(LoadError::Thread)?.ok_or(LoadError::Defect)?
}

/// What the last word is asked about.
fn hits<'a>(
    runtime: &Runtime,
    generation: &'a Arc<Generation>,
    sample: &'a Sample<'_>,
) -> Result<Vec<Hit<'a>>, MeasureError> {
    let mut worker = Worker::new(runtime.clone());
    let hits = sample.questions.iter().map(|question| Hit::find(&mut worker, generation, question));
    hits.filter_map(Result::transpose).collect::<Result<_, _>>().map_err(faulted(1))
}

fn faulted(batch: usize) -> impl Fn(GaveUp) -> MeasureError {
    move |error| MeasureError::Fault { batch, fault: error.fault().clone() }
}

struct Counted {
    /// Fuel and bytes returned of each work's calls.
    calls: Vec<(u64, usize)>,
    memory: usize,
    rejects: usize,
}

fn count(
    runtime: &Runtime,
    generation: &Generation,
    sample: &Sample<'_>,
    works: &[Work<'_>],
) -> Result<Counted, MeasureError> {
    let failed = |batch| move |fault| MeasureError::Fault { batch, fault };
    let mut instance = Instance::new(&generation.loaded, &runtime.limits).map_err(failed(0))?;
    let settings = instance.configure(&generation.config).map_err(failed(0))?;
    settings.map_err(|problems| LoadError::Config { name: Arc::clone(generation.name()), problems })?;
    let needs = generation.loaded.needs;
    // Each message alone also shows those that are malformed; a first pass fills what the guest keeps for later calls.
    let mut rejects = 0;
    for message in sample.messages {
        let mut extraction = Extraction::default();
        instance.extract(sample.topic, &[message], needs, &mut extraction).map_err(failed(1))?;
        rejects += extraction.set_aside.iter().filter(|it| matches!(it.why, Why::Rejected(_))).count();
    }
    let calls = works.iter().map(|work| work.count(&mut instance, needs).map_err(failed(work.messages)));
    Ok(Counted { calls: calls.collect::<Result<_, _>>()?, memory: instance.held(), rejects })
}

fn time(runtime: &Runtime, generation: &Arc<Generation>, work: &Work<'_>) -> Result<Duration, MeasureError> {
    let mut worker = Worker::new(runtime.clone());
    let mut call = |number: usize| work.ask(&mut worker, generation, number).map_err(faulted(work.messages));
    let first = work.batches.len().min(10);
    let begun = Instant::now();
    (0..first).try_for_each(&mut call)?;
    let once = begun.elapsed() / u32::try_from(first).unwrap_or(1);
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
