//! The integration tests: real Kafka, real processes. Each file tells one story.

mod logging;
mod source;
