//! The integration tests: real Kafka, real processes. Each file tells one story.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod airflow;
mod api;
mod architecture;
mod catching_up;
mod chaos;
mod cli;
mod conformance;
mod demo;
mod explaining;
mod guarded;
mod guests;
mod lanes;
mod languages;
mod logging;
mod matcher;
mod modes;
mod observability;
mod replay;
mod reports;
mod scenarios;
mod service;
mod source;
