//! The range, read piece by piece on a thread of its own: first what has to be read, then the partition that is furthest
//! behind, so that all of them go through a business date together and it is rendered once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use super::{
    super::catching_up::{DISORDER, gone},
    ReplayError,
};
use crate::{
    domain::message::{Message, Partition},
    source::{Extent, Log, SourceError},
};

/// How long nothing may come of a partition that holds more.
const SILENCE: Duration = Duration::from_secs(30);

/// So many pieces are read ahead.
const AHEAD: usize = 2;

/// Which messages: those that arrived from an instant on and before another one.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    pub from: Timestamp,
    pub to: Timestamp,
    /// So many messages at the most, the first that are read.
    pub limit: Option<u64>,
}

/// What has to be read.
pub(super) struct Began {
    pub(super) partitions: usize,
    /// None: nobody knows.
    pub(super) offsets: Option<u64>,
    pub(super) gaps: Vec<String>,
}

/// Messages of the range, consecutive but for those that are not of it.
pub(super) struct Piece {
    pub(super) partition: Partition,
    pub(super) messages: Vec<Message>,
    /// So many offsets it goes on.
    pub(super) offsets: u64,
    pub(super) gap: Option<String>,
}

/// A thread that reads. It ends when this is dropped.
pub(super) struct Reading {
    began: Option<tokio::sync::oneshot::Receiver<Result<Began, ReplayError>>>,
    pieces: mpsc::Receiver<Result<Piece, ReplayError>>,
}

impl Reading {
    pub(super) fn begin(log: Box<dyn Log>, topic: Arc<str>, range: Range) -> Self {
        let (begin, began) = tokio::sync::oneshot::channel();
        let (outlet, pieces) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            let (answer, reader) = match Reader::begin(log, topic, range) {
                Ok(reader) => (Ok(reader.began()), Some(reader)),
                Err(error) => (Err(error), None),
            };
            if begin.send(answer).is_ok() {
                reader.into_iter().for_each(|reader| reader.read(&outlet));
            }
        });
        Self { began: Some(began), pieces }
    }

    /// What has to be read. Asked first, and once.
    pub(super) async fn began(&mut self) -> Result<Began, ReplayError> {
        let began = self.began.take().ok_or(ReplayError::Defect)?;
        began.await.map_err(|_| ReplayError::Defect)?
    }

    /// The next piece; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Piece>, ReplayError> {
        self.pieces.recv().await.transpose()
    }
}

/// Whoever reads.
struct Reader {
    log: Box<dyn Log>,
    cluster: Arc<str>,
    topic: Arc<str>,
    range: Range,
    stretches: Vec<Stretch>,
    gaps: Vec<String>,
}

/// What is left of a partition.
struct Stretch {
    number: i32,
    next: i64,
    until: i64,
    /// The latest arrival so far.
    reached: Timestamp,
}

impl Reader {
    fn begin(mut log: Box<dyn Log>, topic: Arc<str>, range: Range) -> Result<Self, ReplayError> {
        let cluster = log.cluster()?;
        let extents = log.extents(&topic, range.from)?;
        if extents.is_empty() {
            return Err(ReplayError::NoTopic(topic.to_string()));
        }
        let ends = ends(&mut *log, &topic, range.to)?;
        let until = |extent: &Extent| {
            let end = ends.iter().find(|end| end.partition == extent.partition).map(|end| end.since);
            end.unwrap_or(extent.high).min(extent.high)
        };
        let stretch = |extent: &Extent| Stretch {
            number: extent.partition,
            next: extent.since,
            until: until(extent),
            reached: range.from,
        };
        let gap = |extent: &Extent| is_cut(extent).then(|| said(&topic, extent.partition, extent.low));
        let (stretches, gaps) = (extents.iter().map(stretch).collect(), extents.iter().filter_map(gap).collect());
        Ok(Self { log, cluster, topic, range, stretches, gaps })
    }

    fn began(&self) -> Began {
        let offsets = |it: &Stretch| (it.until < i64::MAX).then(|| u64::try_from(it.until - it.next).unwrap_or(0));
        Began {
            partitions: self.stretches.len(),
            offsets: self.stretches.iter().map(offsets).sum(),
            gaps: self.gaps.clone(),
        }
    }

    fn read(mut self, outlet: &mpsc::Sender<Result<Piece, ReplayError>>) {
        let mut left = self.range.limit.unwrap_or(u64::MAX);
        while let Some(behind) = self.furthest_behind().filter(|_| left > 0) {
            let piece = self.piece(behind).map(|mut piece| {
                piece.messages.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                left -= piece.messages.len() as u64;
                piece
            });
            let failed = piece.is_err();
            if outlet.blocking_send(piece).is_err() || failed {
                return;
            }
        }
    }

    fn furthest_behind(&self) -> Option<usize> {
        let left = self.stretches.iter().enumerate().filter(|(_, it)| it.next < it.until);
        left.min_by_key(|(_, it)| (day(it.reached), it.number)).map(|(place, _)| place)
    }

    fn piece(&mut self, of: usize) -> Result<Piece, ReplayError> {
        let stretch = &mut self.stretches[of];
        let (from, number, heard) = (stretch.next, stretch.number, Instant::now());
        let read = loop {
            let read = self.log.read(&self.topic, number, from, stretch.until)?;
            if read.next > from {
                break read;
            }
            if heard.elapsed() > SILENCE {
                return Err(ReplayError::Silent(number));
            }
        };
        stretch.next = read.next;
        stretch.reached = read.messages.iter().map(|it| it.arrival).fold(stretch.reached, Timestamp::max);
        let mut messages = read.messages;
        messages.retain(|it| self.range.from <= it.arrival && it.arrival < self.range.to);
        let (cluster, topic) = (Arc::clone(&self.cluster), Arc::clone(&self.topic));
        let partition = Partition { cluster, topic, number, epoch: 0 };
        let gap = read.gone_before.map(|low| said(&self.topic, number, low));
        Ok(Piece { partition, messages, offsets: u64::try_from(read.next - from).unwrap_or(0), gap })
    }
}

/// Where each partition ends that was there before an instant. Messages do not stand in the exact order of their arrival.
fn ends(log: &mut dyn Log, topic: &str, to: Timestamp) -> Result<Vec<Extent>, SourceError> {
    match to.checked_add(DISORDER) {
        Ok(over) if log.is_ordered() && over < Timestamp::now() => log.extents(topic, over),
        _ => Ok(Vec::new()),
    }
}

/// Whether messages may be gone that are of the range.
fn is_cut(extent: &Extent) -> bool {
    extent.low > 0 && extent.since == extent.low
}

fn said(topic: &str, partition: i32, low: i64) -> String {
    format!("{topic}/{partition}: {}", gone(low))
}

/// A number of its day.
pub(super) fn day(arrival: Timestamp) -> i64 {
    arrival.as_second().div_euclid(SignedDuration::from_hours(24).as_secs())
}
