//! Having a partition read again, or from another place: a new epoch begins in the store, and the source goes on there.

use std::{sync::Arc, time::Duration};

use super::handle::Handle;
use crate::{
    domain::dead_letter::Actor,
    source::{Ends, Place, ResetTo, SourceError},
    store::{NewEpoch, StoreError},
};

/// How long Kafka may take for each answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a partition is not read from another place. Nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    #[error("the messages of this service do not come from Kafka: no partition can be read again")]
    NoKafka,
    #[error("there is no partition {topic}/{partition}")]
    NoSuchPartition { topic: String, partition: i32 },
    #[error("the log of {topic}/{partition} goes from {low} to {high}: it has no offset {offset}")]
    Outside { topic: String, partition: i32, offset: ResetTo, low: i64, high: i64 },
    #[error("Kafka was not reached yet: try again when `eventlatch status` says that messages are read")]
    NotConnected,
    #[error("the end of the log is not known")]
    Source(#[from] SourceError),
    #[error("the store did not answer")]
    Store(#[from] StoreError),
    #[error("looking for the offset ended by a defect of its own; the log says more")]
    Defect,
}

impl Handle {
    /// Has a partition (of a topic as Kafka knows it) read from another place on, in a new epoch. The answer is the offset.
    pub async fn reset_partition(
        &self,
        topic: &str,
        partition: i32,
        to: ResetTo,
        actor: Actor,
        reason: Option<String>,
    ) -> Result<i64, ResetError> {
        let (Some(kafka), Some(defining)) = (self.kafka.clone(), &self.defining) else {
            return Err(ResetError::NoKafka);
        };
        let cluster = defining.health().cluster.ok_or(ResetError::NotConnected)?;
        let name = topic.to_owned();
        let asking = move || Ends::new(&kafka)?.place(&name, partition, to, PATIENCE);
        let place = tokio::task::spawn_blocking(asking).await.map_err(|_| ResetError::Defect)??;
        let next = match place {
            Place::At(next) => next,
            Place::Outside { low, high } => {
                return Err(ResetError::Outside { topic: topic.to_owned(), partition, offset: to, low, high });
            }
            Place::NoSuchPartition => return Err(ResetError::NoSuchPartition { topic: topic.to_owned(), partition }),
        };
        self.begin_epoch(&cluster, topic, partition, next).await?;
        let detail = reason.map_or_else(|| format!("to {next}"), |reason| format!("to {next}: {reason}"));
        let subject = format!("partition {topic}/{partition}");
        self.shared.store.audit(actor, "partition reset", subject, Some(detail)).await?;
        tracing::info!(topic, partition, next, asked_by = actor.word(), "A partition is read from another place on");
        defining.source().reset(topic, partition);
        Ok(next)
    }

    async fn begin_epoch(&self, cluster: &Arc<str>, topic: &str, partition: i32, next: i64) -> Result<(), StoreError> {
        let (cluster, topic) = (cluster.to_string(), topic.to_owned());
        self.shared.store.begin_epoch(NewEpoch { cluster, topic, id: None, starts: vec![(partition, next)] }).await
    }
}
