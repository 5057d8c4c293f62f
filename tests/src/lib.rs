//! What the integration tests stand on: a real Kafka broker, topics, child processes, waiting with a deadline.
//!
//! Start at [`broker`]. Nothing here sleeps for a fixed time: [`waiting`] polls a condition and reports its last state.

pub mod airflow;
pub mod broker;
pub mod cluster;
pub mod collector;
pub mod disk;
pub mod guarded;
pub mod home;
mod jars;
pub mod languages;
pub mod ledger;
mod ports;
pub mod service;
pub mod summary;
pub mod target;
pub mod topic;
pub mod waiting;
