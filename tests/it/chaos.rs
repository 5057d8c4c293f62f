//! Faults under load: whatever breaks, nothing is lost and nothing happens twice.
//!
//! Each story breaks one thing again and again while messages flow, and then counts. `make test` tells them short,
//! `make chaos` at full length; [`scale`] says how to set a length or to repeat a run. Start at [`trial`].

mod effects;
mod kills;
mod load;
mod outages;
pub(crate) mod readyz;
mod rebalances;
pub(crate) mod scale;
mod trial;

/// The broker's side of a service that is killed: the group soon lets go of it.
const SHORT_SESSION: &str = "
[kafka.properties]
session.timeout.ms = 1000
heartbeat.interval.ms = 250
";
