//! One topic's way from delivered messages to settled receipts.
//!
//! Two steps that overlap: while one batch is being committed the next is judged. What cannot be judged now, because
//! its matcher is gone or keeps failing, waits here, unrecorded and unsettled, and is tried again later and whenever the
//! matchers change. Meanwhile the source brings no more of this topic.

mod recording;

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::{mpsc, watch};

use super::{
    Shared,
    catching_up::Ticket,
    intake::IntakeError,
    judging::{Manner, Waits, is_aside, judge},
};
use crate::{
    domain::{backoff::Backoff, message::Slice, recording::Recording},
    source::{Delivery, Source},
    telemetry::spans::BatchSpans,
};
use recording::{Judged, count, record_all};

/// So many batches wait to be judged; more would only hold memory.
const WAITING: usize = 2;

/// So many judged batches wait for the store.
const JUDGED: usize = 2;

/// A lane that takes longer over a batch is slow. A batch is a matter of a few milliseconds; meanwhile the lane that is
/// full may keep the others waiting.
const SLOW: Duration = Duration::from_millis(50);

/// What is in hand when the service stops may take so long.
const IN_HAND: Duration = Duration::from_millis(250);

/// When a batch that cannot be judged is tried again.
const PAUSES: Backoff = Backoff { first_seconds: 1.0, limit_seconds: 60.0 };

/// How a lane is.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    /// Batches that wait to be judged.
    waiting: usize,
    /// Whether it waits itself, or its matcher takes its time: nobody is to wait for it.
    slow: bool,
    /// Whether the source was asked to bring no more.
    held: bool,
    /// Whether nothing more will come.
    closing: bool,
}

/// Where a topic's batches are handed in. Dropping it lets the lane finish what it has.
pub(super) struct Lane {
    topic: Arc<str>,
    source: Source,
    batches: mpsc::UnboundedSender<Vec<Delivery>>,
    load: watch::Sender<Load>,
}

impl Lane {
    /// A lane, and what is to be run beside it.
    pub(super) fn new(topic: &str, shared: &Shared, source: &Source) -> (Self, Running) {
        let topic: Arc<str> = topic.into();
        let (batches, queue) = mpsc::unbounded_channel();
        let load = watch::Sender::new(Load::default());
        let running = Running {
            topic: Arc::clone(&topic),
            shared: shared.clone(),
            source: source.clone(),
            queue,
            load: load.clone(),
        };
        (Self { topic, source: source.clone(), batches, load }, running)
    }

    /// Hands a batch in, when there is room or the source is stopped: then nothing comes after it.
    pub(super) async fn take(&self, batch: Vec<Delivery>) {
        tokio::select! {
            () = self.room() => {}
            () = self.source.stopped() => {}
        }
        self.load.send_modify(|load| load.waiting += 1);
        // A lane that has ended has failed, and intake ends with it.
        drop(self.batches.send(batch));
    }

    /// Waits for room in a lane that is merely busy; one that is slow has it at once, and the source holds what would
    /// come after.
    async fn room(&self) {
        let mut load = self.load.subscribe();
        // None of these waits can fail: the lane's other end holds a sender, too.
        drop(load.wait_for(|load| load.waiting < WAITING || load.slow).await);
        let Load { waiting, held, .. } = *self.load.borrow();
        if waiting >= WAITING && !held {
            if self.source.hold(&self.topic) {
                self.load.send_modify(|load| load.held = true);
            } else {
                drop(load.wait_for(|load| load.waiting < WAITING).await);
            }
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.load.send_modify(|load| load.closing = true);
    }
}

/// The other end of a lane.
pub(super) struct Running {
    topic: Arc<str>,
    shared: Shared,
    source: Source,
    queue: mpsc::UnboundedReceiver<Vec<Delivery>>,
    load: watch::Sender<Load>,
}

/// Says that a batch of a topic is under way.
type InFlight = Ticket<Arc<str>>;

impl Running {
    pub(super) async fn run(mut self) -> Result<(), IntakeError> {
        let (judged, to_record) = mpsc::channel(JUDGED);
        let mut recording = tokio::spawn(record_all(self.shared.clone(), to_record));
        let outcome = tokio::select! {
            outcome = self.judge_all(judged) => outcome,
            // It ends before its time only with an error.
            recorded = &mut recording => return recorded.unwrap_or(Err(IntakeError::Defect)),
        };
        // The channel is closed now: the recorder finishes what it has.
        let recorded = recording.await.unwrap_or(Err(IntakeError::Defect));
        outcome.and(recorded)
    }

