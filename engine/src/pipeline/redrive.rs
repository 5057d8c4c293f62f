//! Judging dead letters again: their messages are read from Kafka once more and evaluated as any other, by the matchers
//! that serve now. What follows is recorded once, however often one asks; no offset moves.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
    time::Duration,
};

use super::{
    handle::Handle,
    judging::{Manner, judge},
    rendering::RenderError,
};
use crate::{
    domain::{
        dead_letter::{
            Actor, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterKind, Rejudged, Rejudgement, StoredDeadLetter,
        },
        message::{Before, Position, Slice, Span},
        recording::Recording,
    },
    source::{self, Fetched, SourceError},
    store::StoreError,
};

/// So many dead letters are judged again at most before the answer.
pub const REDRIVE_LIMIT: usize = 1_000;

/// How long Kafka may take for each answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which dead letters are to be judged again.
#[derive(Debug, Clone)]
pub enum Which {
    These(Vec<DeadLetterId>),
    /// All that are meant and newer than one, the oldest first, up to a number.
    All {
        filter: DeadLetterFilter,
        after: Option<DeadLetterId>,
        limit: usize,
    },
}

/// Why dead letters were not judged again. Nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum RedriveError {
    #[error("the messages of this service do not come from Kafka: none can be read again")]
    NoKafka,
    #[error("there is no dead letter {}", list(.0))]
    Unknown(Vec<DeadLetterId>),
    #[error("the messages cannot be read again")]
    Fetch(#[from] SourceError),
    #[error("the store did not answer")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("reading the messages ended by a defect of its own; the log says more")]
    Defect,
}

