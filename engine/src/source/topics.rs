//! `[topics]`: what topics are called in Kafka here, where that is not what sensors, matchers and files call them.
//!
//! Within this room topics have Kafka's names; whatever comes in or goes out is renamed at the door, so that nobody else
//! knows of two names. A topic has one name outside, else its messages would be read for one and missing for the other.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use super::{Bookmark, Bookmarks, Life, Unavailable};
use crate::domain::message::Partition;

/// The topics that are called otherwise in Kafka.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct Topics {
    /// Kafka's names by ours.
    in_kafka: BTreeMap<String, String>,
    /// Ours by Kafka's.
    ours: BTreeMap<String, Arc<str>>,
}

impl TryFrom<BTreeMap<String, String>> for Topics {
    type Error = String;

    fn try_from(in_kafka: BTreeMap<String, String>) -> Result<Self, String> {
        let mut ours: BTreeMap<String, Arc<str>> = BTreeMap::new();
        for (name, topic) in &in_kafka {
            if !is_name(topic) {
                return Err(format!(
                    "`{topic}` is no topic of Kafka: a name has up to 249 letters, digits, dots, underscores and dashes"
                ));
            }
            if let Some(other) = ours.insert(topic.clone(), name.as_str().into()) {
                return Err(format!("`{other}` and `{name}` are both `{topic}`: a topic has one name here, drop one"));
            }
        }
        Ok(Self { in_kafka, ours })
    }
}

/// As brokers have it.
fn is_name(topic: &str) -> bool {
    let proper = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=249).contains(&topic.len()) && topic != "." && topic != ".." && topic.chars().all(proper)
}

impl Topics {
    /// What Kafka calls a topic.
    pub fn in_kafka<'a>(&'a self, name: &'a str) -> &'a str {
        self.in_kafka.get(name).map_or(name, String::as_str)
    }

    /// What Kafka calls a topic, if that is not what we do.
    pub fn otherwise_in_kafka(&self, name: &str) -> Option<&str> {
        self.in_kafka.get(name).map(String::as_str).filter(|topic| *topic != name)
    }

    /// The name that is to be used here for a topic that somebody calls by its name in Kafka.
    pub fn rather(&self, name: &str) -> Option<&str> {
        self.ours.get(self.in_kafka(name)).map(|ours| &**ours).filter(|ours| *ours != name)
    }

    /// A topic by its name here, and in Kafka where that is another one: for people.
    pub fn both_names(&self, name: &str) -> String {
        self.otherwise_in_kafka(name).map_or_else(|| name.to_owned(), |topic| format!("{name} ({topic} in Kafka)"))
    }

    pub fn is_empty(&self) -> bool {
        self.in_kafka.is_empty()
    }

    pub(super) fn all_in_kafka(&self, names: Vec<String>) -> Vec<String> {
        names.iter().map(|name| self.in_kafka(name).to_owned()).collect()
    }

    /// A partition as Kafka knows it.
    pub(super) fn partition_in_kafka(&self, partition: &Partition) -> Partition {
        match self.otherwise_in_kafka(&partition.topic) {
            Some(topic) => Partition { topic: topic.into(), ..partition.clone() },
            None => partition.clone(),
        }
    }

    /// Gives a partition of Kafka's its name outside.
    pub(super) fn rename(&self, partition: &mut Partition) {
        if let Some(ours) = self.ours.get(&*partition.topic) {
            partition.topic = Arc::clone(ours);
        }
    }

    fn ours<'a>(&'a self, topic: &'a str) -> &'a str {
        self.ours.get(topic).map_or(topic, |ours| &**ours)
    }

    /// What is stored, by Kafka's names.
    pub(super) fn renamed(self: &Arc<Self>, bookmarks: Arc<dyn Bookmarks>) -> Arc<dyn Bookmarks> {
        if self.is_empty() { bookmarks } else { Arc::new(Renamed { topics: Arc::clone(self), bookmarks }) }
    }
}

/// Bookmarks for those who know topics by Kafka's names.
struct Renamed {
    topics: Arc<Topics>,
    bookmarks: Arc<dyn Bookmarks>,
}

impl Bookmarks for Renamed {
    fn store(&self) -> &str {
        self.bookmarks.store()
    }

    fn stored(&self, cluster: &str, topic: &str) -> Result<Vec<Bookmark>, Unavailable> {
        self.bookmarks.stored(cluster, self.topics.ours(topic))
    }

    fn life(&self, cluster: &str, topic: &str) -> Result<Life, Unavailable> {
        self.bookmarks.life(cluster, self.topics.ours(topic))
    }

    fn note_id(&self, cluster: &str, topic: &str, id: &str) -> Result<(), Unavailable> {
        self.bookmarks.note_id(cluster, self.topics.ours(topic), id)
    }

    fn begin_epoch(
        &self,
        cluster: &str,
        topic: &str,
        id: Option<&str>,
        starts: &[(i32, i64)],
    ) -> Result<(), Unavailable> {
        self.bookmarks.begin_epoch(cluster, self.topics.ours(topic), id, starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<Topics, String> {
        toml::from_str(toml).map_err(|error: toml::de::Error| error.message().to_owned())
    }

    #[test]
    fn a_topic_has_one_name_on_either_side() {
        let topics = read("orders = \"prod.orders\"\n\"a.b\" = \"a.b\"").unwrap();
        assert_eq!((topics.in_kafka("orders"), topics.in_kafka("other")), ("prod.orders", "other"));
        assert_eq!(
            (topics.otherwise_in_kafka("orders"), topics.otherwise_in_kafka("a.b")),
            (Some("prod.orders"), None)
        );
        assert_eq!((topics.rather("prod.orders"), topics.rather("orders")), (Some("orders"), None));
        assert_eq!((topics.rather("a.b"), topics.rather("other")), (None, None));
        // Two that are called crosswise.
        let crosswise = read("a = \"b\"\nb = \"a\"").unwrap();
        assert_eq!((crosswise.rather("a"), crosswise.rather("b")), (None, None));
    }

    #[test]
    fn two_names_of_one_topic_are_a_mistake_and_so_is_what_kafka_cannot_call_a_topic() {
        let twice = read("a = \"x\"\nb = \"x\"").unwrap_err();
        assert!(twice.contains("`a` and `b` are both `x`: a topic has one name here"), "{twice}");
        for topic in ["", "..", "^x", "a b", "é"] {
            let refused = read(&format!("a = \"{topic}\"")).unwrap_err();
            assert!(refused.contains("is no topic of Kafka"), "{refused}");
        }
    }
}
