//! Matchers as the host meets them: what is refused at load, what a limit does, who is set aside.

mod faults;
mod limits;
mod loading;

use std::{collections::BTreeMap, num::NonZeroU16, path::Path, sync::Arc};

use eventlatch::{
    domain::message::Message,
    matcher::{Cache, Extraction, Fault, Generation, Limits, LoadError, Origin, Pool, Runtime, WasmFile, Why},
};
use jiff::Timestamp;

use crate::guests::{LIAR, ORDER_SHIPPED, UNRULY};

/// A runtime with small limits: a test that runs into one should not take long.
fn runtime() -> Runtime {
    let limits = Limits {
        base_ms: 100,
        per_message_us: 100,
        recycle_growth_mib: NonZeroU16::MIN.saturating_add(7),
        ..Limits::default()
    };
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
        let runtime = runtime();
        Self { generation: Arc::new(load(&runtime, guest).unwrap()), pool: Pool::start(&runtime, 2).unwrap() }
    }

    async fn extract(&self, values: &[&str]) -> Extraction {
        let (generation, messages) = (Arc::clone(&self.generation), messages(values));
        let job = move |worker: &mut eventlatch::matcher::Worker| {
            let topic = generation.topics[0].to_string();
            worker.extract(&generation, &topic, &messages.iter().collect::<Vec<_>>())
        };
        self.pool.run(job).await
    }
}

fn messages(values: &[&str]) -> Vec<Message> {
    let message = |(offset, value): (i64, &&str)| Message {
        offset,
        arrival: Timestamp::UNIX_EPOCH,
        key: None,
        value: Some(value.as_bytes().to_vec()),
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

/// The messages that have keys.
fn with_keys(extraction: &Extraction) -> Vec<usize> {
    extraction.keys().map(|(message, _)| message).collect()
}
