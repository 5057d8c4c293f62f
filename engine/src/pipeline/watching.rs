//! Looks after what nobody notices by himself: whether Kafka still answers where there is nothing to read, how far its
//! logs reach, and whether a store that failed takes something again.
//!
//! What it finds is for those who ask how the service stands ([`super::readiness`], [`super::measuring`]); they never wait
//! for Kafka themselves.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

use super::{Shared, Stop};
use crate::{
    source::{End, Ends, KafkaConfig, SourceError},
    telemetry::metrics,
};

/// Kafka is asked so often, and sooner again where it did not answer.
const EVERY: Duration = Duration::from_secs(5);
const SOON: Duration = Duration::from_secs(2);

/// The store is looked at so often.
const TENDING: Duration = Duration::from_secs(1);

/// How long it may take to answer. A machine that is busy is no broker that is gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many questions in a row without an answer are a problem.
const UNANSWERED: usize = 2;

/// What was seen last.
#[derive(Debug, Default)]
pub struct Watched(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// By topic; those that were not told of last are as they were.
    ends: BTreeMap<String, Vec<End>>,
    unanswered: usize,
    reason: Option<String>,
}

/// What came of asking for the ends of logs.
#[derive(Default)]
struct Asked {
    ends: Vec<(String, Vec<End>)>,
    failed: Option<SourceError>,
}

impl Watched {
    /// How far the logs reached when they were asked last, by topic.
    pub fn ends(&self) -> BTreeMap<String, Vec<End>> {
        self.seen().ends.clone()
    }

    /// Why nothing is known of the logs now.
    pub fn problem(&self) -> Option<String> {
        let seen = self.seen();
        seen.reason.clone().filter(|_| seen.unanswered >= UNANSWERED)
    }

    /// Why something is not known of some of them.
    pub fn unanswered(&self) -> Option<String> {
        self.seen().reason.clone()
    }

    /// Whether there was an answer.
    fn note(&self, topics: &[String], asked: Asked) -> bool {
        let mut seen = self.seen();
        let answered = asked.failed.is_none();
        // A topic whose leader is away is a part of Kafka: what others are asked about is answered.
        seen.unanswered = if answered || !asked.ends.is_empty() { 0 } else { seen.unanswered + 1 };
        seen.reason = asked.failed.map(|error| error.to_string());
        seen.ends.retain(|topic, _| topics.contains(topic));
        seen.ends.extend(asked.ends);
        answered
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after both until told to stop. Without Kafka only after the store.
pub async fn run(shared: &Shared, kafka: Option<KafkaConfig>, mut stop: watch::Receiver<Stop>) {
    tokio::select! {
        () = tend(shared) => {}
        () = ask_again_and_again(shared, kafka) => {}
        _ = stop.wait_for(|stop| *stop != Stop::Not) => {}
    }
}

/// A store that failed and that nobody writes to would be said to fail for ever; one whose file was taken away, to be well.
async fn tend(shared: &Shared) {
    loop {
        tokio::time::sleep(TENDING).await;
        metrics::tidy();
        shared.store.tend().await;
    }
}

async fn ask_again_and_again(shared: &Shared, kafka: Option<KafkaConfig>) {
    let Some(ends) = kafka.and_then(|kafka| Ends::new(&kafka).ok()).map(Arc::new) else {
        return std::future::pending().await;
    };
    loop {
        let topics: Vec<_> = shared.live.load().index.topics().map(ToString::to_string).collect();
        let (ends, asked) = (Arc::clone(&ends), topics.clone());
        let asked = tokio::task::spawn_blocking(move || ask(&ends, &asked)).await.unwrap_or_default();
        let answered = shared.watched.note(&topics, asked);
        tokio::time::sleep(if answered { EVERY } else { SOON }).await;
    }
}

/// Asks for one topic after the other. Kafka that answers nothing is not asked for all of them.
fn ask(ends: &Ends, topics: &[String]) -> Asked {
    let (mut asked, mut failures) = (Asked::default(), 0);
    for topic in topics {
        match ends.of(topic, PATIENCE) {
            Ok(of_topic) => asked.ends.push((topic.clone(), of_topic)),
            Err(error) => {
                asked.failed = Some(error);
                failures += 1;
            }
        }
        if failures >= UNANSWERED && asked.ends.is_empty() {
            break;
        }
    }
    asked
}
