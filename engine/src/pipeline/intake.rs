//! Messages in, recordings out, receipts settled.
//!
//! Each topic has a lane of its own: what is wrong with its matcher keeps no other topic waiting. Here batches are cut by
//! topic and handed to the lanes; [`lane`](super::lane) is where they are judged and recorded.

use std::{collections::BTreeMap, sync::Arc};

use tokio::task::JoinSet;

use super::{
    Shared,
    judging::Waits,
    lane::{Lane, Running},
    rendering::RenderError,
};
use crate::{
    source::{Deliveries, Delivery, Source, SourceError},
    store::StoreError,
};

/// Why intake ended before its source did.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("what messages came to cannot be recorded")]
    Store(#[from] StoreError),
    #[error("messages of the topic `{topic}` are left for the next start: {waits}")]
    Left { topic: Arc<str>, waits: Waits },
    #[error("reading messages ended by a defect of its own; the log says more")]
    Defect,
}

/// Takes in messages until the source ends. What was judged by then is recorded before this returns.
pub async fn run(shared: &Shared, source: &Source, mut deliveries: Deliveries) -> Result<(), IntakeError> {
    let mut lanes = Lanes { shared, source, lanes: BTreeMap::new(), running: JoinSet::new() };
    let outcome = lanes.feed(&mut deliveries).await;
    let finished = lanes.finish().await;
    deliveries.close().await;
    outcome.and(finished)
}

/// The lanes of all topics that brought messages.
struct Lanes<'a> {
    shared: &'a Shared,
    source: &'a Source,
    lanes: BTreeMap<String, Lane>,
    running: JoinSet<Result<(), IntakeError>>,
}

impl Lanes<'_> {
    async fn feed(&mut self, deliveries: &mut Deliveries) -> Result<(), IntakeError> {
        loop {
            let batch = tokio::select! {
                batch = deliveries.next() => batch,
                // A lane ends before its time only with an error.
                Some(ended) = self.running.join_next() => return outcome(ended),
            };
            match batch {
                None => return Ok(()),
                Some(batch) => self.hand_over(batch?).await,
            }
        }
    }

    async fn hand_over(&mut self, batch: Vec<Delivery>) {
        let mut by_topic: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
        for delivery in batch {
            by_topic.entry(delivery.slice.partition.topic.to_string()).or_default().push(delivery);
        }
        for (topic, deliveries) in by_topic {
            self.lane(topic).take(deliveries).await;
        }
    }

    fn lane(&mut self, topic: String) -> &mut Lane {
        let Self { shared, source, lanes, running } = self;
        lanes.entry(topic).or_insert_with_key(|topic| {
            let (lane, to_run) = Lane::new(topic, shared, source);
            running.spawn(Running::run(to_run));
            lane
        })
    }

    /// Lets the lanes finish what they have.
    async fn finish(mut self) -> Result<(), IntakeError> {
        self.lanes.clear();
        let mut finished = Ok(());
        while let Some(ended) = self.running.join_next().await {
            finished = finished.and(outcome(ended));
        }
        finished
    }
}

fn outcome(ended: Result<Result<(), IntakeError>, tokio::task::JoinError>) -> Result<(), IntakeError> {
    ended.unwrap_or(Err(IntakeError::Defect))
}
