//! Whether a generation keeps time, and so where it runs: among the others, or aside, where it keeps nobody waiting.
//!
//! It comes back once it has been in time aside for a while, and each time that it has to go again that takes twice as
//! long. Pure: who asks says what time it is.

use std::time::{Duration, Instant};

/// How long a generation has to be in time aside before it comes back, at first and at most.
const FIRST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(600);

/// How a generation has kept time so far.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// How long it had, or has, to be in time the last time that it went aside.
    span: Option<Duration>,
    place: Place,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    AmongOthers,
    Aside {
        /// None: it has not finished anything in time since it took too long.
        in_time_since: Option<Instant>,
    },
}

impl Pace {
    pub(super) fn is_aside(&self) -> bool {
        self.place != Place::AmongOthers
    }

    /// It took too long. What it was asked at the same time may take too long with it: that is no second time.
    pub(super) fn took_too_long(&mut self) {
        if !self.is_aside() {
            self.span = Some(self.span.map_or(FIRST, |span| (span * 2).min(LONGEST)));
        }
        self.place = Place::Aside { in_time_since: None };
    }

    /// It came to an end in time.
    pub(super) fn was_in_time(&mut self, now: Instant) {
        let Place::Aside { in_time_since } = self.place else {
            return;
        };
        let since = in_time_since.unwrap_or(now);
        let is_over = self.span.is_none_or(|span| now.duration_since(since) >= span);
        self.place = if is_over { Place::AmongOthers } else { Place::Aside { in_time_since: Some(since) } };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says after how many seconds of being in time it is back.
    fn back_after(pace: &mut Pace) -> u64 {
        let begin = Instant::now();
        let seconds = (0..).find(|seconds| {
            pace.was_in_time(begin + Duration::from_secs(*seconds));
            !pace.is_aside()
        });
        seconds.expect("it comes back some time")
    }

    #[test]
    fn each_time_aside_is_twice_as_long() {
        let mut pace = Pace::default();
        assert!(!pace.is_aside());
        let mut times = Vec::new();
        for _ in 0..6 {
            pace.took_too_long();
            assert!(pace.is_aside());
            times.push(back_after(&mut pace));
        }
        assert_eq!(times, [60, 120, 240, 480, 600, 600]);
    }

    #[test]
    fn who_takes_too_long_aside_begins_again() {
        let (mut pace, begin) = (Pace::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        pace.took_too_long();
        pace.was_in_time(at(0));
        pace.took_too_long();
        pace.was_in_time(at(60));
        assert!(pace.is_aside());
        pace.was_in_time(at(120));
        assert!(!pace.is_aside(), "the span is the same: it was one and the same time");
    }

    #[test]
    fn time_alone_does_not_bring_it_back() {
        let mut pace = Pace::default();
        pace.took_too_long();
        pace.was_in_time(Instant::now() + Duration::from_secs(3_600));
        assert!(pace.is_aside());
    }
}
