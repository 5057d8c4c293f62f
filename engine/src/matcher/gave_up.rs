//! Why a worker gave a whole portion up: what is wrong is more than single messages.

use super::fault::Fault;

/// Why a worker gave up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GaveUp {
    /// Only ordinary workers answer so: aside, each message is given its time.
    #[error("the matcher {0}")]
    TimedOut(Fault),
    #[error("the matcher failed on {faults} of {of} messages, the last time it {last}")]
    KeepsFailing { faults: usize, of: usize, last: Fault },
    /// Not the messages' fault.
    #[error("no instance of the matcher can be made: it {0}")]
    NotStarted(Fault),
}
