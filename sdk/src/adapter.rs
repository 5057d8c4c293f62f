//! Between the interface and the traits: what `export_matcher!` exports, and what `testing` drives in its place.
//!
//! Nothing here is for authors. The two adapters differ in how they come from bytes to keys; all else is shared.

mod convert;
mod fieldwise;
mod typed;

use serde::de::DeserializeOwned;

use crate::Reject;
use crate::bindings::exports::eventlatch::matcher::guest::{
    Batch, Candidate, Date, Description, Extracts, Prepared, Problem, Settings, Verdict,
};

pub use fieldwise::FieldWise;
pub use typed::Typed;

pub(crate) use convert::{candidate_envelope, column, date_from, moment_from};

/// A configured matcher, in the types of the interface.
pub trait Adapter: 'static {
    /// What the matcher is; `version` is that of its crate.
    fn describe(version: &str) -> Description
    where
        Self: Sized;

    /// A matcher with this configuration, a JSON object.
    fn configure(config: &str) -> Result<Self, Vec<Problem>>
    where
        Self: Sized;

    /// What follows from the configuration.
    fn settings(&self) -> Settings;

    /// Checks and renders a wanted message.
    fn prepare(&self, wanted: &str, on: Date) -> Result<Prepared, Problem>;

    /// Says what the messages of a batch are.
    fn extract(&self, batch: &Batch) -> Extracts;

    /// Says whether a candidate fulfils.
    fn confirm(&self, candidate: &Candidate) -> Verdict;
}

/// Why a message that could not be read is malformed: the usual mistakes by name, else what the reader said.
#[cold]
pub(crate) fn reason_of(value: &[u8], otherwise: impl FnOnce() -> String) -> String {
    match value {
        [] => "empty message; expected a JSON object".to_owned(),
        [0, _, _, _, _, ..] => {
            "begins with the magic byte of a schema registry (Avro, Protobuf or JSON Schema framing); \
             have the producer write plain JSON, or write a matcher that decodes this format"
                .to_owned()
        }
        _ => otherwise(),
    }
}

/// A message in JSON.
pub(crate) fn decode_json<T: DeserializeOwned>(value: &[u8]) -> Result<T, Reject> {
    serde_json::from_slice(value).map_err(|error| Reject::new(reason_of(value, || error.to_string())))
}

/// Logs a panic before it becomes a trap, so that the fault has a reason.
#[cfg(target_arch = "wasm32")]
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| crate::log::error(&format!("matcher panicked: {panic}"))));
}
