//! What a matcher may cost over time, beyond the limits of a single call.

use std::{
    collections::{BTreeMap, VecDeque},
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde::Deserialize;

use super::usage::Used;

/// A share of CPU time for each message says little about a few of them.
const ENOUGH: u64 = 1_000;

/// `[matchers.budget]`, and the same of a matcher of its own. Nothing is limited that is not named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// CPU time over 1,000 messages, in milliseconds. Counts where at least so many messages came in the window.
    pub cpu_ms_per_1000_messages: Option<f64>,
    /// CPU time in a second of the window, in seconds: 0.5 is half of a processor.
    pub cpu_share: Option<f64>,
    /// Linear memory of an instance, in MiB.
    pub memory_mib: Option<f64>,
    /// Over how many seconds CPU time is measured. Default 60.
    pub window_seconds: Option<NonZeroU32>,
}

/// Those of all matchers, by their names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Budgets {
    pub(super) otherwise: Budget,
    pub(super) named: BTreeMap<String, Budget>,
}

impl Budgets {
    pub fn of(&self, matcher: &str) -> Budget {
        self.named.get(matcher).copied().unwrap_or(self.otherwise)
    }
}

impl Budget {
    /// This one, and of what it does not name another one.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            cpu_ms_per_1000_messages: self.cpu_ms_per_1000_messages.or(other.cpu_ms_per_1000_messages),
            cpu_share: self.cpu_share.or(other.cpu_share),
            memory_mib: self.memory_mib.or(other.memory_mib),
            window_seconds: self.window_seconds.or(other.window_seconds),
        }
    }

    fn window(&self) -> Duration {
        Duration::from_secs(self.window_seconds.map_or(60, NonZeroU32::get).into())
    }
}

/// What a generation used within the window that ends now.
#[derive(Debug, Default)]
struct Window {
    /// The oldest first. The first may lie before the window.
    seen: VecDeque<(Instant, Used)>,
}

impl Window {
    /// Notes what was used altogether until now, and says which figure of the budget is exceeded, if one is.
    fn exceeds(&mut self, budget: &Budget, now: Instant, used: Used) -> Option<String> {
        self.seen.push_back((now, used));
        let length = budget.window();
        while self.seen.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= length) {
            self.seen.pop_front();
        }
        let (since, before) = *self.seen.front()?;
        let (cpu, messages) = (used.cpu.saturating_sub(before.cpu), used.messages.saturating_sub(before.messages));
        let over = |what: String, limit: f64, key: &str| {
            Some(format!("{what}, over its budget of {limit} (`{key}` in [matchers.budget])"))
        };
        let mib = used.peak_memory as f64 / f64::from(1 << 20);
        if let Some(limit) = budget.memory_mib.filter(|limit| mib > *limit) {
            return over(format!("it used {mib:.1} MiB of memory"), limit, "memory_mib");
        }
        let per_1000 = cpu.as_secs_f64() * 1e6 / messages.max(1) as f64;
        let limit = budget.cpu_ms_per_1000_messages.filter(|limit| messages >= ENOUGH && per_1000 > *limit);
        if let Some(limit) = limit {
            let what = format!("it used {per_1000:.1} ms of CPU time per 1,000 messages, of {messages} messages");
            return over(what, limit, "cpu_ms_per_1000_messages");
        }
        // Of less than a window it is not known yet.
        let share = cpu.as_secs_f64() / now.duration_since(since).max(length).as_secs_f64();
        let limit = budget.cpu_share.filter(|limit| share > *limit)?;
        over(format!("it used {share:.2} of a processor over {} s", length.as_secs()), limit, "cpu_share")
    }
}

/// How a generation keeps to its budget. Shared by all who ask it.
#[derive(Debug, Default)]
pub struct Account(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    window: Window,
    over: Option<Arc<str>>,
}

impl Account {
    /// Notes what was used altogether until now. The answer is which figure is exceeded, the first time that one is.
    pub fn note(&self, budget: &Budget, now: Instant, used: Used) -> Option<Arc<str>> {
        let mut kept = self.kept();
        let exceeded = kept.window.exceeds(budget, now, used)?;
        if kept.over.is_some() {
            return None;
        }
        kept.over = Some(exceeded.into());
        kept.over.clone()
    }

    /// Which figure of its budget it has exceeded, until it is released.
    pub fn exceeded(&self) -> Option<Arc<str>> {
        self.kept().over.clone()
    }

    /// Lets it begin anew. False: it had not exceeded anything.
    pub fn release(&self) -> bool {
        std::mem::take(&mut *self.kept()).over.is_some()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(cpu_ms: u64, messages: u64) -> Used {
        Used { cpu: Duration::from_millis(cpu_ms), messages, ..Used::default() }
    }

    fn budget(text: &str) -> Budget {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn cpu_time_is_counted_over_the_window() {
        let (mut window, begin) = (Window::default(), Instant::now());
        let budget = budget("cpu_ms_per_1000_messages = 10\nwindow_seconds = 10");
        let mut at = |second, cpu_ms, messages| {
            window.exceeds(&budget, begin + Duration::from_secs(second), used(cpu_ms, messages))
        };
        assert_eq!(at(0, 500, 0), None, "what was before the first look does not count");
        assert_eq!(at(1, 900, 999), None, "too few messages");
        let told = at(2, 1_000, 2_000).unwrap();
        assert!(told.contains("250.0 ms of CPU time per 1,000 messages") && told.contains("budget of 10"), "{told}");
        assert_eq!(at(20, 1_001, 4_000), None, "the expensive ones are past");
    }

    #[test]
    fn a_share_is_of_a_whole_window() {
        let (mut window, begin) = (Window::default(), Instant::now());
        let budget = budget("cpu_share = 0.5\nwindow_seconds = 10");
        let mut at = |second, cpu_ms| window.exceeds(&budget, begin + Duration::from_secs(second), used(cpu_ms, 1));
        assert_eq!(at(0, 0), None);
        assert_eq!(at(4, 4_000), None, "4 of 10 seconds");
        assert!(at(6, 6_000).unwrap().contains("0.60 of a processor over 10 s"));
    }

    #[test]
    fn memory_counts_at_once() {
        let used = Used { peak_memory: 3 << 20, ..Used::default() };
        let told = Window::default().exceeds(&budget("memory_mib = 2.5"), Instant::now(), used).unwrap();
        assert!(told.starts_with("it used 3.0 MiB of memory, over its budget of 2.5"), "{told}");
    }

    #[test]
    fn what_a_matcher_does_not_name_is_as_for_all() {
        let own = budget("memory_mib = 1").or(budget("memory_mib = 2\ncpu_share = 0.1"));
        assert_eq!((own.memory_mib, own.cpu_share), (Some(1.0), Some(0.1)));
    }
}
