//! Matches as they are kept, and as they are shown.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The store's number of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct MatchId(pub i64);

/// The fact that a message fulfilled a wanted one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoredMatch {
    pub id: MatchId,
    pub sensor: String,
    pub task_id: String,
    pub cluster: String,
    pub topic: String,
    pub partition: i32,
    pub epoch: i64,
    pub offset: i64,
    /// When the message came.
    #[schema(value_type = String, format = DateTime)]
    pub arrival: Timestamp,
    /// Of its arrival.
    #[schema(value_type = String, format = Date)]
    pub business_date: Date,
    /// When it says that it happened, where it says so.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub event_time: Option<Timestamp>,
    /// What was wanted, with its templates filled in.
    pub rendered: serde_json::Value,
    pub matcher: String,
    pub sha256: String,
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
}

/// Which matches are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatchFilter {
    pub sensor: Option<String>,
    pub task_id: Option<String>,
    pub topic: Option<String>,
    pub business_date: Option<Date>,
    /// The first arrival that is meant.
    pub since: Option<Timestamp>,
    /// The first arrival that is not meant any more.
    pub until: Option<Timestamp>,
}
