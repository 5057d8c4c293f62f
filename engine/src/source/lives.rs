//! Whether a topic is still the one that was read.
//!
//! Offsets mean something within one life of a topic. One that was deleted and made again, or that stands in another
//! cluster, has other messages at the same offsets. Nothing is guessed then: `on_gap` decides, and where reading goes on
//! a new epoch begins, so that no position is taken twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use rdkafka::consumer::{BaseConsumer, Consumer};

use super::{
    Bookmark, Guarantee, Life, OnGap, SourceError, client,
    context::Context,
    native,
    patience::{PATIENCE, patiently},
};

/// A topic that is another one than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherLife {
    pub topic: String,
    pub change: Change,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It was deleted and created again: Kafka's id of it before, and now.
    Recreated { was: String, is: String },
    /// It was read from another cluster so far.
    OtherCluster { was: String, is: String },
}

impl std::error::Error for OtherLife {}

impl fmt::Display for OtherLife {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topic = &self.topic;
        match &self.change {
            Change::Recreated { was, is } => write!(
                f,
                "topic {topic} was deleted and created anew since it was read (its id was {was} and is {is} now): what \
                 is stored of it belongs to the old one"
            )?,
            Change::OtherCluster { was, is } => write!(
                f,
                "topic {topic} was read from the cluster {was} so far, and `brokers` lead to the cluster {is}, of which \
                 nothing is stored: its messages may be the same ones or others"
            )?,
        }
        f.write_str(
            "; set `on_gap = \"earliest\"` or `\"latest\"` in [kafka] to go on there, or bring the old one back",
        )
    }
}

/// Kafka's ids of topics, as far as it tells.
pub(super) type Ids = BTreeMap<String, String>;

/// What is stored of a topic, and whether a new life of it has begun just now: then also for whom Kafka's offsets count.
pub(super) struct Stored {
    pub(super) bookmarks: Vec<Bookmark>,
    pub(super) begun: bool,
}

impl Context {
    /// Kafka's ids of these topics. None of those that it does not know, or where brokers have no ids.
    pub(super) fn ids(&self, consumer: &BaseConsumer<Self>, topics: &BTreeSet<impl AsRef<str>>) -> Ids {
        let topics: Vec<_> = topics.iter().map(AsRef::as_ref).collect();
        native::topic_ids(consumer.client().native_ptr(), &topics, PATIENCE).unwrap_or_else(|error| {
            tracing::debug!(%error, "The ids of topics are not known");
            Ids::new()
        })
    }

    /// What is stored of a topic, where it is the same one; where it is not, what is stored by `on_gap`.
    pub(super) fn stored(
        &self,
        consumer: &BaseConsumer<Self>,
        topic: &str,
        id: Option<&str>,
    ) -> Result<Stored, SourceError> {
        let failed = |source| SourceError::Bookmarks { topic: topic.to_owned(), source };
        let cluster = self.cluster();
        let life = self.bookmarks().life(&cluster, topic).map_err(failed)?;
        let other = self.change(&life, id).map(|change| OtherLife { topic: topic.to_owned(), change });
        let begun = other.is_some();
        if let Some(other) = other {
            self.begin_life(consumer, topic, id, other)?;
        } else if let (None, Some(id)) = (&life.id, id) {
            self.bookmarks().note_id(&cluster, topic, id).map_err(failed)?;
        }
        if let Some(id) = id {
            self.note_id(topic, id);
        }
        Ok(Stored { bookmarks: self.bookmarks().stored(&cluster, topic).map_err(failed)?, begun })
    }

    /// What is stored of the partitions of a topic, as it is now.
    pub(super) fn bookmarked(&self, topic: &str) -> Result<Vec<Bookmark>, SourceError> {
        let stored = self.bookmarks().stored(&self.cluster(), topic);
        stored.map_err(|source| SourceError::Bookmarks { topic: topic.to_owned(), source })
    }

    /// Begins a new epoch of some partitions of a topic that is the same.
    pub(super) fn begin_epoch(&self, topic: &str, starts: &[(i32, i64)]) -> Result<(), SourceError> {
        let begun = self.bookmarks().begin_epoch(&self.cluster(), topic, None, starts);
        begun.map_err(|source| SourceError::Bookmarks { topic: topic.to_owned(), source })
    }

    fn change(&self, life: &Life, id: Option<&str>) -> Option<Change> {
        match (life, id) {
            (Life { id: Some(was), .. }, Some(is)) if was != is => {
                Some(Change::Recreated { was: was.clone(), is: is.to_owned() })
            }
            // Where Kafka decides it decides in each cluster.
            (Life { elsewhere: Some(was), .. }, _) if self.guarantee() == Guarantee::ExactlyOnce => {
                Some(Change::OtherCluster { was: was.clone(), is: self.cluster().to_string() })
            }
            _ => None,
        }
    }

    fn begin_life(
        &self,
        consumer: &BaseConsumer<Self>,
        topic: &str,
        id: Option<&str>,
        other: OtherLife,
    ) -> Result<(), SourceError> {
        let on_gap = self.on_gap();
        if on_gap == OnGap::Stop {
            return Err(SourceError::OtherLife(Box::new(other)));
        }
        tracing::warn!(%other, going_on_at = ?on_gap, "Not the topic that was read");
        let failed = |source| SourceError::Bookmarks { topic: topic.to_owned(), source };
        let stored = self.bookmarks().stored(&self.cluster(), topic).map_err(failed)?;
        // Those that the old one had and the new one has not begin at their beginning, should they ever come.
        let mut starts: BTreeMap<_, _> = stored.iter().map(|it| (it.partition, 0)).collect();
        starts.extend(
            self.ends(consumer, topic)?
                .into_iter()
                .map(|(number, low, high)| (number, if on_gap == OnGap::Latest { high } else { low })),
        );
        let starts: Vec<_> = starts.into_iter().collect();
        self.bookmarks().begin_epoch(&self.cluster(), topic, id, &starts).map_err(failed)
    }

    /// The partitions of a topic with the ends of their logs.
    fn ends(&self, consumer: &BaseConsumer<Self>, topic: &str) -> Result<Vec<(i32, i64, i64)>, SourceError> {
        let ask = || {
            let numbers = client::partitions(&consumer.fetch_metadata(Some(topic), PATIENCE)?, topic)?;
            let end =
                |number| consumer.fetch_watermarks(topic, number, PATIENCE).map(|(low, high)| (number, low, high));
            numbers.into_iter().map(end).collect()
        };
        let failed = |error: rdkafka::error::KafkaError| SourceError::Fatal {
            reason: format!("the ends of topic {topic} cannot be asked: {error}"),
        };
        Ok(patiently(&self.reach, ask).map_err(failed)?.unwrap_or_default())
    }
}
