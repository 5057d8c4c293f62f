//! What a language costs: `examples/order-paid` in Rust, Python and JavaScript, in the same run. Ratios to Rust.

#[path = "support/ratio.rs"]
mod ratio;
#[path = "support/spread.rs"]
mod spread;
#[path = "support/timing.rs"]
mod timing;

use std::{
    collections::BTreeMap,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use eventlatch::{
    domain::message::Message,
    matcher::{Cache, Generation, Limits, Origin, Pool, Runtime, WasmFile, Worker},
};
use eventlatch_tests::languages::{Language, rust};
use jiff::{Timestamp, civil::date};
use ratio::{Rounds, times};
use timing::time;

const NAMES: [&str; 3] = ["Rust", "Python", "JavaScript"];
const BATCHES: [usize; 3] = [1, 64, 1000];
const ROUNDS: usize = 100;

/// So many messages in each turn, in as many batches as it takes; of batches of one fewer.
const TURN: usize = 1000;

fn main() {
    let components = [rust("examples/order-paid/rust"), python(), javascript()];
    let directory = tempfile::tempdir().expect("there is a place for temporary files");
    println!("languages: examples/order-paid in each, relative to Rust");
    let runtime = Runtime::new(Limits::default(), Cache::open(directory.path())).expect("the engine starts");
    let mut generations = Vec::new();
    for (name, component) in NAMES.iter().zip(&components) {
        let (compiled, _) = load(&runtime, component);
        let (loaded, generation) = load(&runtime, component);
        generations.push(generation);
        println!(
            "  {name:10} file {:5.1} MB, compiled in {:.2} s, loaded from the cache in {:.1} ms",
            component.len() as f64 / 1e6,
            compiled.as_secs_f64(),
            loaded.as_secs_f64() * 1e3,
        );
    }
    let pool = Pool::start(&runtime, 1).expect("the workers start");
    let measuring = pool.run(move |worker| measure(worker, &generations));
    tokio::runtime::Builder::new_current_thread().build().expect("the runtime starts").block_on(measuring);
}

fn measure(worker: &mut Worker, generations: &[Arc<Generation>]) {
    let messages: Vec<_> = (0..TURN as i64).map(message).collect();
    let messages: Vec<_> = messages.iter().collect();
    for batch in BATCHES {
        let turn = if batch == 1 { &messages[..100] } else { &messages[..] };
        let rounds = Rounds::run(ROUNDS, 3, |language| {
            let work = || {
                for part in turn.chunks(batch) {
                    black_box(worker.extract(&generations[language], "order-paid", part).expect("nothing fails"));
                }
            };
            time(work).0
        });
        tell(&format!("extract, batch of {batch:4}"), &rounds, turn.len());
    }
    let wanted: Vec<_> = (0..100).map(|order| format!(r#"{{"order": "o-{order}", "at_least": 1.5}}"#)).collect();
    let wanted: Vec<_> = wanted.iter().map(String::as_str).collect();
    let rounds = Rounds::run(ROUNDS, 3, |language| {
        time(|| black_box(worker.prepare(&generations[language], &wanted, date(2019, 7, 7)).expect("nothing fails"))).0
    });
    tell("prepare, 100 at once ", &rounds, wanted.len());
}

fn tell(what: &str, rounds: &Rounds, items: usize) {
    let aside = NAMES.iter().enumerate().map(|(at, name)| format!("{name} {:.0} ns", rounds.nanoseconds(at, items)));
    println!(
        "  {what}: Python {}, JavaScript {} | aside: {}",
        times(&rounds.ratio(1, 0)),
        times(&rounds.ratio(2, 0)),
        aside.collect::<Vec<_>>().join(", ")
    );
}

fn message(offset: i64) -> Message {
    let value = format!(
        r#"{{"order": "o-{offset}", "customer": "c-{}", "amount": {}.5, "currency": "EUR", "paid_at": {}}}"#,
        offset % 97,
        offset % 1009,
        1_562_486_400 + offset,
    );
    Message { offset, arrival: Timestamp::UNIX_EPOCH, key: None, value: Some(value.into()), headers: Vec::new() }
}

/// Loads a component, and says how long that took.
fn load(runtime: &Runtime, component: &[u8]) -> (Duration, Arc<Generation>) {
    let file = WasmFile::new(Origin::File("guest.wasm".into()), component.to_owned());
    let started = Instant::now();
    let generation = Generation::load(runtime, &file, None, &BTreeMap::new()).expect("the matcher loads");
    (started.elapsed(), Arc::new(generation))
}

fn python() -> Arc<[u8]> {
    Language::Python.component("examples/order-paid/python")
}

fn javascript() -> Arc<[u8]> {
    Language::JavaScript.component("examples/order-paid/js")
}
