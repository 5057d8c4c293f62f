//! What it takes to load the built-in matchers at a start, with what was compiled before, against compiling them. Both end with
//! generations that can serve: read, checked, linked, started and configured.

#[path = "support/spread.rs"]
mod spread;

use std::time::Instant;

use eventlatch::matcher::{BUILTINS, Cache, Config, Limits, Registry, Runtime};
use spread::Spread;

const ROUNDS: usize = 50;

fn main() {
    println!("loading: wall time for all built-in matchers; goal: below 10 ms with what was compiled before");
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let kept = || Runtime::new(Limits::default(), Cache::open(directory.path())).expect("the engine starts");
    let nothing = Runtime::new(Limits::default(), Cache::default()).expect("the engine starts");
    load(&kept());
    // A service loads them once: each round begins with a runtime of its own.
    let (mut cached, mut compiled) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let runtime = kept();
        cached.push(load(&runtime));
        if round < ROUNDS / 10 {
            compiled.push(load(&nothing));
        }
    }
    let (cached, compiled) = (Spread::of(cached.into_iter()), Spread::of(compiled.into_iter()));
    println!(
        "  from the cache {:.2} ms ({:.2}–{:.2}), compiled {:.0} ms: {:.3}x",
        cached.median,
        cached.low,
        cached.high,
        compiled.median,
        cached.median / compiled.median
    );
}

/// How many milliseconds it takes.
fn load(runtime: &Runtime) -> f64 {
    let began = Instant::now();
    let loaded = Registry::load(runtime, &Config::default(), &[], |_, error| Err(error));
    let took = began.elapsed().as_secs_f64() * 1e3;
    assert_eq!(loaded.expect("the matchers load").all().count(), BUILTINS.len());
    took
}
