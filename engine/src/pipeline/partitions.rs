//! Partitions as people ask for them and act on them: how far each is read, and those that stand still released.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use super::handle::{Handle, HandleError};
use crate::{
    domain::{
        dead_letter::Actor,
        partition::{PartitionStatus, Release},
    },
    source::{Ends, KafkaConfig},
    store::StoreError,
};

/// Whoever looks is told soon, if need be without how far the logs are ahead.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why a partition was not released.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    #[error("nothing is stored of the partition {topic}/{partition} (hint: `eventlatch partition list`)")]
    NoSuchPartition { topic: String, partition: i32 },
    #[error("the partition {topic}/{partition} is not frozen: nothing changed")]
    NotFrozen { topic: String, partition: i32 },
    #[error("the store did not answer")]
    Store(#[from] StoreError),
}

impl From<HandleError> for ReleaseError {
    fn from(error: HandleError) -> Self {
        match error {
            HandleError::Store(error) => Self::Store(error),
        }
    }
}

/// The last offset of each partition by its topic.
type LogEnds = HashMap<(String, i32), i64>;

impl Handle {
    /// How far partitions were read: all, or those of a topic.
    pub async fn partitions(&self, topic: Option<String>) -> Result<Vec<PartitionStatus>, HandleError> {
        let mut all = self.shared.store.partitions(topic).await?;
        let cluster = self.cluster();
        let is_here = |it: &PartitionStatus| cluster.as_deref() == Some(&*it.cluster);
        let topics: BTreeSet<_> = all.iter().filter(|it| is_here(it)).map(|it| it.topic.to_string()).collect();
        let ends = self.log_ends(topics).await;
        for it in all.iter_mut().filter(|it| is_here(it)) {
            let end = ends.get(&(it.topic.to_string(), it.partition));
            it.lag = end.map(|end| (end - it.next).max(0));
        }
        if let Some(kafka) = &self.kafka {
            let name = |topic: &str| kafka.topics.otherwise_in_kafka(topic).map(str::to_owned);
            all.iter_mut().for_each(|it| it.topic_in_kafka = name(&it.topic));
        }
        Ok(all)
    }

    /// Releases a frozen partition. The answer is the offset at which it goes on; where the messages come from a file,
    /// that is at the next start.
    pub async fn release(
        &self,
        topic: &str,
        number: i32,
        how: Release,
        actor: Actor,
        reason: Option<String>,
    ) -> Result<i64, ReleaseError> {
        let status = self.partition(topic, number).await?;
        let not_frozen = || ReleaseError::NotFrozen { topic: topic.to_owned(), partition: number };
        let partition = status.partition();
        let next = self.shared.store.release(partition.clone(), how, actor, reason).await?.ok_or_else(not_frozen)?;
        tracing::info!(%partition, next, asked_by = actor.word(), act = how.word(), "A frozen partition goes on");
        if let (Some(defining), Some(_)) = (&self.defining, &self.kafka) {
            defining.source().put_back(&partition, Some(next));
        }
        Ok(next)
    }

    /// A partition of this cluster, or of the one that was read last.
    async fn partition(&self, topic: &str, number: i32) -> Result<PartitionStatus, ReleaseError> {
        let cluster = self.cluster();
        let all = self.shared.store.partitions(Some(topic.to_owned())).await?;
        let meant = all.into_iter().filter(|it| it.partition == number);
        let found = meant.max_by_key(|it| (cluster.as_deref() == Some(&*it.cluster), it.updated_at));
        found.ok_or_else(|| ReleaseError::NoSuchPartition { topic: topic.to_owned(), partition: number })
    }

    pub(super) fn cluster(&self) -> Option<Arc<str>> {
        self.defining.as_ref().and_then(|defining| defining.health().cluster)
    }

    /// Those that Kafka tells in time.
    async fn log_ends(&self, topics: BTreeSet<String>) -> LogEnds {
        let Some(kafka) = self.kafka.clone() else { return LogEnds::new() };
        let asking = tokio::task::spawn_blocking(move || log_ends(&kafka, &topics));
        match tokio::time::timeout(PATIENCE * 2, asking).await {
            Ok(Ok(ends)) => ends,
            _ => LogEnds::new(),
        }
    }
}

fn log_ends(kafka: &KafkaConfig, topics: &BTreeSet<String>) -> LogEnds {
    let Ok(ends) = Ends::new(kafka) else { return LogEnds::new() };
    let mut all = LogEnds::new();
    for topic in topics {
        let found = ends.of(topic, PATIENCE).unwrap_or_default();
        all.extend(found.into_iter().map(|end| ((topic.clone(), end.partition), end.high)));
    }
    all
}
