//! Days of which messages are judged now, or were a moment ago: they stay in the index however long past they are.
//!
//! Lanes know nothing of each other. One that reads a backlog says here which days it needs before it renders the
//! first of them; else one that reads today's messages would drop it before the last is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;

/// The next batch of a backlog mostly needs the days of the one before it.
const LINGER: Duration = Duration::from_secs(10);

const SECONDS: i64 = 24 * 60 * 60;

/// All days in need, by whoever is in need of them.
#[derive(Debug, Default)]
pub struct NeededDays(Mutex<BTreeMap<UtcDay, Need>>);

/// Days of UTC since 1970. A business day of any calendar is needed where it overlaps with one that is.
type UtcDay = i64;

#[derive(Debug)]
struct Need {
    /// How many are at it.
    by: usize,
    last: Instant,
}

/// While it lives, days are needed.
pub(super) struct Needed<'a> {
    all: &'a NeededDays,
    days: BTreeSet<UtcDay>,
}

impl NeededDays {
    /// The days of these arrivals are needed from now on.
    pub(super) fn need(&self, arrivals: impl Iterator<Item = Timestamp>) -> Needed<'_> {
        let days: BTreeSet<_> = arrivals.map(utc_day).collect();
        let mut all = self.lock();
        for day in &days {
            all.entry(*day).or_insert_with(|| Need { by: 0, last: Instant::now() }).by += 1;
        }
        drop(all);
        Needed { all: self, days }
    }

    /// Whether somebody needs a day that opens and closes then.
    pub(super) fn is_needed(&self, opens: Timestamp, closes: Timestamp) -> bool {
        let now = Instant::now();
        self.lock().range(utc_day(opens)..=utc_day(closes)).any(|(_, need)| need.is_there(now))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<UtcDay, Need>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Need {
    fn is_there(&self, now: Instant) -> bool {
        self.by > 0 || now.duration_since(self.last) < LINGER
    }
}

impl Drop for Needed<'_> {
    fn drop(&mut self) {
        let (mut all, now) = (self.all.lock(), Instant::now());
        for day in &self.days {
            if let Some(need) = all.get_mut(day) {
                *need = Need { by: need.by.saturating_sub(1), last: now };
            }
        }
        all.retain(|_, need| need.is_there(now));
    }
}

fn utc_day(instant: Timestamp) -> UtcDay {
    instant.as_second().div_euclid(SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_needed_where_it_overlaps_with_one_that_is() {
        let days = NeededDays::default();
        let _needed = days.need([at("2019-07-07T23:59:59Z"), at("2019-07-09T00:00:00Z")].into_iter());
        let is_needed = |opens, closes| days.is_needed(at(opens), at(closes));
        assert!(is_needed("2019-07-06T22:00:00Z", "2019-07-07T22:00:00Z"));
        assert!(is_needed("2019-07-07T22:00:00Z", "2019-07-08T22:00:00Z"));
        assert!(!is_needed("2019-07-10T22:00:00Z", "2019-07-11T22:00:00Z"));
        assert!(!is_needed("2019-07-05T22:00:00Z", "2019-07-06T22:00:00Z"));
    }

    #[test]
    fn what_several_need_stays_until_the_last_has_gone() {
        let days = NeededDays::default();
        let first = days.need([at("2019-07-07T12:00:00Z")].into_iter());
        let second = days.need([at("2019-07-07T13:00:00Z")].into_iter());
        drop(first);
        assert_eq!(days.lock().values().map(|need| need.by).collect::<Vec<_>>(), [1]);
        drop(second);
        let lock = days.lock();
        let need = lock.values().next().unwrap();
        assert!(need.is_there(need.last) && !need.is_there(need.last + LINGER), "a moment longer");
    }
}
