//! Candidates: builds of matchers that judge beside those that serve, and mark nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    difference::{Comparison, Tally},
    message::Position,
    wanted::WantedId,
};

/// A candidate as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StoredCandidate {
    pub matcher: String,
    /// Lower-case hexadecimal, of the file as it was given.
    pub sha256: String,
    /// The matcher's own version.
    pub version: String,
    /// The build that serves, with which it is compared.
    pub against: Option<String>,
    /// Since when that is counted.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    pub tally: Tally,
    /// Messages that were not compared: there was no time for them.
    pub dropped: u64,
    /// Why it is not asked any more, if so.
    pub failed: Option<String>,
}

/// What is to be added to what is known of a candidate.
#[derive(Debug, Clone, Default)]
pub struct Shadowed {
    pub comparison: Comparison,
    /// The first matches of the candidate: never marked.
    pub matches: Vec<ShadowMatch>,
    pub dropped: u64,
    pub failed: Option<String>,
}

/// A match of a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowMatch {
    pub position: Position,
    pub arrival: Timestamp,
    pub wanted: WantedId,
}
