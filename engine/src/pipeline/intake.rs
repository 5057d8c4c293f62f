//! Messages in, recordings out, receipts settled.
//!
//! Each topic has a lane of its own: what is wrong with its matcher keeps no other topic waiting. Here batches are cut by
//! topic and handed to the lanes; `lane` is where they are judged and recorded.

use std::{collections::BTreeMap, sync::Arc};

use tokio::task::{JoinError, JoinSet};

use super::{
    Shared,
    judging::Waits,
    lane::{Lane, Running},
    rendering::RenderError,
};
use crate::{
    domain::{
        dead_letter::{DeadLetter, DeadLetterKind},
        message::Position,
    },
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
    #[error("the matcher `{}` {} {position}: {} (hint: mend the matcher and start again, or have such messages \
             set aside: `{}` in [matchers])", .letter.by.matcher, did(.letter), .letter.reason, key(.letter))]
    StoppedAt { position: Position, letter: Box<DeadLetter> },
    #[error("reading messages ended by a defect of its own; the log says more")]
    Defect,
}

fn did(letter: &DeadLetter) -> &'static str {
    match letter.cause.kind() {
        DeadLetterKind::Fault => "failed on the message",
        DeadLetterKind::Reject => "rejects the message",
    }
}

fn key(letter: &DeadLetter) -> &'static str {
    match letter.cause.kind() {
        DeadLetterKind::Fault => "on_fault",
        DeadLetterKind::Reject => "on_reject",
    }
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
                Some(ended) = self.running.join_next() => return outcome(ended),
            };
            let Some(batch) = batch else {
                return Ok(());
            };
            if let Some(ended) = self.hand_over(batch?).await {
                return outcome(ended);
            }
        }
    }

    /// Hands a batch to its lanes. Some: one of them ended, which it does before its time only with an error.
    async fn hand_over(&mut self, batch: Vec<Delivery>) -> Option<Ended> {
        let mut by_topic: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
        for delivery in batch {
            by_topic.entry(delivery.slice.partition.topic.to_string()).or_default().push(delivery);
        }
        by_topic.keys().for_each(|topic| self.open(topic));
        let Self { lanes, running, .. } = self;
        let handing_over = async {
            for (topic, deliveries) in by_topic {
                lanes[&topic].take(deliveries).await;
            }
        };
        tokio::select! {
            () = handing_over => None,
            // There may never be room in the lane that is waited for: it may be the one that ended.
            Some(ended) = running.join_next() => Some(ended),
        }
    }

    fn open(&mut self, topic: &str) {
        if !self.lanes.contains_key(topic) {
            let (lane, to_run) = Lane::new(topic, self.shared, self.source);
            self.running.spawn(Running::run(to_run));
            self.lanes.insert(topic.to_owned(), lane);
        }
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

/// How a lane ended.
type Ended = Result<Result<(), IntakeError>, JoinError>;

fn outcome(ended: Ended) -> Result<(), IntakeError> {
    ended.unwrap_or(Err(IntakeError::Defect))
}
