//! Matchers in other languages than Rust, on the real engine: they judge as their twin in Rust does, and can do no more.

mod golden;
mod limits;
mod order_paid;
mod packages;
mod projects;
mod registry;
mod twins;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use eventlatch::{
    domain::message::Message,
    matcher::{Cache, Extraction, GaveUp, Generation, Limits, Origin, Pool, Runtime, Settings, WasmFile, Why, Worker},
};
use eventlatch_tests::languages::Language;
use jiff::Timestamp;

const BOTH: [Language; 2] = [Language::Python, Language::JavaScript];

/// A matcher with workers to run it, under the limits of a service that has none configured.
struct Bench {
    runtime: Runtime,
    generation: Arc<Generation>,
    pool: Pool,
}

impl Bench {
    fn of(component: &[u8]) -> Self {
        Self::with(component, Limits::default(), &BTreeMap::new())
    }

    fn with(component: &[u8], limits: Limits, named: &BTreeMap<String, Settings>) -> Self {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        let runtime = Runtime::new(limits, Cache::open(&cache)).unwrap();
        let file = WasmFile::new(Origin::File("guest.wasm".into()), component.to_owned());
        let generation = Arc::new(Generation::load(&runtime, &file, None, named).unwrap());
        let pool = Pool::start(&runtime, 2).unwrap();
        Self { runtime, generation, pool }
    }

    /// As the service does it: what times out is asked about again aside.
    async fn extract(&self, values: &[&[u8]]) -> Extraction {
        match self.pool.run(self.job(values)).await {
            Err(GaveUp::TimedOut(_)) => self.pool.run_aside(self.job(values)).await.unwrap(),
            outcome => outcome.unwrap(),
        }
    }

    fn job(&self, values: &[&[u8]]) -> impl FnOnce(&mut Worker) -> Result<Extraction, GaveUp> + Send + use<> {
        let (generation, messages) = (Arc::clone(&self.generation), messages(values));
        move |worker| {
            let topic = generation.topics[0].to_string();
            worker.extract(&generation, &topic, &messages.iter().collect::<Vec<_>>())
        }
    }
}

fn messages(values: &[&[u8]]) -> Vec<Message> {
    let message = |(offset, value): (i64, &&[u8])| Message {
        offset,
        arrival: Timestamp::UNIX_EPOCH,
        key: None,
        value: Some(value.to_vec().into()),
        headers: Vec::new(),
    };
    (0..).zip(values).map(message).collect()
}

/// What became of each message: its keys, or why it was set aside.
fn told(extraction: &Extraction, count: usize) -> Vec<String> {
    let mut told = vec![String::new(); count];
    for (message, key) in extraction.keys() {
        told[message] += &format!("{key:02x?} at {:?}", extraction.event_time(message));
    }
    for aside in &extraction.set_aside {
        told[aside.message] = match &aside.why {
            Why::Rejected(reason) => format!("rejected: {reason}"),
            Why::Faulted(fault) => format!("fault {:?}: {}", fault.kind, fault.reason),
        };
    }
    told
}

/// In which words a matcher is refused.
fn refusal(component: &[u8], named: &BTreeMap<String, Settings>) -> String {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    let runtime = Runtime::new(Limits::default(), Cache::open(&cache)).unwrap();
    let file = WasmFile::new(Origin::File("guest.wasm".into()), component.to_owned());
    Generation::load(&runtime, &file, None, named).err().expect("it is refused").to_string()
}
