//! What builds of matchers cost.

use serde::{Deserialize, Serialize};

/// What a build of a matcher used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MatcherUsage {
    /// CPU time of its calls, in microseconds.
    pub cpu_us: u64,
    pub calls: u64,
    /// Messages that it was asked about.
    pub messages: u64,
    /// Of their values.
    pub bytes: u64,
    /// The most linear memory that one instance of it had, in bytes.
    pub peak_memory: u64,
}

impl MatcherUsage {
    /// CPU time of a message, in microseconds; none before the first.
    pub fn cpu_us_per_message(&self) -> Option<f64> {
        (self.messages > 0).then(|| self.cpu_us as f64 / self.messages as f64)
    }

    /// What came on top since an earlier look.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            cpu_us: self.cpu_us.saturating_sub(before.cpu_us),
            calls: self.calls.saturating_sub(before.calls),
            messages: self.messages.saturating_sub(before.messages),
            bytes: self.bytes.saturating_sub(before.bytes),
            peak_memory: self.peak_memory,
        }
    }
}
