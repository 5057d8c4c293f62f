//! Worker threads with warm instances: where messages are evaluated.
//!
//! A worker asks a matcher about a whole batch. On a fault it drops the instance and halves the batch until the message
//! at fault stands alone; a message that fails alone, twice, on fresh instances, is set aside with its fault.

use std::{
    collections::HashMap,
    sync::Arc,
    thread::{self, JoinHandle},
};

use jiff::civil::Date;

use super::{
    batch::Extraction,
    fault::Fault,
    instance::{Candidate, Instance, Prepared, Problem, Verdict},
    limits::Limits,
    load::Generation,
    runtime::{Runtime, RuntimeError},
};
use crate::domain::message::Message;

/// At most so many wanted messages in one call of `prepare`, by the interface.
const PREPARE_LIMIT: usize = 1_000;

type Job = Box<dyn FnOnce(&mut Worker) + Send>;

/// The worker threads. Dropping the pool ends them after the jobs in hand.
pub struct Pool {
    jobs: Option<crossbeam_channel::Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    limits: Limits,
}

impl Pool {
    /// Starts so many workers, at least two: one alone would do nothing else while a matcher is slow.
    pub fn start(runtime: &Runtime, workers: usize) -> Result<Self, RuntimeError> {
        let (jobs, inbox) = crossbeam_channel::unbounded::<Job>();
        let spawn = |number: usize| {
            let (inbox, mut worker) = (inbox.clone(), Worker::new(runtime.clone()));
            let run = move || inbox.iter().for_each(|job| job(&mut worker));
            let thread = thread::Builder::new().name(format!("matcher-{number}")).stack_size(runtime.thread_stack());
            thread.spawn(run).map_err(|error| RuntimeError::from(wasmtime::Error::from(error)))
        };
        let threads = (0..workers.max(2)).map(spawn).collect::<Result<_, _>>()?;
        Ok(Self { jobs: Some(jobs), threads, limits: runtime.limits.clone() })
    }

    pub fn workers(&self) -> usize {
        self.threads.len()
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// As [`Pool::run`], aside or not.
    pub fn run_where<R: Send + 'static, J>(&self, _aside: bool, job: J) -> impl Future<Output = R> + Send + use<R, J>
    where
        J: FnOnce(&mut Worker) -> R + Send + 'static,
    {
        self.run(job)
    }

    /// Hands a job to the next worker that is free, now, and answers when it is done.
    pub fn run<R: Send + 'static, J>(&self, job: J) -> impl Future<Output = R> + Send + use<R, J>
    where
        J: FnOnce(&mut Worker) -> R + Send + 'static,
    {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let job: Job = Box::new(move |worker| drop(answer.send(job(worker))));
        if let Some(jobs) = &self.jobs {
            drop(jobs.send(job));
        }
        async { answered.await.expect("a worker answers every job") }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

/// One thread's warm instances.
pub struct Worker {
    runtime: Runtime,
    /// By the generation's address, which cannot be another's as long as it is held here.
    warm: HashMap<usize, (Arc<Generation>, Instance)>,
}

impl Worker {
    fn new(runtime: Runtime) -> Self {
        Self { runtime, warm: HashMap::new() }
    }

    /// Says what messages are. What the matcher fails on is part of the answer.
    pub fn extract(&mut self, generation: &Arc<Generation>, topic: &str, messages: &[&Message]) -> Extraction {
        let mut extraction = Extraction::default();
        self.halve(
            generation,
            messages,
            &mut extraction,
            |instance, part, extraction| instance.extract(topic, part, generation.loaded.needs, extraction),
            |extraction, fault| extraction.append_fault(fault),
        );
        extraction
    }

    /// Asks for the last word on candidates; one verdict each.
    pub fn confirm(&mut self, generation: &Arc<Generation>, candidates: &[Candidate<'_>]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(candidates.len());
        self.halve(
            generation,
            candidates,
            &mut verdicts,
            |instance, part, verdicts| {
                verdicts.extend(instance.confirm(part, generation.loaded.needs)?);
                Ok(())
            },
            |verdicts, fault| verdicts.push(Verdict::Faulted(fault)),
        );
        verdicts
    }

    /// Checks and renders wanted messages for a business date; one answer each.
    pub fn prepare(
        &mut self,
        generation: &Arc<Generation>,
        wanted: &[&str],
        on: Date,
    ) -> Vec<Result<Prepared, Problem>> {
        let mut answers = Vec::with_capacity(wanted.len());
        for part in wanted.chunks(PREPARE_LIMIT) {
            self.halve(
                generation,
                part,
                &mut answers,
                |instance, part, answers| {
                    answers.extend(instance.prepare(part, on)?);
                    Ok(())
                },
                |answers, fault| answers.push(Err(Problem { field: None, message: fault.reason })),
            );
        }
        answers
    }

    /// Asks about all items at once; on a fault about each half, down to one item, which gets a second chance on a
    /// fresh instance before it is given up. `ask` adds to the answer only when it succeeds.
    fn halve<T, A>(
        &mut self,
        generation: &Arc<Generation>,
        items: &[T],
        answer: &mut A,
        ask: impl Fn(&mut Instance, &[T], &mut A) -> Result<(), Fault> + Copy,
        give_up: impl Fn(&mut A, Fault) + Copy,
    ) {
        if items.is_empty() {
            return;
        }
        let Err(fault) = self.attempt(generation, |instance| ask(instance, items, answer)) else {
            return;
        };
        if items.len() > 1 {
            let (first, second) = items.split_at(items.len() / 2);
            self.halve(generation, first, answer, ask, give_up);
            self.halve(generation, second, answer, ask, give_up);
        } else if let Err(again) = self.attempt(generation, |instance| ask(instance, items, answer)) {
            tracing::debug!(matcher = &**generation.name(), %fault, backtrace = fault.backtrace, "A message fails alone, twice");
            give_up(answer, again);
        }
    }

    /// One call on a warm instance. After a fault the instance is gone: the next call gets a fresh one.
    fn attempt<R>(
        &mut self,
        generation: &Arc<Generation>,
        call: impl FnOnce(&mut Instance) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let key = Arc::as_ptr(generation).addr();
        let mut instance = match self.warm.remove(&key) {
            Some((_, instance)) => instance,
            None => self.fresh(generation)?,
        };
        let answer = call(&mut instance)?;
        if instance.is_worn() {
            tracing::debug!(matcher = &**generation.name(), "A matcher's instance is replaced by a fresh one");
        } else {
            self.warm.insert(key, (Arc::clone(generation), instance));
        }
        Ok(answer)
    }

    fn fresh(&mut self, generation: &Generation) -> Result<Instance, Fault> {
        // Whoever holds the last reference to a generation here is the only one left: it has been replaced.
        self.warm.retain(|_, (generation, _)| Arc::strong_count(generation) > 1);
        let mut instance = Instance::new(&generation.loaded, &self.runtime.limits)?;
        let settings = instance.configure(&generation.config)?;
        settings.map_err(|_| Fault::bad_result("it refuses the configuration that it took before"))?;
        Ok(instance)
    }
}
