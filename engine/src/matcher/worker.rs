//! One thread's warm instances: where messages are evaluated.
//!
//! A worker asks a matcher about a whole portion. On a fault it drops the instance and [`super::search`]es for the
//! messages at fault; those are set aside with it, which is part of the answer. Where that is not possible, or would
//! cost too much, the portion is given up as a whole and says why.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use jiff::civil::Date;

use super::{
    batch::Extraction,
    fault::Fault,
    gave_up::GaveUp,
    instance::{Candidate, Instance, Prepared, Problem, Verdict},
    load::Generation,
    runtime::Runtime,
    search::{Failed, Patience, Search},
};
use crate::{domain::message::Message, telemetry::metrics::cpu_time};

/// At most so many wanted messages in one call of `prepare`, by the interface.
const PREPARE_LIMIT: usize = 1_000;

/// Wanted messages are few, and nobody runs them aside: one that loops is found, a second one is not looked for.
const PREPARE_TIME_OUTS: usize = 1;

/// One thread's warm instances.
pub struct Worker {
    runtime: Runtime,
    patience: Patience,
    /// By the generation's address, which cannot be another's as long as it is known here. A generation that has been
    /// replaced is not kept alive: several workers would each wait for the others to let go of it.
    warm: HashMap<usize, (Weak<Generation>, Instance)>,
}

impl Worker {
    /// One that gives a portion up at the first time-out.
    pub(super) fn new(runtime: Runtime) -> Self {
        let patience = Patience { faults: runtime.limits.tolerated_faults, time_outs: 0 };
        Self { runtime, patience, warm: HashMap::new() }
    }

    /// One that has time: it finds messages on which a matcher loops.
    pub(super) fn aside(runtime: Runtime) -> Self {
        let faults = runtime.limits.tolerated_faults;
        // One more than there can be: it is the number of faults that ends the search.
        Self { patience: Patience { faults, time_outs: faults.saturating_add(1) }, ..Self::new(runtime) }
    }

    /// Says what messages are. The messages that the matcher fails on are part of the answer.
    pub fn extract(
        &mut self,
        generation: &Arc<Generation>,
        topic: &str,
        messages: &[&Message],
    ) -> Result<Extraction, GaveUp> {
        generation.usage.note_messages(messages);
        let (patience, mut extraction) = (self.patience, Extraction::default());
        let ask = |part: &[&Message], extraction: &mut Extraction| {
            self.attempt(generation, |instance| instance.extract(topic, part, generation.loaded.needs, extraction))
        };
        Search::new(patience, messages.len(), ask, Extraction::append_fault).run(messages, &mut extraction)?;
        Ok(extraction)
    }

    /// Asks for the last word on candidates; one verdict each.
    pub fn confirm(
        &mut self,
        generation: &Arc<Generation>,
        candidates: &[Candidate<'_>],
    ) -> Result<Vec<Verdict>, GaveUp> {
        let (patience, mut verdicts) = (self.patience, Vec::with_capacity(candidates.len()));
        let ask = |part: &[Candidate<'_>], verdicts: &mut Vec<Verdict>| {
            verdicts.extend(self.attempt(generation, |instance| instance.confirm(part, generation.loaded.needs))?);
            Ok(())
        };
        let give_up = |verdicts: &mut Vec<Verdict>, fault| verdicts.push(Verdict::Faulted(fault));
        Search::new(patience, candidates.len(), ask, give_up).run(candidates, &mut verdicts)?;
        Ok(verdicts)
    }

    /// Checks and renders wanted messages for a business date; one answer each. One that the matcher refuses, or on which
    /// it fails alone, is a problem of that one.
    pub fn prepare(
        &mut self,
        generation: &Arc<Generation>,
        wanted: &[&str],
        on: Date,
    ) -> Result<Vec<Result<Prepared, Problem>>, GaveUp> {
        let mut answers = Vec::with_capacity(wanted.len());
        let patience = Patience { time_outs: PREPARE_TIME_OUTS, ..self.patience };
        let ask = |part: &[&str], answers: &mut Answers| {
            answers.extend(self.attempt(generation, |instance| instance.prepare(part, on))?);
            Ok(())
        };
        let give_up = |answers: &mut Answers, fault: Fault| answers.push(Err(Problem::general(fault.reason)));
        let mut search = Search::new(patience, wanted.len(), ask, give_up);
        wanted.chunks(PREPARE_LIMIT).try_for_each(|part| search.run(part, &mut answers))?;
        Ok(answers)
    }

    /// Drops the instances of generations that nobody asks any more.
    pub(super) fn tidy(&mut self) {
        self.warm.retain(|_, (generation, _)| generation.strong_count() > 0);
    }

    /// One call on a warm instance. After a fault the instance is gone: the next call gets a fresh one.
    fn attempt<R>(
        &mut self,
        generation: &Arc<Generation>,
        call: impl FnOnce(&mut Instance) -> Result<R, Fault>,
    ) -> Result<R, Failed> {
        let key = Arc::as_ptr(generation).addr();
        let mut instance = match self.warm.remove(&key) {
            Some((_, instance)) => instance,
            None => self.fresh(generation).map_err(Failed::NotStarted)?,
        };
        let began = cpu_time();
        let answer = call(&mut instance);
        generation.usage.note_cpu(cpu_time().saturating_sub(began));
        generation.usage.note_call(instance.memory());
        let answer = answer.map_err(|fault| failed(generation, fault))?;
        if instance.is_worn() {
            tracing::debug!(matcher = &**generation.name(), "A matcher's instance is replaced by a fresh one");
        } else {
            self.warm.insert(key, (Arc::downgrade(generation), instance));
        }
        Ok(answer)
    }

    fn fresh(&mut self, generation: &Generation) -> Result<Instance, Fault> {
        self.tidy();
        let mut instance = Instance::new(&generation.loaded, &self.runtime.limits)?;
        let settings = instance.configure(&generation.config)?;
        settings.map_err(|_| Fault::bad_result("it refuses the configuration that it took before"))?;
        Ok(instance)
    }
}

type Answers = Vec<Result<Prepared, Problem>>;

fn failed(generation: &Generation, fault: Fault) -> Failed {
    tracing::debug!(matcher = &**generation.name(), %fault, backtrace = fault.backtrace, "A matcher fails");
    Failed::Call(fault)
}
