//! Whether the service does its work now, part by part.
//!
//! What *fails* keeps messages from being read or recorded at all. What is *degraded* concerns some topics, sensors or
//! tasks: the rest goes on, and a service taken out of service over it would help nobody.

use std::{error::Error, time::Duration};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{defining::Defining, handle::Handle, standing::MatcherState};
use crate::{
    domain::partition::PartitionStatus,
    source::{Health, State},
};

/// The store answers in so long, or is said not to.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the parts stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    pub ready: bool,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Part {
    /// `service`, `store`, `source`, `partitions`, `matchers`, `sensors` or `marking`.
    pub name: String,
    pub state: PartState,
    /// What is wrong, each in one sentence.
    pub problems: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PartState {
    Ok,
    /// Something of it does not work, the rest does.
    Degraded,
    /// Nothing is read or recorded.
    Failing,
}

impl Part {
    fn of(name: &str, otherwise: PartState, problems: Vec<String>) -> Self {
        let state = if problems.is_empty() { PartState::Ok } else { otherwise };
        Self { name: name.to_owned(), state, problems }
    }
}

impl Readiness {
    /// Of an instance that waits for another one's end.
    pub fn of_standby() -> Self {
        let problem = "standby: another process has the store".to_owned();
        Self { ready: false, parts: vec![Part::of("service", PartState::Failing, vec![problem])] }
    }
}

impl Handle {
    /// How the parts stand now.
    pub async fn readiness(&self) -> Readiness {
        let ((store, marking), matchers, frozen) =
            tokio::join!(self.store_and_marking(), self.waiting_matchers(), self.frozen());
        let broken = self.defining.as_ref().map(|defining| defining.broken().all()).unwrap_or_default();
        let parts = vec![
            Part::of("service", PartState::Failing, self.stopping()),
            Part::of("store", PartState::Failing, store),
            self.source(),
            Part::of("partitions", PartState::Degraded, frozen),
            Part::of("matchers", PartState::Degraded, matchers),
            Part::of("sensors", PartState::Degraded, broken),
            Part::of("marking", PartState::Degraded, marking),
        ];
        Readiness { ready: parts.iter().all(|part| part.state < PartState::Failing), parts }
    }

    fn stopping(&self) -> Vec<String> {
        let stopping = self.defining.as_ref().is_some_and(Defining::is_stopping);
        stopping.then(|| "it is stopping".to_owned()).into_iter().collect()
    }

    async fn store_and_marking(&self) -> (Vec<String>, Vec<String>) {
        if let Some(problem) = self.shared.store.problem() {
            return (vec![problem], Vec::new());
        }
        match tokio::time::timeout(PATIENCE, self.shared.store.marks_in_trouble()).await {
            Ok(Ok(None)) => (Vec::new(), Vec::new()),
            Ok(Ok(Some((number, error)))) => {
                let marks = if number == 1 { "1 mark is".to_owned() } else { format!("{number} marks are") };
                (Vec::new(), vec![format!("{marks} tried again and again: {error}")])
            }
            Ok(Err(error)) => (vec![with_cause(&error)], Vec::new()),
            Err(_) => (vec!["the store does not answer".to_owned()], Vec::new()),
        }
    }

    /// Partitions that stand still; none where the store does not answer: it says so itself.
    async fn frozen(&self) -> Vec<String> {
        let asked = tokio::time::timeout(PATIENCE, self.shared.store.partitions(None));
        let Ok(Ok(all)) = asked.await else { return Vec::new() };
        let told = |it: &PartitionStatus| Some((it.partition(), it.frozen.as_ref()?.reason.clone()));
        let told = all.iter().filter_map(told);
        told.map(|(partition, reason)| format!("{partition} is frozen at a message: {reason}")).collect()
    }

    /// Nothing where the store does not answer: it says so itself.
    async fn waiting_matchers(&self) -> Vec<String> {
        let Ok(Ok(all)) = tokio::time::timeout(PATIENCE, self.matchers()).await else { return Vec::new() };
        let waits = |state| matches!(state, MatcherState::Quarantined | MatcherState::Gone);
        let those = all.iter().filter(|it| waits(it.state));
        those.map(|it| format!("`{}` is {}: its topics wait", it.name, it.state.word())).collect()
    }

    fn source(&self) -> Part {
        let state = self.defining.as_ref().map(Defining::health);
        let wanted = self.shared.live.load().index.topics().next().is_some();
        let silent = self.shared.watched.problem();
        match state.and_then(|health| nothing_is_read(health, silent.clone(), wanted)).or(silent) {
            Some(problem) => Part::of("source", PartState::Failing, vec![problem]),
            None => Part::of("source", PartState::Degraded, self.shared.watched.unanswered().into_iter().collect()),
        }
    }
}

/// Why no message comes, whoever sends one. `silent`: that Kafka does not answer; `wanted`: whether any message is.
fn nothing_is_read(health: Health, silent: Option<String>, wanted: bool) -> Option<String> {
    let reason = match health.state {
        State::Connecting => Some("Kafka was not reached yet"),
        State::Waiting if wanted => Some(
            "no partition is assigned: the consumer group is being joined, other members have all partitions, or the \
             topics do not exist",
        ),
        State::Ended => Some("reading has ended"),
        State::Waiting | State::Reading => None,
    };
    health.problem.or(silent).or(health.uncommitted).or(reason.map(str::to_owned))
}

/// An error with what it comes from.
fn with_cause(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", with_cause(cause)),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(state: State, problem: Option<&str>, wanted: bool, expected: Option<&str>) {
        let health = Health { state, problem: problem.map(str::to_owned), ..Health::default() };
        let found = nothing_is_read(health, None, wanted);
        let as_expected = match (&found, expected) {
            (None, None) => true,
            (Some(found), Some(expected)) => found.contains(expected),
            _ => false,
        };
        assert!(as_expected, "{state:?} {problem:?} {wanted}: {found:?}");
    }

    #[test]
    fn whoever_reads_nothing_says_why() {
        check(State::Connecting, None, true, Some("not reached yet"));
        check(State::Connecting, Some("refused"), true, Some("refused"));
        check(State::Waiting, None, true, Some("no partition is assigned"));
        check(State::Waiting, None, false, None);
        check(State::Reading, None, true, None);
        check(State::Reading, Some("no Kafka broker answers"), true, Some("no Kafka broker answers"));
        check(State::Ended, None, true, Some("ended"));
        check(State::Ended, Some("a gap"), true, Some("a gap"));
    }
}
