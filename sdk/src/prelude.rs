//! What most matchers use: `use eventlatch_sdk::prelude::*;`.
//!
//! It has serde's and schemars' derives too. Types that derive `Serialize` or `Deserialize` tell serde where it is:
//! `#[serde(crate = "eventlatch_sdk::serde")]`, unless the crate depends on serde itself.

pub use crate::civil::Date;
pub use crate::schemars::{self, JsonSchema};
pub use crate::serde::{self, Deserialize, Serialize};
pub use crate::{
    Candidate, Envelope, EventTime, Extract, FieldMatcher, Fields, Key, Keys, Matcher, Moment, Needs, NoConfig,
    Problem, Problems, Reject, Settings, Verdict, export_matcher, key,
};
