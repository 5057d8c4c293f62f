//! The words of the project as types: messages, positions, sensors, windows, waits, marks.
//!
//! Pure data and calendar rules; knows no other room, does no I/O and reads no clock. Start at [`message`], then
//! [`window`], then [`recording`], which is what one slice of messages comes to in the end.

pub mod backoff;
pub mod calendar;
pub mod candidate;
pub mod catch_up;
pub mod change;
pub mod cron;
pub mod dead_letter;
pub mod definition;
pub mod difference;
pub mod explanation;
pub mod generation;
pub mod handling;
pub mod mark;
pub mod matched;
pub mod message;
pub mod ordering;
pub mod outbox;
pub mod partition;
pub mod recording;
pub mod report;
pub mod sensor;
pub mod target;
pub mod terms;
pub mod text;
pub mod trace;
pub mod usage;
pub mod wait;
pub mod wanted;
pub mod window;
