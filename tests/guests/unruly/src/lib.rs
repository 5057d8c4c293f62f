//! A matcher that does what its messages tell it to, so that a test can have any fault at any message.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use eventlatch_sdk::prelude::*;

/// State, which a matcher should not have.
static COUNT: AtomicU32 = AtomicU32::new(0);

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Wanted {
    name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Message {
    name: String,
    /// What to do in `extract`.
    #[serde(default)]
    act: String,
}

pub struct Unruly;

impl Matcher for Unruly {
    type Config = NoConfig;
    type Wanted = Wanted;
    type Message = Message;

    const NAME: &'static str = "unruly";
    const SUMMARY: &'static str = "does what its messages tell it to";
    const TOPICS: &'static [&'static str] = &["unruly"];

    fn configure(_: NoConfig) -> Result<Self, Problems> {
        Ok(Self)
    }

    fn prepare(&self, wanted: &mut Wanted, on: Date) -> Result<Keys, Problem> {
        match wanted.name.as_str() {
            name if name.starts_with(&format!("loop on {on}")) => endless_loop(),
            "panic" => panic!("told to panic in prepare"),
            "loop" => endless_loop(),
            _ => {}
        }
        Ok(key![wanted.name].into())
    }

    fn extract(&self, message: &Message, _: &Envelope<'_>) -> Result<Extract, Reject> {
        if message.act == "count" {
            return Ok(key![format!("{} {}", message.name, COUNT.fetch_add(1, Relaxed))].into());
        }
        act(&message.act);
        Ok(key![message.name].into())
    }

    fn confirm(&self, candidate: &Candidate<'_, Self>) -> Verdict {
        let name = candidate.wanted.name.as_str();
        match name.strip_prefix("confirm:") {
            Some("refuse") => return Verdict::Refused("told to refuse".into()),
            Some(what) => act(what),
            None => {}
        }
        Verdict::Fulfilled
    }
}

fn act(what: &str) {
    match what {
        "loop" => endless_loop(),
        "panic" => panic!("told to panic"),
        "recurse" => drop(recurse(1)),
        "memory" => memory_bomb(),
        "grow" => grow(),
        "work" => work(),
        "log" => (0..100_000).for_each(|line| eventlatch_sdk::log::info(&format!("line {line} of very many"))),
        _ => {}
    }
}

fn endless_loop() -> ! {
    let mut count = 0u64;
    loop {
        count = std::hint::black_box(count.wrapping_add(1));
    }
}

/// Takes some time.
fn work() {
    for count in 0..60_000_000u64 {
        std::hint::black_box(count);
    }
}

#[allow(unconditional_recursion)]
fn recurse(depth: u64) -> u64 {
    let here = std::hint::black_box([depth; 64]);
    recurse(depth + 1) + here[0]
}

fn memory_bomb() {
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(std::hint::black_box(vec![1; 1 << 20]));
    }
}

/// Keeps a mebibyte for ever.
fn grow() {
    std::mem::forget(std::hint::black_box(vec![1u8; 1 << 20]));
}

export_matcher!(Unruly);
