//! Whether all has been read that lay in the logs when a deadline came.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{
    pipeline::Shared,
    source::{End, Ends, KafkaConfig},
    store::StoreError,
};

/// How long Kafka may take to say how far a log reaches.
const PATIENCE: Duration = Duration::from_secs(5);

/// How far the topics have been read, as far as somebody asked.
pub(super) struct Reading {
    kafka: Arc<KafkaConfig>,
    /// Without progress for so long a deadline waits no more.
    grace: Duration,
    topics: HashMap<String, Topic>,
}

/// A topic whose log is to be read up to some end.
struct Topic {
    /// Before that the log was asked.
    asked_at: Timestamp,
    /// None: Kafka did not answer.
    ends: Option<Vec<End>>,
    read: bool,
    /// What was read when it was last looked, also for catching up, and since when that has not changed.
    stands_at: (Vec<(i32, i64)>, Option<i64>),
    since: Instant,
}

impl Topic {
    fn new(asked_at: Timestamp, ends: Option<Vec<End>>) -> Self {
        Self { asked_at, ends, read: false, stands_at: (Vec::new(), None), since: Instant::now() }
    }
}

impl Reading {
    pub(super) fn new(kafka: KafkaConfig, grace: Duration) -> Self {
        Self { kafka: Arc::new(kafka), grace, topics: HashMap::new() }
    }

    /// Whether these topics have been read up to an end that they had after the deadline, or reading stands still.
    pub(super) async fn is_done(
        &mut self,
        shared: &Shared,
        topics: &[String],
        deadline: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut done = true;
        for topic in topics {
            done &= self.is_read(shared, topic, deadline).await?;
        }
        Ok(done)
    }

    async fn is_read(&mut self, shared: &Shared, topic: &str, deadline: Timestamp) -> Result<bool, StoreError> {
        self.ask_where_needed(topic, deadline).await;
        let Some(asked) = self.topics.get_mut(topic) else { return Ok(false) };
        if asked.read {
            return Ok(true);
        }
        let stored = shared.store.offsets_of(topic.to_owned()).await?;
        let catching_up = shared.store.catching_up(topic.to_owned(), Timestamp::now()).await?;
        let reached_all = |ends: &Vec<End>| ends.iter().all(|end| reached(end, &stored));
        asked.read = catching_up.is_none() && asked.ends.as_ref().is_some_and(reached_all);
        let stands_at = (stored, catching_up);
        if stands_at != asked.stands_at {
            (asked.stands_at, asked.since) = (stands_at, Instant::now());
        }
        if !asked.read && asked.since.elapsed() >= self.grace {
            tracing::warn!(topic, "Reading stands still: deadlines take effect without what was not read");
            asked.read = true;
        }
        Ok(asked.read)
    }

    /// The log is asked after the deadline, and again while there is no answer.
    async fn ask_where_needed(&mut self, topic: &str, deadline: Timestamp) {
        let is_new = self.topics.get(topic).is_none_or(|known| known.asked_at < deadline);
        if !is_new && self.topics.get(topic).is_some_and(|known| known.ends.is_some() || known.read) {
            return;
        }
        let asked_at = Timestamp::now();
        let ends = self.ask(topic).await;
        match self.topics.get_mut(topic).filter(|_| !is_new) {
            Some(known) => known.ends = ends,
            None => drop(self.topics.insert(topic.to_owned(), Topic::new(asked_at, ends))),
        }
    }

    /// How far a log reaches. None: Kafka does not answer.
    async fn ask(&self, topic: &str) -> Option<Vec<End>> {
        let (kafka, asked) = (Arc::clone(&self.kafka), topic.to_owned());
        let asking = move || Ends::new(&kafka).and_then(|ends| ends.of(&asked, PATIENCE));
        match tokio::task::spawn_blocking(asking).await {
            Ok(Ok(ends)) => Some(ends),
            Ok(Err(error)) => {
                tracing::debug!(topic, error = &error as &dyn std::error::Error, "Its end is not known");
                None
            }
            Err(_) => None,
        }
    }
}

fn reached(end: &End, stored: &[(i32, i64)]) -> bool {
    let next = stored.iter().rev().find(|(partition, _)| *partition == end.partition).map(|(_, next)| *next);
    end.low == end.high || next.is_some_and(|next| next >= end.high)
}
