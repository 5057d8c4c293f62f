//! Who wants a message: the index from keys to renderings, in memory, rebuilt from the store.
//!
//! Knows nothing of Wasm, Kafka or SQL: keys and numbers in, numbers out. An [`Index`] never changes; a new one takes
//! its place. Start at `index`, then `table`, which is where a message's key is looked up.

mod index;
mod table;

pub use index::{CalendarDays, ChangedDay, DayIndex, Index, Route, Unprepared};
pub use table::{Entry, Table, TableBuilder};
