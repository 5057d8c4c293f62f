//! What a guest may use: memory, tables, time, returned data, log.

use std::{num::NonZeroU16, time::Duration};

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
    pub memory_mib: NonZeroU16,
    /// Elements of a table. Default 20,000.
    pub table_elements: usize,
    /// Stack, in KiB. Default 512.
    pub stack_kib: NonZeroU16,
    /// Data returned by one call, in MiB. Default 32.
    pub returned_mib: NonZeroU16,
    /// Lines logged by one call, in KiB; what is over is dropped with a note. Default 16.
    pub log_kib: u16,
    /// CPU time of one call, in milliseconds, whatever it is given. Default 250.
    pub base_ms: u64,
    /// CPU time on top of it for each message, in microseconds. Default 1,000.
    pub per_message_us: u64,
    /// Of a portion, and of the last 1,000 messages, a matcher may fault on so many, each of which is set aside. If there
    /// are more its topics wait. Default 50.
    pub tolerated_faults: usize,
    /// Size of a matcher's file, in MiB: what is larger is refused before it is compiled. Default 64.
    pub file_mib: NonZeroU16,
    /// An instance is replaced by a fresh one after so many calls. Default 100,000.
    pub recycle_calls: u64,
    /// … or when its memory has grown by so many MiB since it was fresh. Default 16.
    pub recycle_growth_mib: NonZeroU16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_mib: nonzero(64),
            table_elements: 20_000,
            stack_kib: nonzero(512),
            returned_mib: nonzero(32),
            log_kib: 16,
            base_ms: 250,
            per_message_us: 1_000,
            tolerated_faults: 50,
            file_mib: nonzero(64),
            recycle_calls: 100_000,
            recycle_growth_mib: nonzero(16),
        }
    }
}

const fn nonzero(value: u16) -> NonZeroU16 {
    NonZeroU16::MIN.saturating_add(value - 1)
}

/// What a 32-bit guest can address.
const ADDRESSABLE: usize = 4096 * MIB;

const MIB: usize = 1 << 20;
const KIB: usize = 1 << 10;

impl Limits {
    /// The CPU time of a call that is given `items` messages, candidates or wanted messages.
    pub fn time_for(&self, items: usize) -> Duration {
        Duration::from_millis(self.base_ms) + Duration::from_micros(self.per_message_us.saturating_mul(items as u64))
    }

    /// Bytes of linear memory.
    pub fn memory(&self) -> usize {
        (usize::from(self.memory_mib.get()) * MIB).min(ADDRESSABLE)
    }

    pub(super) fn stack(&self) -> usize {
        usize::from(self.stack_kib.get()) * KIB
    }

    /// Bytes of one call's results.
    pub fn returned(&self) -> usize {
        usize::from(self.returned_mib.get()) * MIB
    }

    /// Bytes of a matcher's file.
    pub fn file(&self) -> usize {
        usize::from(self.file_mib.get()) * MIB
    }

    pub(super) fn recycle_growth(&self) -> usize {
        usize::from(self.recycle_growth_mib.get()) * MIB
    }

    pub(super) fn log(&self) -> usize {
        usize::from(self.log_kib) * KIB
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
    /// Bytes of all its memories together: a component may have several.
    pub(super) held: usize,
}

impl ResourceLimiter for Growth {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let held = self.held.saturating_add(desired.saturating_sub(current));
        if held > self.memory {
            return Err(Overrun::Memory(self.memory).into());
        }
        self.held = held;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.table_elements {
            return Err(Overrun::Table(self.table_elements).into());
        }
        Ok(true)
    }
}
