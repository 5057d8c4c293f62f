//! What a guest may use: memory, tables, time, returned data, log.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use wasmtime::{ResourceLimiter, UpdateDeadline};

use super::fault::Overrun;

/// `[matchers.limits]`: what one instance of a matcher may use. A message on which a matcher goes over a limit, twice
/// and alone, is set aside.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Linear memory, in MiB. Default 64.
    pub memory_mib: usize,
    /// Elements of a table. Default 20,000.
    pub table_elements: usize,
    /// Stack, in KiB. Default 512.
    pub stack_kib: usize,
    /// Data returned by one call, in MiB. Default 32.
    pub returned_mib: usize,
    /// Lines logged by one call, in KiB; what is over is dropped with a note. Default 16.
    pub log_kib: usize,
    /// CPU time of one call, in milliseconds, whatever it is given. Default 250.
    pub base_ms: u64,
    /// CPU time on top of it for each message, in microseconds. Default 1,000.
    pub per_message_us: u64,
    /// An instance is replaced by a fresh one after so many calls. Default 100,000.
    pub recycle_calls: u64,
    /// … or when its memory has grown by so many MiB since it was fresh. Default 16.
    pub recycle_growth_mib: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_mib: 64,
            table_elements: 20_000,
            stack_kib: 512,
            returned_mib: 32,
            log_kib: 16,
            base_ms: 250,
            per_message_us: 1_000,
            recycle_calls: 100_000,
            recycle_growth_mib: 16,
        }
    }
}

pub(super) const MIB: usize = 1 << 20;
const KIB: usize = 1 << 10;

impl Limits {
    /// The CPU time of a call that is given `items` messages, candidates or wanted messages.
    pub fn time_for(&self, items: usize) -> Duration {
        Duration::from_millis(self.base_ms) + Duration::from_micros(self.per_message_us.saturating_mul(items as u64))
    }

    pub(super) fn memory(&self) -> usize {
        self.memory_mib * MIB
    }

    pub(super) fn stack(&self) -> usize {
        self.stack_kib * KIB
    }

    pub(super) fn returned(&self) -> usize {
        self.returned_mib * MIB
    }

    pub(super) fn log(&self) -> usize {
        self.log_kib * KIB
    }
}

/// The CPU time of one call, on the thread that makes it: a slow or busy machine is not a guest's fault.
#[derive(Debug)]
pub(super) struct TimeBudget {
    allowed: Duration,
    /// Read at the first tick of the epoch and not at the start of the call: a call that is over before the next tick,
    /// as nearly all are, pays for no system call.
    started: Option<Duration>,
}

impl TimeBudget {
    pub(super) fn new(allowed: Duration) -> Self {
        Self { allowed, started: None }
    }

    /// What to do at a tick of the epoch.
    pub(super) fn on_tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let now = thread_cpu_time();
        let started = *self.started.get_or_insert(now);
        if now.saturating_sub(started) > self.allowed {
            return Err(Overrun::Time(self.allowed).into());
        }
        Ok(UpdateDeadline::Continue(1))
    }
}

fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Traps a guest that grows over its limits, so that the fault can say which one.
#[derive(Debug)]
pub(super) struct Growth {
    pub(super) memory: usize,
    pub(super) table_elements: usize,
    /// The largest memory seen, in bytes.
    pub(super) high_water: usize,
}

impl ResourceLimiter for Growth {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.memory {
            return Err(Overrun::Memory(self.memory).into());
        }
        self.high_water = self.high_water.max(desired);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.table_elements {
            return Err(Overrun::Table(self.table_elements).into());
        }
        Ok(true)
    }
}
