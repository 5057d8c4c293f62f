//! Why a portion was given up: what went wrong is not the fault of single messages, or finding those costs too much here.

use super::fault::Fault;

/// A portion without an answer. Nothing of it was judged; it can be asked about again, elsewhere or later.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GaveUp {
    /// An ordinary worker does not look for the message: it would keep others waiting. To be run aside.
    #[error("the matcher does not come to an end: {0}")]
    TimedOut(Fault),
    #[error("the matcher fails on one message after another, on {faults} of {of} so far, lastly so: {last}")]
    KeepsFailing { faults: usize, of: usize, last: Fault },
    /// No instance can be had that takes the configuration, though there was one when the matcher was loaded.
    #[error("the matcher does not start any more: {0}")]
    NotStarted(Fault),
}

impl GaveUp {
    pub fn fault(&self) -> &Fault {
        match self {
            Self::TimedOut(fault) | Self::KeepsFailing { last: fault, .. } | Self::NotStarted(fault) => fault,
        }
    }
}
