//! The threads that evaluate: ordinary workers, one aside, and a spare one.
//!
//! Whoever has a job hands it to the ordinary workers. What runs out of time there is run again aside, where it takes
//! as long as it takes without keeping another matcher's messages waiting. The spare one does what nobody waits for, with
//! processor time that is left over. Knows nothing of what the jobs do.

use std::{
    thread::{self, JoinHandle},
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::{
    limits::Limits,
    runtime::{Runtime, RuntimeError},
    worker::Worker,
};

/// One worker alone would do nothing else while a matcher is slow.
const FEWEST: usize = 2;

/// About a tenth of the share of an ordinary thread.
const ASIDE_NICENESS: i32 = 10;

/// About a seventieth.
const SPARE_NICENESS: i32 = 19;

/// A worker without a job for so long looks which of its instances are still needed.
const IDLE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce(&mut Worker) + Send>;

/// All threads that run matchers. Dropping the pool ends them after the jobs in hand; it waits for the ordinary ones.
pub struct Pool {
    ordinary: Crew,
    aside: Crew,
    spare: Crew,
    runtime: Runtime,
}

impl Pool {
    /// Starts so many ordinary workers, at least two, and the one aside.
    pub fn start(runtime: &Runtime, workers: usize) -> Result<Self, RuntimeError> {
        let name = |number| format!("matcher-{number}");
        let ordinary = || Worker::new(runtime.clone());
        let ordinary = Crew::start(runtime, (0..workers.max(FEWEST)).map(name), ordinary, || ())?;
        let aside_worker = || Worker::aside(runtime.clone());
        let aside = Crew::start(runtime, ["matcher-aside".to_owned()], aside_worker, || stand_back(ASIDE_NICENESS))?;
        let spare = Crew::start(runtime, ["matcher-spare".to_owned()], aside_worker, || stand_back(SPARE_NICENESS))?;
        Ok(Self { ordinary, aside, spare, runtime: runtime.clone() })
    }

    /// How many jobs are done at once, not counting the one aside.
    pub fn workers(&self) -> usize {
        self.ordinary.threads.len()
    }

    pub fn limits(&self) -> &Limits {
        &self.runtime.limits
    }

    /// How many instances there are, as far as that is counted.
    pub fn instances(&self) -> Option<u64> {
        self.runtime.instances()
    }

    /// Hands a job to the next worker that is free, now, and answers when it is done.
    pub fn run<R: Send + 'static, J>(&self, job: J) -> impl Future<Output = R> + Send + use<R, J>
    where
        J: FnOnce(&mut Worker) -> R + Send + 'static,
    {
        self.ordinary.run(job)
    }

    /// Hands a job to the worker aside, which looks for looping messages one by one.
    pub fn run_aside<R: Send + 'static, J>(&self, job: J) -> impl Future<Output = R> + Send + use<R, J>
    where
        J: FnOnce(&mut Worker) -> R + Send + 'static,
    {
        self.aside.run(job)
    }

    /// Hands a job to the spare worker, which looks for looping messages as well.
    pub fn run_spare<R: Send + 'static, J>(&self, job: J) -> impl Future<Output = R> + Send + use<R, J>
    where
        J: FnOnce(&mut Worker) -> R + Send + 'static,
    {
        self.spare.run(job)
    }

    /// As [`Pool::run_aside`] or as [`Pool::run`].
    pub fn run_where<R: Send + 'static, J>(&self, aside: bool, job: J) -> impl Future<Output = R> + Send + use<R, J>
    where
        J: FnOnce(&mut Worker) -> R + Send + 'static,
    {
        let crew = if aside { &self.aside } else { &self.ordinary };
        crew.run(job)
    }
}

/// Lets the other threads of this process go first where there are not enough processors. On Linux a thread has a
/// priority of its own; elsewhere it would be the whole process's.
#[cfg_attr(not(target_os = "linux"), expect(unused_variables, reason = "see above"))]
fn stand_back(niceness: i32) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(niceness) {
        tracing::debug!(%error, "A thread has the same priority as the others");
    }
}

/// Threads that share a queue.
struct Crew {
    jobs: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Crew {
    fn start(
        runtime: &Runtime,
        names: impl IntoIterator<Item = String>,
        worker: impl Fn() -> Worker,
        begin: fn(),
    ) -> Result<Self, RuntimeError> {
        let (jobs, inbox) = crossbeam_channel::unbounded::<Job>();
        let spawn = |name: String| {
            let (inbox, mut worker) = (inbox.clone(), worker());
            let run = move || {
                begin();
                serve(&inbox, &mut worker);
            };
            let thread = thread::Builder::new().name(name).stack_size(runtime.thread_stack());
            thread.spawn(run).map_err(|error| RuntimeError::from(wasmtime::Error::from(error)))
        };
        let threads = names.into_iter().map(spawn).collect::<Result<_, _>>()?;
        Ok(Self { jobs: Some(jobs), threads })
    }

    /// Waits for the jobs in hand.
    fn end(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }

    fn run<R: Send + 'static, J>(&self, job: J) -> impl Future<Output = R> + Send + use<R, J>
    where
        J: FnOnce(&mut Worker) -> R + Send + 'static,
    {
        let (answer, answered) = tokio::sync::oneshot::channel();
        let job: Job = Box::new(move |worker| {
            // Whoever asked may be gone by now, as when the service stops.
            if !answer.is_closed() {
                drop(answer.send(job(worker)));
            }
        });
        if let Some(jobs) = &self.jobs {
            drop(jobs.send(job));
        }
        async { answered.await.expect("a worker answers every job") }
    }
}

/// Does jobs until no more can come.
fn serve(inbox: &Receiver<Job>, worker: &mut Worker) {
    loop {
        match inbox.recv_timeout(IDLE) {
            Ok(job) => job(worker),
            Err(RecvTimeoutError::Timeout) => worker.tidy(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // What is done aside may take half a minute, and nobody waits for its answer: it ends by itself.
        self.ordinary.end();
    }
}
