//! How many matches a second are recorded when every message matches, against the same rows written by bare rusqlite.
//!
//! Both write to a file with `synchronous=FULL`, in transactions of as many matches; time is the wall's. The bare one has
//! the same tables with the same indexes, and all rows at hand beforehand.

#[path = "support/bare_store.rs"]
mod bare_store;
#[path = "support/ratio.rs"]
mod ratio;
#[path = "support/recorder.rs"]
mod recorder;
#[path = "support/spread.rs"]
mod spread;

use std::time::Instant;

use bare_store::BareStore;
use ratio::{Rounds, times};
use recorder::Recorder;

/// Matches in a transaction: a full batch of the service.
const BATCH: usize = 2_000;

/// Transactions in a turn.
const BATCHES: usize = 25;
const ROUNDS: usize = 20;

const BARE: usize = 0;
const STORE: usize = 1;

fn main() {
    println!("recording: every message matches, {BATCH} in a transaction; goal 0.70x or more of bare rusqlite");
    let mut recorder = Recorder::new();
    let first = recorder.batch(BATCH);
    recorder.record(first);
    let mut bare = BareStore::like(recorder.path(), BATCH);
    let rounds = Rounds::run(ROUNDS, 2, |contestant| match contestant {
        BARE => {
            let started = Instant::now();
            (0..BATCHES).for_each(|_| bare.write());
            started.elapsed()
        }
        _ => {
            let batches: Vec<_> = (0..BATCHES).map(|_| recorder.batch(BATCH)).collect();
            let started = Instant::now();
            batches.into_iter().for_each(|batch| recorder.record(batch));
            started.elapsed()
        }
    });
    // Who takes half the time is twice as fast.
    println!("  matches a second: {}", times(&rounds.ratio(BARE, STORE)));
    for (contestant, name) in [(BARE, "bare rusqlite"), (STORE, "eventlatch")] {
        println!("  {name}: {:.0}/s", 1e9 / rounds.nanoseconds(contestant, BATCH * BATCHES));
    }
}
