//! What matcher authors do: begin a matcher, build it, measure it.
//!
//! A [`Project`] is a folder with the sources of a matcher in some language; [`Plan`] makes a new one, [`build`] makes its file
//! with the language's own tool, `bench` says what a message costs. Knows matchers as the host meets them and nothing of the
//! service: no sensors, no store, no Kafka. What is printed is the commands' business.

pub mod bench;
pub mod build;
mod create;
mod language;
mod project;
mod sdk;

pub use build::{BuildError, Built, Make};
pub use create::{CreateError, Plan};
pub use language::Language;
pub use project::{Project, ProjectError};
