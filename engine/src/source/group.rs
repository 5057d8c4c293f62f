//! What Kafka holds for the group: how far it has read, and whose store it is read for.
//!
//! Two stores in one group would each miss what the other one reads. So each commit bears the name of its store, and
//! whoever finds another one's name there, and not its own, does not read.

use std::collections::{BTreeMap, BTreeSet};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaResult,
};

use super::{client, native, patience::PATIENCE};

/// Stands before the name of a store in the metadata of a commit.
const STORE: &str = "eventlatch store ";

/// The metadata of a commit by a store.
pub(super) fn claim(store: &str) -> String {
    format!("{STORE}{store}")
}

/// What Kafka holds for one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Committed {
    pub(super) offset: i64,
    /// The store that has committed it; none: somebody else has.
    pub(super) store: Option<String>,
}

/// What Kafka holds for all partitions of some topics.
#[derive(Debug, Default)]
pub(super) struct Held(BTreeMap<String, BTreeMap<i32, Committed>>);

impl Held {
    pub(super) fn ask<C: ConsumerContext>(consumer: &BaseConsumer<C>, topics: &BTreeSet<String>) -> KafkaResult<Self> {
        let mut list = TopicPartitionList::new();
        for topic in topics {
            let metadata = consumer.fetch_metadata(Some(topic), PATIENCE)?;
            client::partitions(&metadata, topic)?.into_iter().for_each(|number| {
                list.add_partition(topic, number);
            });
        }
        if list.count() == 0 {
            return Ok(Self::default());
        }
        let list = consumer.committed_offsets(list, PATIENCE)?;
        let mut held = Self::default();
        for (element, metadata) in list.elements().iter().zip(native::metadata(&list)) {
            element.error()?;
            if let Offset::Offset(offset) = element.offset() {
                let store = metadata.strip_prefix(STORE).map(str::to_owned);
                held.note(element.topic(), element.partition(), Committed { offset, store });
            }
        }
        Ok(held)
    }

    fn note(&mut self, topic: &str, partition: i32, committed: Committed) {
        self.0.entry(topic.to_owned()).or_default().insert(partition, committed);
    }

    pub(super) fn of(&self, topic: &str, partition: i32) -> Option<&Committed> {
        self.0.get(topic)?.get(&partition)
    }

    /// Whether there is anything of a topic.
    pub(super) fn knows(&self, topic: &str) -> bool {
        self.0.contains_key(topic)
    }

    /// The store that the group belongs to, if that is another one. Where two have begun at once one has to go: the same
    /// for both.
    pub(super) fn other_store(&self, ours: &str) -> Option<&str> {
        let all: BTreeSet<_> =
            self.0.values().flat_map(BTreeMap::values).filter_map(|it| it.store.as_deref()).collect();
        let first = all.iter().find(|store| **store != ours)?;
        (!all.contains(ours) || *first < ours).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stores: &[Option<&str>], ours: &str, expected: Option<&str>) {
        let mut held = Held::default();
        for (number, store) in (0..).zip(stores) {
            held.note("t", number, Committed { offset: 0, store: store.map(str::to_owned) });
        }
        assert_eq!(held.other_store(ours), expected, "{stores:?}");
    }

    #[test]
    fn a_group_belongs_to_one_store() {
        check(&[], "b", None);
        check(&[None, Some("b")], "b", None);
        check(&[Some("a")], "b", Some("a"));
        check(&[Some("c"), None], "b", Some("c"));
        // They began at once: one of them stays.
        check(&[Some("a"), Some("b")], "b", Some("a"));
        check(&[Some("a"), Some("b")], "a", None);
    }
}
