//! eventlatch waits for Kafka messages so that no workflow task has to.
//!
//! The rooms of the house, in the order in which a message passes through them; `ARCHITECTURE.md` says which room may
//! know which, and a test holds it. Start reading at [`pipeline`].

pub mod domain;
pub mod telemetry;

pub mod author;
pub mod matcher;
pub mod outside;
pub mod report;
pub mod sensor;
pub mod source;
pub mod store;
pub mod task;

pub mod pipeline;

pub mod api;

pub mod config;

pub mod app;
pub mod cli;
