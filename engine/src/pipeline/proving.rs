//! Proof of a build that is to serve: the last messages of its topics, read back and judged by it and by the build that serves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{Timestamp, civil::Date};

use super::{
    Shared,
    comparing::{Incomparable, compare, show},
    evaluate::{Place, Portion},
    keeping::Keeping,
    live::Live,
    rendering::RenderError,
};
use crate::{
    domain::{
        difference::{Comparison, DifferenceKind},
        message::{Before, Partition, Slice, Span},
    },
    matcher::{Generation, Serves, Worker, is_pattern},
    sensor::{DayIndex, Index},
    source::{Extent, KafkaConfig, KafkaLog, Log, SourceError},
};

/// How long messages may take to be read back. What came until then is what counts.
const READING: Duration = Duration::from_secs(20);

/// So many messages are judged at a time.
const AT_ONCE: usize = 256;

/// What is wanted is worked out for so many of the newest business dates. Keys are compared for all.
const DAYS: usize = 7;

/// Why a build is not proved.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProofError {
    #[error("the last messages of its topics cannot be read")]
    Source(#[from] SourceError),
    #[error("reading the last messages ended by a defect of its own; the log says more")]
    Defect,
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("of the last messages of its topics it cannot judge some: {0}")]
    GivesUp(Incomparable),
    #[error("it fails on the message {position}, on which {other}: {reason}")]
    Faults { position: String, other: &'static str, reason: String },
    #[error(
        "it differs from the build that serves on {different} of the last {messages} messages (hint: without `strict` that is only told)"
    )]
    Differs { different: u64, messages: u64 },
}

/// How a build is to be proved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof {
    /// So many messages of each topic.
    pub(super) messages: usize,
    /// Whether a difference is a reason to refuse it.
    pub(super) strict: bool,
}

impl Shared {
    /// Has a candidate judge the last messages, beside the build that serves.
    pub(super) async fn prove(
        &self,
        kafka: Option<Arc<KafkaConfig>>,
        candidate: &Arc<Generation>,
        proof: Proof,
    ) -> Result<Comparison, ProofError> {
        let Some(kafka) = kafka.filter(|_| proof.messages > 0) else {
            return Ok(Comparison::default());
        };
        let live = self.live.load_full();
        let (topics, count) = (topics(candidate, &live.index), proof.messages);
        let reading = tokio::task::spawn_blocking(move || last_messages(&kafka, &topics, count));
        let batches = reading.await.map_err(|_| ProofError::Defect)??;
        let serving = live.registry.get(candidate.name());
        let mut all = Comparison::default();
        for slices in batches {
            all.absorb(self.judge_both(candidate, serving, &live, slices).await?);
        }
        if let Some(fault) = all.first(DifferenceKind::NewFaults) {
            let other = if serving.is_some() { "the build that serves does not" } else { "nobody failed before" };
            let (position, reason) = (fault.position.to_string(), fault.reason.clone().unwrap_or_default());
            return Err(ProofError::Faults { position, other, reason });
        }
        if proof.strict && serving.is_some() && all.tally.different > 0 {
            return Err(ProofError::Differs { different: all.tally.different, messages: all.tally.messages });
        }
        Ok(all)
    }

    /// Messages of one topic, judged by both.
    async fn judge_both(
        &self,
        candidate: &Arc<Generation>,
        serving: Option<&Arc<Generation>>,
        live: &Live,
        slices: Vec<Slice>,
    ) -> Result<Comparison, ProofError> {
        let Some(topic) = slices.first().map(|slice| Arc::clone(&slice.partition.topic)) else {
            return Ok(Comparison::default());
        };
        let generations: Vec<_> = serving.into_iter().chain([candidate]).cloned().collect();
        let index = Arc::new(self.index_to_compare(&generations, candidate.name(), live, &slices).await?);
        let of = |(slice, it): (usize, &Slice)| (0..it.messages.len()).map(move |message| Place { slice, message });
        let places: Vec<_> = slices.iter().enumerate().flat_map(of).collect();
        let slices = Arc::new(slices);
        let mut all = Comparison::default();
        for places in places.chunks(AT_ONCE) {
            let portion = Portion {
                slices: Arc::clone(&slices),
                topic: Arc::clone(&topic),
                places: places.to_vec(),
                index: Arc::clone(&index),
                generation: Arc::clone(serving.unwrap_or(candidate)),
                keeping: Arc::new(Keeping::default()),
            };
            let (candidate, is_alone) = (Arc::clone(candidate), serving.is_none());
            let judge = move |worker: &mut Worker| match is_alone {
                true => show(worker, &portion),
                false => compare_or_excuse(worker, &portion, &candidate),
            };
            all.absorb(self.pool.run_spare(judge).await.map_err(ProofError::GivesUp)?);
        }
        Ok(all)
    }