    async fn judge_all(&mut self, judged: mpsc::Sender<Judged>) -> Result<(), IntakeError> {
        while let Some(batch) = self.queue.recv().await {
            let (slices, receipts): (Vec<_>, _) = batch.into_iter().map(|it| (it.slice, it.receipt)).unzip();
            let (slices, handed_over, arrived) = (Arc::new(slices), Instant::now(), SystemTime::now());
            let Some((mut recordings, in_flight)) = self.until_judged(&slices).await? else {
                return Ok(());
            };
            let spans = BatchSpans::begin(&slices, &mut recordings, arrived);
            let messages = slices.iter().zip(&recordings).map(|(slice, recording)| count(slice, recording)).collect();
            let shadowed = self.shared.shadows.are_there().then_some(slices);
            let judged_batch = Judged { recordings, receipts, in_flight, messages, handed_over, spans, shadowed };
            // Waiting for the store makes no lane slow: the others wait for it as well.
            if judged.send(judged_batch).await.is_err() {
                return Ok(());
            }
            self.one_less_waits();
        }
        Ok(())
    }

    /// None: the service stops before it could be judged.
    async fn until_judged(&self, slices: &Arc<Vec<Slice>>) -> Result<Option<(Vec<Recording>, InFlight)>, IntakeError> {
        let mut attempts = 0;
        let mut changes = self.shared.matchers_changed.subscribe();
        loop {
            let in_flight = self.shared.catching_up.batch(&self.topic);
            let waits = match self.judge(slices).await? {
                Some(Ok(recordings)) => {
                    self.shared.topic_goes_on(&self.topic).await;
                    return Ok(Some((recordings, in_flight)));
                }
                Some(Err(waits)) => waits,
                None => return Ok(None),
            };
            // It will be judged by what is live then.
            drop(in_flight);
            self.load.send_modify(|load| load.slow = true);
            self.shared.topic_waits(&self.topic, &waits).await;
            tokio::select! {
                () = tokio::time::sleep(PAUSES.pause(attempts, 0)) => attempts = attempts.saturating_add(1),
                _ = changes.changed() => attempts = 0,
                () = self.closing() => return self.left(waits),
            }
        }
    }

    /// Lets others know when something takes long.
    async fn noticed_if_slow<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        tokio::select! {
            done = &mut work => done,
            () = tokio::time::sleep(SLOW) => {
                self.load.send_modify(|load| load.slow = true);
                work.await
            }
        }
    }

    /// Judges, unless the service is stopped meanwhile.
    async fn judge(&self, slices: &Arc<Vec<Slice>>) -> Result<Option<Result<Vec<Recording>, Waits>>, IntakeError> {
        if is_aside(&self.shared, &self.topic) {
            self.load.send_modify(|load| load.slow = true);
        }
        let judging = judge(&self.shared, slices, Manner::Usual);
        tokio::select! {
            judged = self.noticed_if_slow(judging) => Ok(Some(judged?)),
            () = self.stopping() => Ok(None),
        }
    }

    fn one_less_waits(&self) {
        let mut releases = false;
        self.load.send_modify(|load| {
            load.waiting -= 1;
            if load.waiting == 0 {
                load.slow = false;
                releases = std::mem::take(&mut load.held);
            }
        });
        if releases {
            self.source.release(&self.topic);
        }
    }

    /// Resolves when nothing more comes.
    async fn closing(&self) {
        let mut load = self.load.subscribe();
        drop(load.wait_for(|load| load.closing).await);
    }

    /// Resolves when somebody stops the service, not before a batch has had its time: the end of the input is no reason
    /// to leave anything.
    async fn stopping(&self) {
        tokio::time::sleep(IN_HAND).await;
        self.closing().await;
        self.source.stopped().await;
    }

    /// What is not judged at the end is read again at the next start.
    fn left<T>(&self, waits: Waits) -> Result<Option<T>, IntakeError> {
        if self.source.is_stopping() {
            return Ok(None);
        }
        Err(IntakeError::Left { topic: Arc::clone(&self.topic), waits })
    }
}
