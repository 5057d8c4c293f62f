//! Dead letters to a topic of Kafka: each message that was set aside, with the cause in its headers.
//!
//! What is to be published was kept by the transaction that set the message aside, so that none is lost; an answer that is
//! lost is followed by another attempt, so that one may be there twice: its id tells.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

use super::{Stop, patience::tell, publishing::KafkaPublisher};
use crate::{
    domain::{
        dead_letter::{DeadLetterId, DueForward, Forward, StoredDeadLetter},
        message::Header,
    },
    source::Outgoing,
    store::{Store, StoreError},
    task::{Backoff, MarkError},
};

/// How often it is looked whether there are any.
const EVERY: Duration = Duration::from_secs(1);

/// So many are on their way at once.
const AT_ONCE: usize = 100;

const BACKOFF: Backoff = Backoff { first_seconds: 1.0, limit_seconds: 60.0 };

/// Publishes dead letters.
pub struct Forwarder {
    pub store: Store,
    pub publisher: KafkaPublisher,
}

/// Why some are published later.
#[derive(Debug, thiserror::Error)]
enum Later {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Kafka(String),
}

impl Forwarder {
    /// Publishes until told to stop. Those that are in hand are finished, at the end of the input also those that are due.
    pub async fn run(&self, mut stop: watch::Receiver<Stop>) {
        let mut failures = 0;
        loop {
            let last = *stop.borrow() != Stop::Not;
            let pause = match self.publish_due(&stop).await {
                Ok(()) => {
                    if failures > 0 {
                        tracing::info!("Dead letters are published again");
                    }
                    failures = 0;
                    EVERY
                }
                Err(Later::Store(error)) => {
                    tell(&error, "Dead letters that are to be published cannot be read now");
                    EVERY
                }
                Err(Later::Kafka(reason)) => {
                    if failures == 0 {
                        tracing::warn!(reason, "Dead letters cannot be published now; they are kept and tried again");
                    }
                    failures += 1;
                    BACKOFF.pause(failures - 1, 0)
                }
            };
            if last {
                return;
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop != Stop::Not) => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn publish_due(&self, stop: &watch::Receiver<Stop>) -> Result<(), Later> {
        while *stop.borrow() != Stop::Now {
            let due = self.store.due_forwards(AT_ONCE).await?;
            if due.is_empty() {
                break;
            }
            let published = join_all(due.iter().map(|due| self.publish(due))).await;
            let arrived = published.iter().flatten().copied().collect();
            self.store.forwarded(arrived).await?;
            if let Some(Err(error)) = published.into_iter().find(Result::is_err) {
                return Err(Later::Kafka(error.reason().to_owned()));
            }
        }
        Ok(())
    }

    /// One that is too large for its topic goes without what is not kept in the store.
    async fn publish(&self, due: &DueForward) -> Result<DeadLetterId, MarkError> {
        let (letter, store) = (&due.letter, self.store.identity());
        let refused = match self.publisher.send(outgoing(letter, &due.forward, store)).await {
            Err(MarkError::Reject(reason)) => reason,
            sent => return sent.map(|()| letter.id),
        };
        let cut = Forward {
            topic: due.forward.topic.clone(),
            key: letter.key.clone().map(|key| key.0),
            value: letter.payload.clone().map(|payload| payload.0),
            headers: vec![header("truncated", &refused)],
        };
        match self.publisher.send(outgoing(letter, &cut, store)).await {
            Err(MarkError::Reject(reason)) => {
                tracing::error!(id = letter.id.0, reason, "A dead letter cannot be published: it is in the store only");
                Ok(letter.id)
            }
            sent => sent.map(|()| letter.id),
        }
    }
}

fn outgoing(letter: &StoredDeadLetter, forward: &Forward, store: &str) -> Outgoing {
    let Forward { topic, key, value, headers } = forward.clone();
    let headers = headers.into_iter().chain(cause(letter, store)).collect();
    Outgoing { topic, key: key.map(Into::into), value: value.map(Into::into), headers, timestamp: None }
}

/// Where it was, and why it was set aside.
fn cause(letter: &StoredDeadLetter, store: &str) -> Vec<Header> {
    let mut headers = vec![
        header("dead-letter-id", &format!("{store}-{}", letter.id)),
        header("kind", letter.kind.word()),
        header("reason", &letter.reason),
        header("matcher", &letter.matcher),
        header("sha256", &letter.sha256),
        header("cluster", &letter.cluster),
        header("topic", &letter.topic),
        header("partition", &letter.partition.to_string()),
        header("offset", &letter.offset.to_string()),
        header("arrival", &letter.arrival.to_string()),
    ];
    headers.extend(letter.fault.as_ref().map(|fault| header("fault", fault)));
    headers
}

fn header(name: &str, value: &str) -> Header {
    Header { name: format!("eventlatch-{name}"), value: value.as_bytes().to_vec() }
}
