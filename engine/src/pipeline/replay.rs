//! Replays: a range of a log read once more and judged by a candidate, and by the build that it is held against. Nothing is
//! recorded, no offset moves, and no service need run.
//!
//! A thread reads the range (`reading`), which ends where the log ended when it began. What is wanted is rendered for each
//! business date that messages arrive on (`days`), both builds judge as intake does, and what they say is compared message by
//! message ([`super::comparing`]). Memory does not grow with the range. Start at [`Replay::run`].

mod days;
mod reading;

use std::sync::Arc;

use jiff::Timestamp;

use super::{
    comparing::{Incomparable, compare, show},
    evaluate::Portion,
    keeping::Keeping,
    portions::{Cut, portions},
    rendering::RenderError,
};
use crate::{
    domain::{
        difference::Comparison,
        message::{Before, Message, Partition, Slice, Span},
    },
    matcher::{GaveUp, Generation, Pool, Worker},
    sensor::Index,
    source::{Log, SourceError},
    store::ActiveWanted,
};
use days::Days;
pub use days::{Build, Refused};
pub use reading::Range;
use reading::{Began, Piece, Reading, day};

/// Who is to judge what.
pub struct Replay {
    pub pool: Arc<Pool>,
    pub candidate: Arc<Generation>,
    /// None: it is only shown what the candidate would do.
    pub against: Option<Arc<Generation>>,
    pub topic: Arc<str>,
    /// What is wanted of the topic.
    pub wanted: Vec<ActiveWanted>,
    pub keeping: Arc<Keeping>,
}

/// What came of a replay.
pub struct Replayed {
    pub partitions: usize,
    /// When the first and the last of the messages came.
    pub arrivals: Option<(Timestamp, Timestamp)>,
    pub comparison: Comparison,
    /// Wanted messages that a build does not take.
    pub refused: Vec<Refused>,
    /// What lacks in the log.
    pub gaps: Vec<String>,
}

/// How far a replay is, in offsets.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    pub read: u64,
    /// None: nobody knows.
    pub of: Option<u64>,
    pub messages: u64,
}

/// Why a replay did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("there is no topic `{0}`")]
    NoTopic(String),
    #[error("messages of the partition {0} do not come")]
    Silent(i32),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("the messages from {from} to {to} cannot be judged by {why}")]
    GaveUp { from: String, to: String, why: Box<Incomparable> },
    #[error("reading the messages ended by a defect of its own; the log says more")]
    Defect,
}

impl Replay {
    /// Reads a range of a log and compares, telling how far it is.
    pub async fn run(
        &self,
        log: Box<dyn Log>,
        range: Range,
        mut tell: impl FnMut(Progress),
    ) -> Result<Replayed, ReplayError> {
        let mut reading = Reading::begin(log, Arc::clone(&self.topic), range);
        let Began { partitions, offsets, mut gaps } = reading.began().await?;
        let mut days = Days::new(&self.pool, &self.topic, &self.wanted, self.builds())?;
        let (mut comparison, mut arrivals) = (Comparison::default(), None);
        let mut progress = Progress { read: 0, of: offsets, messages: 0 };
        while let Some(Piece { partition, messages, offsets, gap }) = reading.next().await? {
            gaps.extend(gap);
            // What is wanted is rendered for a few dates at a time, however many a piece is of.
            for messages in messages.chunk_by(|one, next| day(one.arrival) == day(next.arrival)) {
                arrivals = messages.iter().map(|message| message.arrival).fold(arrivals, widened);
                let index = days.made_ready(messages.iter().map(|message| message.arrival)).await?;
                comparison.absorb(self.compare(&partition, messages, &index).await?);
            }
            progress.read += offsets;
            progress.messages += messages.len() as u64;
            tell(progress);
        }
        Ok(Replayed { partitions, arrivals, comparison, refused: days.refused(), gaps })
    }

    /// Who judges, each once: a build may be held against itself.
    fn builds(&self) -> Vec<(Arc<Generation>, &'static [Build])> {
        const BOTH: &[Build] = &[Build::Old, Build::New];
        let (old, new) = BOTH.split_at(1);
        let candidate = Arc::clone(&self.candidate);
        match &self.against {
            Some(against) if against.id == candidate.id => vec![(candidate, BOTH)],
            Some(against) => vec![(Arc::clone(against), old), (candidate, new)],
            None => vec![(candidate, new)],
        }
    }

    /// Has consecutive messages judged, on all workers.
    async fn compare(
        &self,
        partition: &Partition,
        messages: &[Message],
        index: &Arc<Index>,
    ) -> Result<Comparison, ReplayError> {
        let (from, to) = (messages.first().map_or(0, |it| it.offset), messages.last().map_or(0, |it| it.offset));
        let span = Span { from: Before::At(from), to: to + 1 };
        let slices = Arc::new(vec![Slice { partition: partition.clone(), span, messages: messages.to_vec() }]);
        let old = self.against.as_ref().unwrap_or(&self.candidate);
        let cut = Cut { workers: self.pool.workers(), messages: None, partitions: None };
        let portions = portions(&slices, index, old, &self.keeping, cut);
        // All are under way before the first is awaited.
        let running: Vec<_> = portions.into_iter().map(|it| (self.pool.run(self.asking(&it)), it)).collect();
        let mut all = Comparison::default();
        for (running, portion) in running {
            let compared = match running.await {
                // What loops is found aside.
                Err(Incomparable::Old(GaveUp::TimedOut(_)) | Incomparable::New(GaveUp::TimedOut(_))) => {
                    self.pool.run_aside(self.asking(&portion)).await
                }
                compared => compared,
            };
            let gave_up = |why: Incomparable| {
                let [from, to] = [from, to].map(|offset| partition.at(offset).to_string());
                ReplayError::GaveUp { from, to, why: Box::new(why) }
            };
            all.absorb(compared.map_err(gave_up)?);
        }
        Ok(all)
    }

    fn asking(&self, portion: &Portion) -> impl FnOnce(&mut Worker) -> Result<Comparison, Incomparable> + Send + use<> {
        let (portion, candidate) = (portion.clone(), Arc::clone(&self.candidate));
        let is_compared = self.against.is_some();
        move |worker| match is_compared {
            true => compare(worker, &portion, &candidate),
            false => show(worker, &portion),
        }
    }
}

fn widened(known: Option<(Timestamp, Timestamp)>, arrival: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let (first, last) = known.unwrap_or((arrival, arrival));
    Some((first.min(arrival), last.max(arrival)))
}
