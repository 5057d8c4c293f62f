//! Matchers as the host meets them: what is refused at load, what a limit does, who is set aside.

mod bare;
mod cases;
mod faults;
mod hostile;
mod loading;
mod recycling;
mod wasi;

use std::{collections::BTreeMap, num::NonZeroU16, path::Path, sync::Arc};

use eventlatch::{
    domain::message::Message,
    matcher::{
        Cache, Extraction, Fault, GaveUp, Generation, Limits, LoadError, Origin, Pool, Runtime, WasmFile, Why, Worker,
    },
};
use jiff::Timestamp;

use crate::guests::{LIAR, ORDER_SHIPPED, SLEEPER, UNRULY};

/// Small limits: a test that runs into one should not take long.
fn limits() -> Limits {
    Limits {
        base_ms: 100,
        per_message_us: 100,
        recycle_growth_mib: NonZeroU16::MIN.saturating_add(7),
        ..Limits::default()
    }
}

fn runtime() -> Runtime {
    with_limits(limits())
}

fn with_limits(limits: Limits) -> Runtime {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    Runtime::new(limits, Cache::open(&cache)).unwrap()
}

fn load(runtime: &Runtime, bytes: &[u8]) -> Result<Generation, LoadError> {
    Generation::load(
        runtime,
        &WasmFile::new(Origin::File("guest.wasm".into()), bytes.to_owned()),
        None,
        &BTreeMap::new(),
    )
}

/// A matcher with workers to run it.
struct Bench {
    generation: Arc<Generation>,
    pool: Pool,
}

impl Bench {
    fn of(guest: &[u8]) -> Self {
        Self::with(&runtime(), guest)
    }

    fn with(runtime: &Runtime, guest: &[u8]) -> Self {
        Self { generation: Arc::new(load(runtime, guest).unwrap()), pool: Pool::start(runtime, 2).unwrap() }
    }

    /// As the service does it: what times out is asked about again aside.
    async fn extract(&self, values: &[&str]) -> Extraction {
        match self.try_extract(values).await {
            Err(GaveUp::TimedOut(_)) => self.extract_aside(values).await.unwrap(),
            outcome => outcome.unwrap(),
        }
    }

    async fn try_extract(&self, values: &[&str]) -> Result<Extraction, GaveUp> {
        self.pool.run(self.job(values)).await
    }

    async fn extract_aside(&self, values: &[&str]) -> Result<Extraction, GaveUp> {
        self.pool.run_aside(self.job(values)).await
    }

    fn job(&self, values: &[&str]) -> impl FnOnce(&mut Worker) -> Result<Extraction, GaveUp> + Send + use<> {
        let (generation, messages) = (Arc::clone(&self.generation), messages(values));
        move |worker| {
            let topic = generation.topics[0].to_string();
            worker.extract(&generation, &topic, &messages.iter().collect::<Vec<_>>())
        }
    }
}

fn messages(values: &[&str]) -> Vec<Message> {
    let message = |(offset, value): (i64, &&str)| Message {
        offset,
        arrival: Timestamp::UNIX_EPOCH,
        key: None,
        value: Some(value.as_bytes().to_vec().into()),
        headers: Vec::new(),
    };
    (0..).zip(values).map(message).collect()
}

/// The messages that were set aside for a fault, with the fault.
fn faults(extraction: &Extraction) -> Vec<(usize, &Fault)> {
    let mut faults = Vec::new();
    for it in &extraction.set_aside {
        match &it.why {
            Why::Faulted(fault) => faults.push((it.message, fault)),
            Why::Rejected(reason) => panic!("message {} was rejected: {reason}", it.message),
        }
    }
    faults
}

/// The whole chain of an error, as a person would read it.
fn words(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", words(source)),
        None => error.to_string(),
    }
}

/// In which words a matcher is refused.
fn refusal(bytes: &[u8]) -> String {
    words(&load(&runtime(), bytes).err().expect("it is refused"))
}

/// The messages that have keys.
fn with_keys(extraction: &Extraction) -> Vec<usize> {
    extraction.keys().map(|(message, _)| message).collect()
}
