//! Offsets that are to be read next and are not in the log.

use std::{fmt, time::Duration};

use rdkafka::consumer::{BaseConsumer, Consumer};

use super::{
    OnGap, SourceError,
    context::Context,
    starting::{self, Known, Point},
};
use crate::domain::message::Partition;

/// A hole between what was read last and what the log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    pub partition: Partition,
    /// The offset to be read next.
    pub next: i64,
    /// The first offset of the log.
    pub low: i64,
    /// The offset after the last of the log.
    pub high: i64,
}

impl std::error::Error for Gap {}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition: Partition { topic, number, .. }, next, low, high } = self;
        write!(f, "topic {topic}, partition {number}: offset {next} is to be read next, but the log ")?;
        if low == high {
            write!(f, "is empty and goes on at {high}: ")?;
        } else {
            write!(f, "holds {low} to {}: ", high - 1)?;
        }
        if next < low {
            write!(f, "{} offsets were deleted before they were read", low - next)?;
        } else {
            f.write_str("the topic was created anew, or the cluster lost its end")?;
        }
        f.write_str("; set `on_gap = \"earliest\"` or `\"latest\"` in [kafka] to go on without them")
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

/// Kafka said that an offset is out of range, but not where: looks at every partition, and goes on where it may.
pub(super) fn bridge(consumer: &BaseConsumer<Context>, on_gap: OnGap) -> Result<(), SourceError> {
    let context = consumer.context().clone();
    let mut in_range = Vec::new();
    for (partition, next) in positions(&context) {
        let (topic, number) = (partition.topic.clone(), partition.number);
        let watermarks = consumer.fetch_watermarks(&topic, number, PATIENCE);
        let (low, high) = watermarks.map_err(|error| SourceError::Fatal {
            reason: format!("the ends of {partition} cannot be asked after a gap: {error}"),
        })?;
        match next {
            Some(next) if next < low || next > high => {
                let gap = Gap { partition: partition.clone(), next, low, high };
                let to = match on_gap {
                    OnGap::Stop => return Err(SourceError::Gap(Box::new(gap))),
                    OnGap::Earliest => low,
                    OnGap::Latest => high,
                };
                tracing::warn!(%gap, going_on_at = to, "Messages are missing");
                if next > high {
                    // The offsets behind the end will be taken by other messages.
                    context.begin_epoch(&topic, &[(number, to)])?;
                    begin_again(consumer, &topic, number)?;
                } else {
                    context.assignment().jump(partition, next, to);
                    restart(consumer, &topic, number, Point::At(to))?;
                }
            }
            Some(next) => in_range.push((topic, number, next)),
            // It was to start at the beginning, which moved on meanwhile.
            None => restart(consumer, &topic, number, Point::Beginning)?,
        }
    }
    if in_range.len() == context.assignment().chains.len() {
        // The log caught up meanwhile (a new leader was behind). One of them stands still; which one is not known.
        for (topic, number, next) in in_range {
            restart(consumer, &topic, number, Point::At(next))?;
        }
    }
    Ok(())
}

fn positions(context: &Context) -> Vec<(Partition, Option<i64>)> {
    let assignment = context.assignment();
    assignment.chains.iter().map(|chain| (chain.lease.partition.clone(), assignment.position(chain))).collect()
}

/// Reads a partition that is ours from what is stored of it.
pub(super) fn begin_again(consumer: &BaseConsumer<Context>, topic: &str, number: i32) -> Result<(), SourceError> {
    let context = consumer.context();
    let (epoch, known) = starting::known(&context.bookmarked(topic)?, number);
    let point = context.point(consumer, topic, number, known)?;
    let next = if let Known::Next(next) = known { Some(next) } else { None };
    let partition = Partition { cluster: context.cluster(), topic: topic.into(), number, epoch };
    restart(consumer, topic, number, point)?;
    let mut assignment = context.assignment();
    assignment.begin(partition, next, point);
    if let (true, Some(next), Some(chain)) = (assignment.unchecked, next, assignment.chain(topic, number)) {
        // Kafka decides where reading goes on after this one, so it has to hear of it.
        chain.lease.settle(next);
    }
    Ok(())
}

/// Starts to fetch a partition that is ours at another place.
pub(super) fn restart(
    consumer: &BaseConsumer<Context>,
    topic: &str,
    number: i32,
    point: Point,
) -> Result<(), SourceError> {
    let failed = |error| SourceError::PutBack {
        partition: format!("{topic}/{number}"),
        next: point.to_string(),
        source: Box::new(error),
    };
    let Err(error) = consumer.seek(topic, number, point.offset(), PATIENCE) else {
        return Ok(());
    };
    // A partition that stopped with an error cannot be sought in, only assigned again.
    tracing::debug!(topic, partition = number, %error, "Assigning a partition again");
    let mut list = rdkafka::TopicPartitionList::new();
    list.add_partition_offset(topic, number, point.offset()).map_err(failed)?;
    consumer.incremental_unassign(&list).map_err(failed)?;
    consumer.context().await_apart(consumer, topic, number);
    consumer.incremental_assign(&list).map_err(failed)
}
