//! Wasmtime, narrowed: one engine, one linker, one epoch ticker for the process.

use std::{io, sync::Arc, thread, time::Duration};

use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    component::{HasSelf, Linker},
};

use super::{allow::AllowList, bindings::eventlatch::matcher::host, cache::Cache, guest::Guest, limits::Limits};

/// How often a running guest is interrupted to look at its time. Shorter costs more wake-ups, longer lets a guest run
/// over its time by that much.
const EPOCH_TICK: Duration = Duration::from_millis(5);

/// Room for so many instances at once. Each reserves address space, not memory.
const INSTANCES: u32 = 1024;

/// A guest that calls itself for ever should meet its limit well before the thread's own stack ends.
const STACK_MARGIN: usize = 1 << 20;

/// Everything that is shared by all matchers.
#[derive(Clone)]
pub struct Runtime {
    pub(super) engine: Engine,
    pub(super) linker: Arc<Linker<Guest>>,
    pub(super) limits: Limits,
    pub(super) cache: Arc<Cache>,
    pub(super) allowed: Arc<AllowList>,
}

/// The Wasm engine could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the WebAssembly engine")]
pub struct RuntimeError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl From<wasmtime::Error> for RuntimeError {
    fn from(error: wasmtime::Error) -> Self {
        Self(error.into())
    }
}

impl Runtime {
    /// Sets the engine up and starts its ticker, which ends with the last clone of the runtime.
    pub fn new(limits: Limits, cache: Cache) -> Result<Self, RuntimeError> {
        let engine = engine(&limits)?;
        Self::with_engine(engine, limits, cache)
    }

    /// The same, counting what guests execute. Slower, and nothing is kept: for whoever measures.
    pub fn metered(limits: Limits) -> Result<Self, RuntimeError> {
        let mut counting = config(&limits);
        counting.consume_fuel(true);
        Self::with_engine(Engine::new(&counting)?, limits, Cache::default())
    }

    fn with_engine(engine: Engine, limits: Limits, cache: Cache) -> Result<Self, RuntimeError> {
        let mut linker = Linker::new(&engine);
        host::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
        start_ticker(&engine)?;
        Ok(Self { engine, linker: Arc::new(linker), limits, cache: Arc::new(cache), allowed: Arc::default() })
    }

    /// The same, which loads no other builds than these.
    pub fn allowing(self, allowed: AllowList) -> Self {
        Self { allowed: Arc::new(allowed), ..self }
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Runs what calls guests on a thread with the stack for it: whoever loads a matcher may be on one of any size, and
    /// a guest that recurses would end the process there. None after a panic.
    pub(super) fn on_own_stack<R: Send>(&self, run: impl FnOnce() -> R + Send) -> io::Result<Option<R>> {
        let thread = thread::Builder::new().name("matcher-load".into()).stack_size(self.thread_stack());
        thread::scope(|scope| Ok(thread.spawn_scoped(scope, run)?.join().ok()))
    }

    /// How many instances there are now, warm ones included. None where they are not pooled.
    pub fn instances(&self) -> Option<u64> {
        self.engine.pooling_allocator_metrics().map(|metrics| metrics.component_instances())
    }

    /// The stack that a thread needs to call guests.
    pub(super) fn thread_stack(&self) -> usize {
        self.limits.stack() + STACK_MARGIN
    }
}

/// Pooled instances where the address space allows it, one by one otherwise (small virtual machines).
fn engine(limits: &Limits) -> wasmtime::Result<Engine> {
    let mut pooled = config(limits);
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    Engine::new(&pooled).or_else(|error| {
        tracing::info!(%error, "Matcher instances are allocated one by one");
        Engine::new(&config(limits))
    })
}

fn config(limits: &Limits) -> Config {
    let mut config = Config::new();
    config
        // Without it every call of a component costs twice as much; no guest here is asynchronous.
        .concurrency_support(false)
        .wasm_component_model(true)
        .epoch_interruption(true)
        .max_wasm_stack(limits.stack())
        // Nobody uses it; it may not be smaller.
        .async_stack_size(limits.stack() + STACK_MARGIN)
        // Purity: the same bits on every machine.
        .relaxed_simd_deterministic(true)
        .cranelift_nan_canonicalization(true);
    config
}

fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(INSTANCES)
        .total_core_instances(INSTANCES * 4)
        .total_memories(INSTANCES)
        .total_tables(INSTANCES * 2)
        .max_memory_size(limits.memory())
        .table_elements(limits.table_elements)
        .max_core_instances_per_component(64)
        .max_tables_per_component(16)
        // A fresh instance touches little; keeping that resident saves page faults after a fault or a recycling.
        .linear_memory_keep_resident(256 << 10);
    pool
}

fn start_ticker(engine: &Engine) -> Result<(), RuntimeError> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(EPOCH_TICK);
        }
    };
    let spawned = thread::Builder::new().name("matcher-epoch".into()).spawn(tick);
    spawned.map(drop).map_err(|error| RuntimeError(error.into()))
}
