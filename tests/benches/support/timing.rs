//! The CPU time of the measuring thread: other work on the machine costs little more than caches.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time of a piece of work on this thread.
pub(crate) fn time<R>(work: impl FnOnce() -> R) -> (Duration, R) {
    let before = thread_time();
    let result = work();
    (thread_time() - before, result)
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
