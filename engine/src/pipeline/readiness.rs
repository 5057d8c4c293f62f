//! Whether the service does its work now, part by part.
//!
//! What *fails* keeps messages from being read or recorded at all. What is *degraded* concerns some topics, sensors or
//! tasks: the rest goes on, and a service taken out of service over it would help nobody.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{handle::Handle, standing::MatcherState};
use crate::{domain::partition::PartitionStatus, source::State};

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
    /// `store`, `source`, `partitions`, `matchers`, `sensors` or `marking`.
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

impl Handle {
    /// How the parts stand now.
    pub async fn readiness(&self) -> Readiness {
        let (store, marking) = self.store_and_marking().await;
        let matchers = match self.matchers().await {
            Ok(all) => {
                let waits = |state| matches!(state, MatcherState::Quarantined | MatcherState::Gone);
                let those = all.iter().filter(|it| waits(it.state));
                those.map(|it| format!("`{}` is {}: its topics wait", it.name, it.state.word())).collect()
            }
            // The store says so itself.
            Err(_) => Vec::new(),
        };
        let broken = self.defining.as_ref().map(|defining| defining.broken().all()).unwrap_or_default();
        let parts = vec![
            Part::of("store", PartState::Failing, store),
            Part::of("source", PartState::Failing, self.source()),
            Part::of("partitions", PartState::Degraded, self.frozen().await),
            Part::of("matchers", PartState::Degraded, matchers),
            Part::of("sensors", PartState::Degraded, broken),
            Part::of("marking", PartState::Degraded, marking),
        ];
        Readiness { ready: parts.iter().all(|part| part.state < PartState::Failing), parts }
    }

    async fn store_and_marking(&self) -> (Vec<String>, Vec<String>) {
        match tokio::time::timeout(PATIENCE, self.shared.store.marks_in_trouble()).await {
            Ok(Ok(None)) => (Vec::new(), Vec::new()),
            Ok(Ok(Some((number, error)))) => {
                let marks = if number == 1 { "1 mark is".to_owned() } else { format!("{number} marks are") };
                (Vec::new(), vec![format!("{marks} tried again and again: {error}")])
            }
            Ok(Err(error)) => (vec![error.to_string()], Vec::new()),
            Err(_) => (vec!["the store does not answer".to_owned()], Vec::new()),
        }
    }

    /// Partitions that stand still.
    async fn frozen(&self) -> Vec<String> {
        // The store says so itself when it does not answer.
        let all = self.shared.store.partitions(None).await.unwrap_or_default();
        let told = |it: &PartitionStatus| Some((it.partition(), it.frozen.as_ref()?.reason.clone()));
        let told = all.iter().filter_map(told);
        told.map(|(partition, reason)| format!("{partition} is frozen at a message: {reason}")).collect()
    }

    fn source(&self) -> Vec<String> {
        let Some(defining) = &self.defining else { return Vec::new() };
        let health = defining.health();
        let state = match health.state {
            State::Connecting => Some("Kafka was not reached yet"),
            _ => None,
        };
        health.problem.or(state.map(str::to_owned)).into_iter().collect()
    }
}
