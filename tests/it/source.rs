//! The source against a real broker.

mod back_pressure;
mod batching;
mod delivery;
mod fetching;
mod gaps;
mod groups;
mod guarantees;
mod log;
mod reading;
mod starting;
mod stores;
mod trouble;
