//! Where a partition starts that was just assigned or put back.

use std::fmt;

use jiff::Timestamp;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, KafkaResult},
};

use super::{Bookmark, Start, patience::PATIENCE};

/// What is known before Kafka is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Next(i64),
    Beginning,
    /// Nothing is stored for the whole topic: `start` decides.
    Nothing,
}

/// Where a partition starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    At(i64),
    Beginning,
}

impl Point {
    pub(super) fn offset(self) -> Offset {
        match self {
            Self::At(offset) => Offset::Offset(offset),
            Self::Beginning => Offset::Beginning,
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(offset) => offset.fmt(f),
            Self::Beginning => f.write_str("the beginning"),
        }
    }
}

const FIRST_EPOCH: i64 = 0;

/// What the store knows about a partition, and its epoch.
pub(super) fn known(bookmarks: &[Bookmark], partition: i32) -> (i64, Known) {
    match bookmarks.iter().filter(|bookmark| bookmark.partition == partition).max_by_key(|bookmark| bookmark.epoch) {
        Some(Bookmark { epoch, next: Some(next), .. }) => (*epoch, Known::Next(*next)),
        Some(Bookmark { epoch, next: None, .. }) => (*epoch, Known::Nothing),
        None if bookmarks.is_empty() => (FIRST_EPOCH, Known::Nothing),
        None => (FIRST_EPOCH, Known::Beginning),
    }
}

/// Whether nothing of a partition is to be read for now.
pub(super) fn is_frozen(bookmarks: &[Bookmark], partition: i32) -> bool {
    bookmarks.iter().any(|bookmark| bookmark.partition == partition && bookmark.frozen)
}

/// Asks Kafka where a partition of which nothing is stored starts.
pub(super) fn by_rule<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    start: Start,
    topic: &str,
    partition: i32,
) -> KafkaResult<Point> {
    match start {
        Start::Earliest => Ok(Point::Beginning),
        Start::Latest => end(consumer, topic, partition),
        Start::Committed => committed(consumer, topic, partition),
        Start::At(time) => at_time(consumer, time, topic, partition),
    }
}

fn end<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str, partition: i32) -> KafkaResult<Point> {
    consumer.fetch_watermarks(topic, partition, PATIENCE).map(|(_, high)| Point::At(high))
}

fn committed<C: ConsumerContext>(consumer: &BaseConsumer<C>, topic: &str, partition: i32) -> KafkaResult<Point> {
    let mut list = TopicPartitionList::new();
    list.add_partition(topic, partition);
    let answer = consumer.committed_offsets(list, PATIENCE)?;
    Ok(match offset_of(&answer, topic, partition)? {
        Offset::Offset(offset) => Point::At(offset),
        _ => Point::Beginning,
    })
}

pub(super) fn at_time<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    time: Timestamp,
    topic: &str,
    partition: i32,
) -> KafkaResult<Point> {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(time.as_millisecond().max(0)))?;
    let answer = consumer.offsets_for_times(list, PATIENCE)?;
    match offset_of(&answer, topic, partition)? {
        Offset::Offset(offset) => Ok(Point::At(offset)),
        // Nothing is as late as that.
        _ => end(consumer, topic, partition),
    }
}

fn offset_of(list: &TopicPartitionList, topic: &str, partition: i32) -> KafkaResult<Offset> {
    let element = list.find_partition(topic, partition).ok_or(KafkaError::NoMessageReceived)?;
    element.error()?;
    Ok(element.offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bookmarks: &[(i32, i64, Option<i64>)], partition: i32, expected: (i64, Known)) {
        let bookmarks: Vec<_> = bookmarks
            .iter()
            .map(|&(partition, epoch, next)| Bookmark { partition, epoch, next, frozen: false })
            .collect();
        assert_eq!(known(&bookmarks, partition), expected);
    }

    #[test]
    fn what_is_stored_decides() {
        check(&[], 0, (0, Known::Nothing));
        check(&[(0, 0, Some(7))], 0, (0, Known::Next(7)));
        check(&[(0, 0, Some(7)), (0, 1, Some(2))], 0, (1, Known::Next(2)));
        check(&[(0, 0, Some(7)), (0, 1, None)], 0, (1, Known::Nothing));
    }

    #[test]
    fn a_partition_found_later_starts_at_its_beginning() {
        check(&[(0, 0, Some(7))], 1, (0, Known::Beginning));
    }
}
