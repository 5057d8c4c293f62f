//! Components in eventlatch's sandbox, under the limits that a service has.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use eventlatch::{
    domain::message::Message,
    matcher::{Cache, Candidate, Config, Generation, Limits, Pool, Registry, Runtime, Verdict, Worker, files},
};
use jiff::Timestamp;

use crate::{
    contestant::{Contestant, DATE, PARTITION, TOPIC, Wanted, db, table},
    native_rule::instant,
};

/// The same rule in other languages, as `make bench-peers` builds it.
const OTHERS: [(&str, &str); 2] =
    [("JavaScript component", "guests/build/javascript.wasm"), ("Python component", "guests/build/python.wasm")];

#[derive(Clone)]
pub(crate) struct Component {
    name: &'static str,
    pub(crate) generation: Arc<Generation>,
}

/// Runs work on a worker thread of the engine, with the components: the first is the embedded one.
pub(crate) fn on_worker(work: impl FnOnce(&mut Worker, Vec<Component>) + Send + 'static) {
    let runtime = Runtime::new(Limits::default(), Cache::default()).expect("the engine starts");
    let registry = Registry::load(&runtime, &Config::default(), &[], |_, error| Err(error)).expect("the matchers load");
    let embedded = Arc::clone(registry.get(TOPIC).expect("the matcher is built in"));
    let mut components = vec![Component { name: "Rust component", generation: embedded }];
    components.extend(OTHERS.into_iter().filter_map(|(name, path)| other(&runtime, name, path)));
    let pool = Pool::start(&runtime, 1).expect("the workers start");
    let runs = pool.run(move |worker| work(worker, components));
    tokio::runtime::Builder::new_current_thread().build().expect("the runtime starts").block_on(runs);
}

fn other(runtime: &Runtime, name: &'static str, path: &str) -> Option<Component> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if !path.exists() {
        println!("{name}: left out, {} is not built (hint: `make bench-peers`)", path.display());
        return None;
    }
    let file = files::read(&path, &Limits::default()).expect("the file can be read");
    let generation = Generation::load(runtime, &file, None, &BTreeMap::new()).expect("the component loads");
    Some(Component { name, generation: Arc::new(generation) })
}

impl Contestant for Component {
    fn name(&self) -> String {
        self.name.to_owned()
    }

    fn prepare(&mut self, worker: &mut Worker, count: u64) -> Vec<Wanted> {
        let texts: Vec<_> = (0..count).map(text).collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let answers = worker.prepare(&self.generation, &texts, DATE).expect("the matcher answers");
        let wanted = answers.into_iter().map(|answer| {
            let mut prepared = answer.expect("the wanted message is sound");
            Wanted { key: prepared.keys.remove(0), token: prepared.token }
        });
        wanted.collect()
    }

    fn extract(
        &mut self,
        worker: &mut Worker,
        messages: &[&Message],
        found: &mut dyn FnMut(usize, &[u8]),
    ) -> Vec<Option<Timestamp>> {
        let extraction = worker.extract(&self.generation, TOPIC, messages).expect("nothing fails");
        assert!(extraction.set_aside.is_empty(), "{}: {:?}", self.name, extraction.set_aside.first());
        extraction.keys().for_each(|(message, key)| found(message, key));
        (0..messages.len()).map(|message| extraction.event_time(message).map(instant)).collect()
    }

    fn confirm(&mut self, worker: &mut Worker, candidates: &[Candidate<'_>]) -> Vec<bool> {
        let verdicts = worker.confirm(&self.generation, candidates).expect("nothing fails");
        verdicts.into_iter().map(|verdict| verdict == Verdict::Fulfilled).collect()
    }
}

/// A wanted message.
pub(crate) fn text(number: u64) -> String {
    let (db, table) = (db(number), table(number));
    format!(r#"{{"db":"{db}","table":"{table}","partition_values":"{PARTITION}"}}"#)
}
