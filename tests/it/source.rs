//! The source against a real broker.

mod back_pressure;
mod delivery;
mod fetching;
mod gaps;
mod groups;
mod log;
mod reading;
mod starting;
mod trouble;