fn list(ids: &[DeadLetterId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A dead letter that was asked for, and what came of it.
#[derive(Debug, Clone)]
pub struct Redriven {
    pub letter: StoredDeadLetter,
    /// False: it could not be judged again, and nothing changed.
    pub judged: bool,
    pub outcome: String,
}

impl Handle {
    /// Judges dead letters again and records what follows.
    pub async fn redrive(&self, which: Which, actor: Actor) -> Result<Vec<Redriven>, RedriveError> {
        let _turn = self.redriving.lock().await;
        if self.kafka.is_none() {
            return Err(RedriveError::NoKafka);
        }
        let letters = self.letters(which).await?;
        let fetched = self.fetch(&letters).await?;
        let verdicts = self.judge(&letters, fetched).await?;
        let answer = |(letter, verdict): (&StoredDeadLetter, &Rejudgement)| Redriven {
            letter: letter.clone(),
            judged: verdict.is_judged(),
            outcome: verdict.outcome().to_owned(),
        };
        let answers: Vec<_> = letters.iter().zip(&verdicts).map(answer).collect();
        let rejudged = letters.iter().zip(verdicts).map(|(letter, verdict)| Rejudged {
            id: letter.id,
            partition: letter.position().partition,
            verdict,
        });
        self.shared.store.redrive(rejudged.collect(), actor).await?;
        let judged = answers.iter().filter(|answer| answer.judged).count();
        tracing::info!(asked_by = actor.word(), letters = answers.len(), judged, "Judged dead letters again");
        Ok(answers)
    }

    async fn letters(&self, which: Which) -> Result<Vec<StoredDeadLetter>, RedriveError> {
        let store = &self.shared.store;
        match which {
            Which::All { filter, after, limit } => {
                Ok(store.dead_letters_after(filter, after, limit.min(REDRIVE_LIMIT)).await?)
            }
            Which::These(ids) => {
                let (mut letters, mut unknown) = (Vec::new(), Vec::new());
                for id in ids.into_iter().collect::<BTreeSet<_>>() {
                    match store.dead_letter(id).await? {
                        Some(letter) => letters.push(letter),
                        None => unknown.push(id),
                    }
                }
                if unknown.is_empty() { Ok(letters) } else { Err(RedriveError::Unknown(unknown)) }
            }
        }
    }

    /// Reads the messages again, except those of a life of their partition that has ended.
    async fn fetch(&self, letters: &[StoredDeadLetter]) -> Result<BTreeMap<Position, Fetched>, RedriveError> {
        let Some(kafka) = self.kafka.clone() else { return Err(RedriveError::NoKafka) };
        let epochs = self.epochs(letters).await?;
        let alive = |position: &Position| {
            let partition = &position.partition;
            let place = (partition.cluster.to_string(), partition.topic.to_string(), partition.number);
            epochs.get(&place).is_none_or(|epoch| *epoch == partition.epoch)
        };
        let positions: BTreeSet<_> = letters.iter().map(StoredDeadLetter::position).filter(alive).collect();
        let fetching = tokio::task::spawn_blocking(move || source::fetch(&kafka, &positions, PATIENCE));
        Ok(fetching.await.map_err(|_| RedriveError::Defect)??)
    }

    /// Which life each partition is in.
    async fn epochs(&self, letters: &[StoredDeadLetter]) -> Result<HashMap<(String, String, i32), i64>, RedriveError> {
        let topics: BTreeSet<_> = letters.iter().map(|it| (it.cluster.to_string(), it.topic.to_string())).collect();
        let store = self.shared.store.clone();
        let asking = tokio::task::spawn_blocking(move || {
            let mut epochs = HashMap::new();
            for (cluster, topic) in topics {
                for stored in store.stored_offsets(&cluster, &topic)? {
                    epochs.insert((cluster.clone(), topic.clone(), stored.partition), stored.epoch);
                }
            }
            Ok::<_, StoreError>(epochs)
        });
        Ok(asking.await.map_err(|_| RedriveError::Defect)??)
    }

    /// A verdict on each letter, in order.
    async fn judge(
        &self,
        letters: &[StoredDeadLetter],
        fetched: BTreeMap<Position, Fetched>,
    ) -> Result<Vec<Rejudgement>, RedriveError> {
        let mut by_topic: BTreeMap<&str, Vec<&StoredDeadLetter>> = BTreeMap::new();
        let mut verdicts = BTreeMap::new();
        for letter in letters {
            match fetched.get(&letter.position()) {
                Some(Ok(_)) => by_topic.entry(&letter.topic).or_default().push(letter),
                Some(Err(not_there)) => drop(verdicts.insert(letter.id, not_judged(not_there))),
                None => drop(verdicts.insert(letter.id, not_judged("its partition began anew since"))),
            }
        }
        for (topic, letters) in by_topic {
            verdicts.extend(self.judge_topic(topic, &letters, &fetched).await?);
        }
        let verdict =
            |letter: &StoredDeadLetter| verdicts.remove(&letter.id).unwrap_or_else(|| not_judged("no answer"));
        Ok(letters.iter().map(verdict).collect())
    }

    async fn judge_topic(
        &self,
        topic: &str,
        letters: &[&StoredDeadLetter],
        fetched: &BTreeMap<Position, Fetched>,
    ) -> Result<Vec<(DeadLetterId, Rejudgement)>, RedriveError> {
        let wanted_by: BTreeSet<_> = self.shared.live.load().index.matchers(topic).cloned().collect();
        let all = |verdict: Rejudgement| letters.iter().map(|letter| (letter.id, verdict.clone())).collect();
        if wanted_by.is_empty() {
            return Ok(all(not_judged("no sensor wants messages of its topic")));
        }
        let slices = letters.iter().filter_map(|letter| slice(letter, fetched)).collect();
        let recordings = match judge(&self.shared, &Arc::new(slices), Manner::Aside).await? {
            Ok(recordings) => recordings,
            Err(waits) => return Ok(all(not_judged(waits))),
        };
        let verdict = |(letter, recording): (&&StoredDeadLetter, Recording)| {
            // Where the matcher that set it aside judges its topic still, what others say of it is recorded already.
            let only = wanted_by.contains(letter.matcher.as_str()).then_some(&*letter.matcher);
            (letter.id, verdict(recording, only))
        };
        Ok(letters.iter().zip(recordings).map(verdict).collect())
    }
}

fn not_judged(why: impl fmt::Display) -> Rejudgement {
    Rejudgement::NotJudged(format!("not judged again: {why}"))
}

/// A slice of this one message. Its span says nothing: no offset moves.
fn slice(letter: &StoredDeadLetter, fetched: &BTreeMap<Position, Fetched>) -> Option<Slice> {
    let position = letter.position();
    let message = fetched.get(&position)?.as_ref().ok()?.clone();
    let span = Span { from: Before::Anything, to: position.offset + 1 };
    Some(Slice { partition: position.partition, span, messages: vec![message] })
}

/// What a message came to this time, by one matcher or by all.
fn verdict(recording: Recording, only: Option<&str>) -> Rejudgement {
    let ours = |matcher: &str| only.is_none_or(|only| only == matcher);
    let Recording { mut matches, mut near_misses, mut dead_letters, .. } = recording;
    matches.retain(|it| ours(&it.by.matcher));
    near_misses.retain(|it| ours(&it.by.matcher));
    dead_letters.retain(|it| ours(&it.by.matcher));
    let refused = near_misses.first().map(|near| near.reason.as_str());
    let outcome = outcome(matches.len(), refused, dead_letters.first());
    Rejudgement::Judged { matches, near_misses, outcome }
}

fn outcome(matches: usize, refused: Option<&str>, again: Option<&DeadLetter>) -> String {
    let fulfilled = match matches {
        0 => None,
        1 => Some("fulfilled 1 wanted message".to_owned()),
        more => Some(format!("fulfilled {more} wanted messages")),
    };
    let again = again.map(|letter| match letter.cause.kind() {
        DeadLetterKind::Reject => format!("rejected again: {}", letter.reason),
        DeadLetterKind::Fault => format!("faulted again: {}", letter.reason),
    });
    match (fulfilled, again, refused) {
        (Some(fulfilled), Some(again), _) => format!("{fulfilled}; {again}"),
        (Some(only), None, _) | (None, Some(only), _) => only,
        (None, None, Some(reason)) => format!("refused: {reason}"),
        (None, None, None) => "nobody wants it".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_told_in_words() {
        assert_eq!(outcome(0, None, None), "nobody wants it");
        assert_eq!(outcome(1, Some("another day"), None), "fulfilled 1 wanted message");
        assert_eq!(outcome(2, None, None), "fulfilled 2 wanted messages");
        assert_eq!(outcome(0, Some("another day"), None), "refused: another day");
    }
}
