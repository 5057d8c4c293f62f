//! Replays: a range of a log read once more and judged by a candidate, and by the build that it is held against. Nothing is
//! recorded, no offset moves, and no service need run.
//!
//! A thread reads the range (`reading`), which ends where the log ended when it began. What is wanted is rendered for each
//! business date that messages arrive on (`days`), and both builds judge as intake does (`super::evaluate`). What they say is
//! compared message by message ([`crate::domain::difference`]). Memory does not grow with the range. Start at [`Replay::run`].

mod days;
mod reading;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    evaluate::Portion,
    keeping::Keeping,
    portions::{Cut, portions},
    rendering::RenderError,
    saying::say,
};
use crate::{
    domain::{
        difference::{Comparison, Said},
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
use reading::{Began, Piece, Reading};

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
    /// So many differences of each kind are shown.
    pub samples: usize,
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
    #[error("there are no messages of a topic `{topic}` in {place}")]
    NoTopic { topic: String, place: String },
    #[error("messages of the partition {0} do not come")]
    Silent(i32),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("the {build} cannot judge the messages from {from} to {to}, and its topic would wait: {gave_up}")]
    GaveUp { build: Build, from: String, to: String, gave_up: GaveUp },
    #[error("reading the messages ended by a defect of its own; the log says more")]
    Defect,
}

impl Replayed {
    /// Whether the builds differ in anything.
    pub fn differs(&self) -> bool {
        self.comparison.tally.different > 0 || self.refused.iter().any(|it| it.by == [Build::Candidate])
    }
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
        let (mut comparison, mut arrivals) = (Comparison::keeping(self.samples), None);
        let mut progress = Progress { read: 0, of: offsets, messages: 0 };
        while let Some(piece) = reading.next().await? {
            let Piece { partition, messages, offsets, gap } = piece;
            gaps.extend(gap);
            // What is wanted is rendered for a few dates at a time, however many a piece is of.
            for of_day in messages.chunk_by(|one, next| day_of(one) == day_of(next)) {
                arrivals = of_day.iter().map(|message| message.arrival).fold(arrivals, widened);
                let index = days.made_ready(of_day.iter().map(|message| message.arrival)).await?;
                comparison.absorb(self.compare(&partition, of_day, &index).await?);
            }
            progress.read += offsets;
            progress.messages += messages.len() as u64;
            tell(progress);
        }
        Ok(Replayed { partitions, arrivals, comparison, refused: days.refused(), gaps })
    }

    fn builds(&self) -> Vec<(Build, Arc<Generation>)> {
        let against = self.against.iter().map(|it| (Build::Against, Arc::clone(it)));
        against.chain([(Build::Candidate, Arc::clone(&self.candidate))]).collect()
    }

    /// Lets both builds judge consecutive messages.
    async fn compare(
        &self,
        partition: &Partition,
        messages: &[Message],
        index: &Arc<Index>,
    ) -> Result<Comparison, ReplayError> {
        let (from, to) = (messages.first().map_or(0, |it| it.offset), messages.last().map_or(0, |it| it.offset + 1));
        let span = Span { from: Before::At(from), to };
        let slices = Arc::new(vec![Slice { partition: partition.clone(), span, messages: messages.to_vec() }]);
        let gave_up = |build| {
            let (from, to) = (partition.at(from).to_string(), partition.at(to - 1).to_string());
            move |gave_up| ReplayError::GaveUp { build, from, to, gave_up }
        };
        let new = self.said_by(&self.candidate, &slices, index);
        let (old, new) = match &self.against {
            Some(against) => tokio::join!(self.said_by(against, &slices, index), new),
            None => (Ok((vec![Said::default(); messages.len()], Duration::ZERO)), new.await),
        };
        let ((old, old_cpu), (new, new_cpu)) =
            (old.map_err(gave_up(Build::Against))?, new.map_err(gave_up(Build::Candidate))?);
        let mut comparison = Comparison::keeping(self.samples);
        for ((message, old), new) in messages.iter().zip(&old).zip(&new) {
            comparison.note(&partition.at(message.offset), old, new);
        }
        comparison.tally.cpu_us.old = micros(old_cpu);
        comparison.tally.cpu_us.new = micros(new_cpu);
        Ok(comparison)
    }

    /// What a build says of each message, on all workers.
    async fn said_by(
        &self,
        generation: &Arc<Generation>,
        slices: &Arc<Vec<Slice>>,
        index: &Arc<Index>,
    ) -> Result<(Vec<Said>, Duration), GaveUp> {
        let cut = Cut { workers: self.pool.workers(), messages: None, partitions: None };
        let portions = portions(slices, index, generation, &self.keeping, cut);
        // All are under way before the first is awaited.
        let running: Vec<_> = portions.into_iter().map(|portion| (self.pool.run(asking(&portion)), portion)).collect();
        let (mut all, mut taken) = (Vec::new(), Duration::ZERO);
        for (running, portion) in running {
            let (said, cpu) = match running.await {
                // What loops is found aside.
                Err(GaveUp::TimedOut(_)) => self.pool.run_aside(asking(&portion)).await?,
                said => said?,
            };
            all.extend(said);
            taken += cpu;
        }
        Ok((all, taken))
    }
}

fn asking(portion: &Portion) -> impl FnOnce(&mut Worker) -> Result<(Vec<Said>, Duration), GaveUp> + Send + use<> {
    let portion = portion.clone();
    move |worker| say(worker, &portion)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Days of no calendar: two messages of one are of three business dates of a zone at the most.
fn day_of(message: &Message) -> i64 {
    reading::day(message.arrival)
}

fn widened(known: Option<(Timestamp, Timestamp)>, arrival: Timestamp) -> Option<(Timestamp, Timestamp)> {
    let (first, last) = known.unwrap_or((arrival, arrival));
    Some((first.min(arrival), last.max(arrival)))
}
