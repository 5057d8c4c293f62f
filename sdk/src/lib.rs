//! Write matchers for eventlatch: typed Rust in, one WebAssembly file out.
#![deny(missing_docs)]

#[doc(hidden)]
pub mod adapter;
#[doc(hidden)]
#[allow(
    missing_docs,
    unsafe_code,
    clippy::allow_attributes,
    reason = "generated; whether it needs them is not ours"
)]
pub mod bindings;
pub mod fields;
mod key;
pub mod log;
mod macros;
mod matcher;
mod problem;
#[doc(hidden)]
pub mod scan;
mod schema;
mod template;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod time;

pub use jiff::civil;
pub use {schemars, serde, serde_json};

pub use fields::{FieldMatcher, Fields};
pub use key::{Key, KeyField, Keys};
pub use matcher::{
    Candidate, Envelope, Extract, Header, Matcher, Needs, NoConfig, Settings, Verdict, same_business_day,
};
pub use problem::{Problem, Problems, Reject};
pub use time::{EventTime, Moment};
