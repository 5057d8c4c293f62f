//! What a generation has used so far. Shared by all workers that ask it.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;

use crate::domain::message::Message;

/// Counted since the generation was loaded.
#[derive(Debug, Default)]
pub struct Usage {
    cpu_ns: AtomicU64,
    calls: AtomicU64,
    messages: AtomicU64,
    bytes: AtomicU64,
    peak_memory: AtomicU64,
}

/// What was counted until now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    pub cpu: Duration,
    pub calls: u64,
    pub messages: u64,
    /// Of the values of messages.
    pub bytes: u64,
    /// The most linear memory that one instance had, in bytes.
    pub peak_memory: u64,
}

impl Usage {
    pub fn used(&self) -> Used {
        Used {
            cpu: Duration::from_nanos(self.cpu_ns.load(Relaxed)),
            calls: self.calls.load(Relaxed),
            messages: self.messages.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            peak_memory: self.peak_memory.load(Relaxed),
        }
    }

    /// Has the most memory be that of instances that are asked from now on.
    pub fn forget_peak(&self) {
        self.peak_memory.store(0, Relaxed);
    }

    pub(super) fn note_cpu(&self, cpu: Duration) {
        self.cpu_ns.fetch_add(u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Notes a call, after which its instance has so many bytes of memory.
    pub(super) fn note_call(&self, memory: usize) {
        self.calls.fetch_add(1, Relaxed);
        self.peak_memory.fetch_max(memory as u64, Relaxed);
    }

    pub(super) fn note_messages(&self, messages: &[&Message]) {
        self.messages.fetch_add(messages.len() as u64, Relaxed);
        let bytes = messages.iter().filter_map(|message| message.value.as_ref()).map(Bytes::len).sum::<usize>();
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }
}
