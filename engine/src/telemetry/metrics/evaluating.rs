//! How long a matcher works, on the clock and on the processor.

use std::time::{Duration, Instant};

use metrics::histogram;
use rustix::time::{ClockId, clock_gettime};

use super::names::{EVALUATION, EVALUATION_CPU};

/// So much of a build's hash tells it from others.
const HASH: usize = 12;

/// Begun and ended on one thread.
pub struct Evaluating {
    began: Instant,
    cpu: Duration,
}

impl Evaluating {
    pub fn begin() -> Self {
        Self { began: Instant::now(), cpu: cpu_time() }
    }

    /// A matcher's build, by its hash, has judged a portion.
    pub fn end(self, matcher: &str, sha256: &str) {
        let labels = [("matcher", matcher.to_owned()), ("generation", sha256.chars().take(HASH).collect())];
        histogram!(EVALUATION.name, &labels).record(self.began.elapsed().as_secs_f64());
        histogram!(EVALUATION_CPU.name, &labels).record(cpu_time().saturating_sub(self.cpu).as_secs_f64());
    }
}

/// The CPU time of this thread so far.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}
