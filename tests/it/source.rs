//! The source against a real broker.

mod back_pressure;
mod delivery;
mod gaps;
mod groups;
mod reading;
mod starting;
mod trouble;
