//! What the host keeps for a running guest: its limits, its log, what it holds of WASI.

use wasmtime::{ResourceLimiter, UpdateDeadline};

use super::{
    bindings::eventlatch::matcher::host::{self, Level},
    fault::Overrun,
    limits::{Growth, Limits, TimeBudget},
    wasi::{Handles, Printed, Random},
};

/// What a line of the log costs beside its text: empty ones are not free.
const LOG_LINE: usize = 64;

/// The host's side of one instance.
pub(super) struct Guest {
    name: String,
    growth: Growth,
    time: TimeBudget,
    /// Bytes that the running call may still log.
    log_left: usize,
    printed: Printed,
    pub(super) handles: Handles,
    pub(super) random: Random,
}

impl host::Host for Guest {
    fn log(&mut self, level: Level, text: String) -> wasmtime::Result<()> {
        self.write(level, &text);
        Ok(())
    }
}

impl Guest {
    pub(super) fn new(name: String, limits: &Limits) -> Self {
        Self {
            name,
            growth: Growth { memory: limits.memory(), table_elements: limits.table_elements, held: 0 },
            time: TimeBudget::new(limits.time_for(0)),
            log_left: 0,
            printed: Printed::default(),
            handles: Handles::new(limits.table_elements),
            random: Random::default(),
        }
    }

    /// What a call begins with, whatever was before it.
    pub(super) fn renew(&mut self, limits: &Limits, items: usize) {
        self.time = TimeBudget::new(limits.time_for(items));
        self.log_left = limits.log();
        self.random = Random::default();
    }

    pub(super) fn growth(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.growth
    }

    /// Bytes of memory.
    pub(super) fn held(&self) -> usize {
        self.growth.held
    }

    pub(super) fn on_tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.time.on_tick()
    }

    /// Logs the lines of what a guest prints.
    pub(super) fn print(&mut self, level: Level, text: &[u8]) {
        for line in self.printed.lines(text, self.log_left) {
            self.write(level, &line);
        }
    }

    /// Logs the last line, which has no end.
    pub(super) fn print_rest(&mut self) {
        if let Some(line) = self.printed.rest() {
            self.write(Level::Info, &line);
        }
    }

    /// As many as a guest could keep, at most.
    pub(super) fn random_bytes(&mut self, count: u64) -> wasmtime::Result<Vec<u8>> {
        let fits = usize::try_from(count).ok().filter(|count| *count <= self.growth.memory);
        let count = fits.ok_or(Overrun::Memory(self.growth.memory))?;
        Ok(self.random.bytes(count))
    }

    fn write(&mut self, level: Level, text: &str) {
        let Some(left) = self.log_left.checked_sub(text.len() + LOG_LINE) else {
            if std::mem::take(&mut self.log_left) > 0 {
                tracing::warn!(matcher = self.name, "The matcher logs more than its limit; the rest is dropped");
            }
            return;
        };
        self.log_left = left;
        match level {
            Level::Debug => tracing::debug!(matcher = self.name, "{text}"),
            Level::Info => tracing::info!(matcher = self.name, "{text}"),
            Level::Warn => tracing::warn!(matcher = self.name, "{text}"),
            Level::Error => tracing::error!(matcher = self.name, "{text}"),
        }
    }
}
