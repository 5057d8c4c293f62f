//! A worker of the engine with an embedded matcher.

use std::sync::Arc;

use eventlatch::matcher::{Cache, Config, Generation, Limits, Pool, Registry, Runtime, Worker};

/// The topic of the messages, and the matcher's name.
pub(crate) const TOPIC: &str = "etl-finish";

/// Runs work on a worker thread of the engine, with the embedded matcher and the limits that a service has.
pub(crate) fn on_worker<R: Send + 'static>(
    work: impl FnOnce(&mut Worker, &Arc<Generation>) -> R + Send + 'static,
) -> R {
    let runtime = Runtime::new(Limits::default(), Cache::default()).expect("the engine starts");
    let registry = Registry::load(&runtime, &Config::default(), &[], |_, error| Err(error)).expect("the matchers load");
    let matcher = Arc::clone(registry.get(TOPIC).expect("the matcher is built in"));
    let pool = Pool::start(&runtime, 1).expect("the workers start");
    let runs = pool.run(move |worker| work(worker, &matcher));
    tokio::runtime::Builder::new_current_thread().build().expect("the runtime starts").block_on(runs)
}
