//! Scenarios: sensor tests on a virtual clock, without Kafka and without waiting.
//!
//! A scenario is played through the service's own rooms: the real matchers, index, windows and waits, and a store that is
//! made for it and thrown away. The format is described in `tests/scenarios/FORMAT.md`. A file becomes a [`Scenario`]
//! (`file`, `steps`), the [`Stage`] has the matchers and plays it (`play`), and what differs from what it expects is a
//! [`Difference`] (`expect`); `first` makes one of a sensor file. Knows nothing of how that is told.

mod expect;
mod file;
mod first;
mod log;
mod message;
mod places;
mod play;
mod stage;
mod steps;

pub use expect::Difference;
pub use file::Scenario;
pub use first::First;
pub use play::PlayError;
pub use stage::{Outcome, Played, Stage};
