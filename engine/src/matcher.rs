//! Matchers: loads WebAssembly components, keeps warm instances of them and asks them what messages are.
//!
//! Knows nothing of sensors, stores or Kafka: batches of messages in, keys and verdicts out. A matcher's failure on a
//! message is part of the answer. Start at `worker`, which evaluates; `load` is how a file becomes a
//! [`Generation`]; `limits` says what a guest may use.

mod allow;
mod batch;
mod bindings;
mod budget;
mod builtin;
mod cache;
pub mod cases;
mod config;
mod fault;
pub mod files;
mod gave_up;
mod guest;
mod instance;
mod interface;
mod judgement;
mod key;
mod limits;
mod load;
mod loader;
mod measure;
mod pace;
mod policy;
mod pool;
mod recent;
mod registry;
mod runtime;
mod search;
mod topics;
mod trust;
mod usage;
mod wasi;
mod worker;

pub use allow::{AllowList, NotAllowed};
pub use batch::{EventTime, Extraction, SetAside, Why};
pub use budget::{Account, Budget, Budgets};
pub use builtin::BUILTINS;
pub use cache::Cache;
pub use config::{Concurrency, Config, Settings};
pub use fault::{Fault, FaultKind};
pub use files::WasmFile;
pub use gave_up::GaveUp;
pub use instance::{Candidate, Moment, Prepared, Problem, Verdict};
pub use interface::{NotAMatcher, Outline, outline};
pub use judgement::{Judgement, Outcome, Question};
pub use key::shown as shown_key;
pub use limits::Limits;
pub use load::{Generation, LoadError, Origin};
pub use loader::Loader;
pub use measure::{BatchCost, Call, Costs, MeasureError, Sample, measure};
pub use policy::{OnFailure, Policies, Policy};
pub use pool::Pool;
pub use recent::Recent;
pub use registry::{Post, Probation, Registry, RegistryError, TopicError};
pub use runtime::{Runtime, RuntimeError};
pub use topics::{Serves, is_pattern};
pub use trust::Trust;
pub use usage::{Usage, Used};
pub use worker::Worker;