    /// What is wanted on the newest days of some messages, by the keys of all these generations.
    async fn index_to_compare(
        &self,
        generations: &[Arc<Generation>],
        matcher: &Arc<str>,
        live: &Live,
        slices: &[Slice],
    ) -> Result<Index, RenderError> {
        let mut index = Index::new(Vec::new(), live.index.topics_and_matchers());
        for days in &live.index.calendars {
            let arrivals = slices.iter().flat_map(|slice| &slice.messages).map(|message| message.arrival);
            let dates: BTreeSet<Date> = arrivals.map(|arrival| days.calendar.business_date(arrival)).collect();
            for date in dates.into_iter().rev().take(DAYS) {
                let day = self.awaited_to_compare(generations, matcher, &days.calendar, date).await?;
                let day = DayIndex::new(&days.calendar, date, day.tables);
                index = index.with_day(&days.calendar, &Arc::new(day));
            }
        }
        Ok(index)
    }
}

/// Those that a build serves by their names, and of those that it serves by patterns the ones that are read for its matcher.
fn topics(candidate: &Generation, index: &Index) -> Vec<Arc<str>> {
    let named = candidate.topics.iter().filter(|topic| !is_pattern(topic)).cloned();
    let read = index
        .topics_and_matchers()
        .filter(|(topic, matcher)| matcher == candidate.name() && candidate.serves(topic) == Some(Serves::ByPattern));
    named.chain(read.map(|(topic, _)| topic)).collect()
}

/// Where the build that serves has no word on the messages, the candidate needs no better one: it may be the cure.
fn compare_or_excuse(
    worker: &mut Worker,
    portion: &Portion,
    candidate: &Arc<Generation>,
) -> Result<Comparison, Incomparable> {
    match compare(worker, portion, candidate) {
        Err(Incomparable::Old(_)) => {
            show(worker, &Portion { generation: Arc::clone(candidate), ..portion.clone() })?;
            Ok(Comparison::default())
        }
        compared => compared,
    }
}

/// The last messages of topics, of each so many. Blocks.
fn last_messages(kafka: &KafkaConfig, topics: &[Arc<str>], count: usize) -> Result<Vec<Vec<Slice>>, SourceError> {
    let until = Instant::now() + READING;
    let mut log = KafkaLog::open(kafka)?;
    let cluster = log.cluster()?;
    let of_topic = |topic: &Arc<str>| -> Result<Vec<Slice>, SourceError> {
        let extents = log.extents(topic, Timestamp::now())?;
        let held = extents.iter().map(|it| (it.partition, (it.high - it.low).cast_unsigned())).collect();
        let shares = shares(&held, count as u64);
        let mut slices = Vec::new();
        for Extent { partition, high, .. } in extents {
            let share = shares.get(&partition).copied().unwrap_or(0).cast_signed();
            let partition = Partition { cluster: cluster.clone(), topic: topic.clone(), number: partition, epoch: 0 };
            slices.push(read(&mut log, partition, high - share, high, until)?);
        }
        slices.retain(|slice| !slice.messages.is_empty());
        Ok(slices)
    };
    topics.iter().map(of_topic).collect()
}

/// A stretch of a partition, as far as it comes in time.
fn read(log: &mut KafkaLog, partition: Partition, from: i64, high: i64, until: Instant) -> Result<Slice, SourceError> {
    let (mut next, mut messages) = (from, Vec::new());
    while next < high && Instant::now() < until {
        let piece = log.read(&partition.topic, partition.number, next, high)?;
        messages.extend(piece.messages);
        next = piece.next;
    }
    Ok(Slice { partition, span: Span { from: Before::Anything, to: next }, messages })
}

/// How much of each partition: the same, and more where others hold less.
fn shares(held: &BTreeMap<i32, u64>, count: u64) -> BTreeMap<i32, u64> {
    let mut by_size: Vec<_> = held.iter().map(|(partition, held)| (*held, *partition)).collect();
    by_size.sort_unstable();
    let (mut left, mut partitions, mut shares) = (count, by_size.len() as u64, BTreeMap::new());
    for (held, partition) in by_size {
        let share = held.min(left.div_ceil(partitions));
        shares.insert(partition, share);
        (left, partitions) = (left - share, partitions - 1);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_give_what_they_hold_and_no_more() {
        let of = |held: &[u64], count| {
            let held = (0..).zip(held.iter().copied()).collect();
            shares(&held, count).into_values().collect::<Vec<_>>()
        };
        assert_eq!(of(&[100, 100], 10), [5, 5]);
        assert_eq!(of(&[100, 1, 0], 10), [9, 1, 0]);
        assert_eq!(of(&[2, 3], 10), [2, 3]);
        assert_eq!(of(&[5, 5, 5], 10).into_iter().sum::<u64>(), 10);
        assert!(of(&[], 10).is_empty());
    }
}
