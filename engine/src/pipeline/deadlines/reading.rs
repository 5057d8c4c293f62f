//! Whether all has been read that lay in the logs when a deadline came.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{
    pipeline::Shared,
    source::{End, Ends, KafkaConfig, KafkaLog, Log, SourceError},
    store::StoreError,
};

/// How long Kafka may take to say how far a log reaches.
const PATIENCE: Duration = Duration::from_secs(5);

/// Kafka that did not answer is asked again after so long.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// What was seen of a topic holds for so long.
const FRESH: Duration = Duration::from_millis(40);

/// Without progress for so long it is looked whether there is anything to be read at all.
const TAIL: Duration = Duration::from_millis(500);

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
    /// Of which cluster they are: what was read of another one does not count.
    cluster: Option<Arc<str>>,
    tried: Instant,
    read: bool,
    /// Partitions that stand still until somebody releases them: nobody waits for these.
    frozen: Vec<i32>,
    /// What was read when it was last looked, also for catching up, and since when that has not changed.
    stands_at: (Vec<(i32, i64)>, Option<i64>),
    since: Instant,
    /// Whether what is not read was looked at since then.
    tail_was_read: bool,
    /// Whether the log has it that nothing gets on.
    was_told: bool,
    looked_at: Option<Instant>,
}

impl Topic {
    /// What stood still before stands still: a new question is no progress.
    fn new(asked_at: Timestamp, answer: Option<(Option<Arc<str>>, Vec<End>)>, before: Option<Self>) -> Self {
        let (cluster, ends) = answer.map_or((None, None), |(cluster, ends)| (cluster, Some(ends)));
        let now = Instant::now();
        let before = before.filter(|before| !before.read);
        let (stands_at, since) =
            before.map_or_else(|| ((Vec::new(), None), now), |before| (before.stands_at, before.since));
        let (read, tail_was_read, was_told, looked_at) = (false, false, false, None);
        let frozen = Vec::new();
        Self { asked_at, ends, cluster, tried: now, read, frozen, stands_at, since, tail_was_read, was_told, looked_at }
    }

    fn note_progress(&mut self, stands_at: (Vec<(i32, i64)>, Option<i64>)) {
        if stands_at != self.stands_at {
            (self.stands_at, self.since) = (stands_at, Instant::now());
            (self.tail_was_read, self.was_told) = (false, false);
        }
    }

    async fn look(&mut self, shared: &Shared, topic: &str, kafka: &Arc<KafkaConfig>) -> Result<(), StoreError> {
        let catching_up = shared.store.catching_up(topic.to_owned(), Timestamp::now()).await?;
        let stored = shared.store.offsets_of(topic.to_owned(), self.cluster.clone()).await?;
        self.note_progress((stored, catching_up));
        self.frozen = shared.store.frozen_of(topic.to_owned()).await?;
        if self.since.elapsed() >= TAIL && !self.tail_was_read && !self.read {
            self.tail_was_read = true;
            self.pass_empty_tails(kafka, topic).await;
        }
        self.read |= self.has_reached_all();
        Ok(())
    }

    /// All is read, and nothing is being caught up.
    fn is_done(&self) -> bool {
        self.read && self.stands_at.1.is_none()
    }

    fn has_reached_all(&self) -> bool {
        let (stored, _) = &self.stands_at;
        let done = |end: &End| self.frozen.contains(&end.partition) || reached(end, stored);
        self.ends.as_ref().is_some_and(|ends| ends.iter().all(done))
    }

    /// What marks the end of a transaction has an offset and is no message: behind the last one nothing comes.
    async fn pass_empty_tails(&mut self, kafka: &Arc<KafkaConfig>, topic: &str) {
        let (stored, Some(ends)) = (&self.stands_at.0, &mut self.ends) else { return };
        for end in ends {
            let next = next_of(end, stored).unwrap_or(end.low);
            if next >= end.high {
                continue;
            }
            let (kafka, topic, End { partition, high, .. }) = (Arc::clone(kafka), topic.to_owned(), end.clone());
            let reading = move || KafkaLog::open(&kafka).and_then(|mut log| log.read(&topic, partition, next, high));
            if let Ok(Ok(piece)) = tokio::task::spawn_blocking(reading).await
                && piece.messages.is_empty()
                && piece.next >= high
            {
                (end.low, end.high) = (next, next);
            }
        }
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
        // Many waits may be due at a time: what was seen a moment ago is so still.
        if asked.looked_at.is_none_or(|at| at.elapsed() >= FRESH) {
            asked.look(shared, topic, &self.kafka).await?;
            asked.looked_at = Some(Instant::now());
        }
        if asked.since.elapsed() >= self.grace && !asked.is_done() {
            if !std::mem::replace(&mut asked.was_told, true) {
                tracing::warn!(topic, "Reading stands still: deadlines take effect without what was not read");
            }
            return Ok(true);
        }
        Ok(asked.asked_at >= deadline && asked.is_done())
    }

    /// The log is asked after the deadline, and again while there is no answer. What is not read yet up to an earlier
    /// end is read first: else deadlines that follow each other closely would wait for ever.
    async fn ask_where_needed(&mut self, topic: &str, deadline: Timestamp) {
        let known = self.topics.get(topic);
        let is_late = known.is_none_or(|known| known.read && known.asked_at < deadline);
        let is_open = known.is_some_and(|known| known.ends.is_none() && known.tried.elapsed() >= ASK_AGAIN);
        if !is_late && !is_open {
            return;
        }
        let asked_at = Timestamp::now();
        let answer = self.ask(topic).await;
        let before = self.topics.remove(topic);
        self.topics.insert(topic.to_owned(), Topic::new(asked_at, answer, before));
    }

    /// How far a log reaches, and in which cluster. None: Kafka does not answer.
    async fn ask(&self, topic: &str) -> Option<(Option<Arc<str>>, Vec<End>)> {
        let (kafka, asked) = (Arc::clone(&self.kafka), topic.to_owned());
        let asking = move || {
            let logs = Ends::new(&kafka)?;
            let ends = logs.of(&asked, PATIENCE)?;
            Ok((logs.cluster(PATIENCE), ends))
        };
        match tokio::task::spawn_blocking(asking).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                let error: SourceError = error;
                tracing::debug!(topic, error = &error as &dyn std::error::Error, "Its end is not known");
                None
            }
            Err(_) => None,
        }
    }
}

fn reached(end: &End, stored: &[(i32, i64)]) -> bool {
    end.low == end.high || next_of(end, stored).is_some_and(|next| next >= end.high)
}

fn next_of(end: &End, stored: &[(i32, i64)]) -> Option<i64> {
    stored.iter().rev().find(|(partition, _)| *partition == end.partition).map(|(_, next)| *next)
}
