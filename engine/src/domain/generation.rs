//! Generations of matchers, as rooms see them that know no matcher.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::usage::MatcherUsage;

/// One loaded build of a matcher with one configuration, unique in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GenerationId(pub u64);

/// One build of a matcher, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Generation {
    pub matcher: String,
    /// Lower-case hexadecimal, of the file as it was given.
    pub sha256: String,
    /// The matcher's own version.
    pub version: String,
    /// The version of the contract that it was built for.
    pub interface: String,
    /// A path, or `built-in`.
    pub origin: String,
    #[schema(value_type = String, format = DateTime)]
    pub loaded_at: Timestamp,
    pub state: GenerationState,
    /// Why it was refused, is quarantined, or serves no longer.
    pub reason: Option<String>,
    /// When it ceased to serve.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// What it used over all times that it served, or judged in the shadow; up to a quarter of a minute ago.
    pub usage: MatcherUsage,
}

/// What became of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GenerationState {
    Serving,
    /// It kept failing: its topics wait.
    Quarantined,
    /// Another one took its place, or its file went.
    Retired,
    /// It failed while it was on probation.
    RolledBack,
    /// It never served.
    Refused,
}

impl GenerationState {
    pub const ALL: [Self; 5] = [Self::Serving, Self::Quarantined, Self::Retired, Self::RolledBack, Self::Refused];

    /// The word for it in the database and on the terminal.
    pub fn word(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Quarantined => "quarantined",
            Self::Retired => "retired",
            Self::RolledBack => "rolled-back",
            Self::Refused => "refused",
        }
    }
}

/// Enough of a build's sha256 for a person to tell builds apart.
pub fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}
