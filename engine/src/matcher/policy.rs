//! What becomes of a message on which a matcher fails, or that it finds malformed.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The consequence. Those that are worse stand last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// It is counted, and nothing of it is kept.
    Skip,
    /// It is kept apart, and reading goes on.
    #[default]
    DeadLetter,
    /// Its partition stands still until somebody releases it; others go on.
    Freeze,
    /// The service ends before it.
    Stop,
}

impl OnFailure {
    /// Whether nothing of the partition is read behind the message.
    pub fn halts(self) -> bool {
        self >= Self::Freeze
    }
}

/// The consequences of one matcher's failures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Policy {
    pub on_fault: OnFailure,
    pub on_reject: OnFailure,
    /// So often a message is judged again on which it faults, before that has consequences.
    pub retries: u32,
}

/// Those of all matchers, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies {
    pub(super) otherwise: Policy,
    pub(super) named: BTreeMap<String, Policy>,
}

impl Policies {
    pub fn of(&self, matcher: &str) -> Policy {
        self.named.get(matcher).copied().unwrap_or(self.otherwise)
    }
}
