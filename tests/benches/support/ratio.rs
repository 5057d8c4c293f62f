//! Ratios: contestants take turns in the same run, and what counts is how they compare within each round.

use std::time::Duration;

use crate::spread::Spread;

/// The contestants' times, one row a round.
pub(crate) struct Rounds {
    times: Vec<Vec<f64>>,
}

impl Rounds {
    /// Lets each contestant work once a round; who begins changes from round to round. A contestant is a number, and
    /// `work` answers with the time that it took.
    pub(crate) fn run(rounds: usize, contestants: usize, mut work: impl FnMut(usize) -> Duration) -> Self {
        let mut round = |number: usize| {
            let mut times = vec![0.0; contestants];
            for turn in 0..contestants {
                let contestant = (turn + number) % contestants;
                times[contestant] = work(contestant).as_nanos() as f64;
            }
            times
        };
        // The first rounds only warm caches.
        let warming = rounds.div_ceil(10);
        (0..warming).for_each(|number| drop(round(number)));
        Self { times: (0..rounds).map(round).collect() }
    }

    /// One contestant's time relative to another's.
    pub(crate) fn ratio(&self, subject: usize, peer: usize) -> Spread {
        Spread::of(self.times.iter().map(|round| round[subject] / round[peer]))
    }

    /// One contestant's time for one of so many items, in nanoseconds.
    pub(crate) fn nanoseconds(&self, contestant: usize, items: usize) -> f64 {
        Spread::of(self.times.iter().map(|round| round[contestant])).median / items as f64
    }
}

/// A spread of ratios, as it is reported.
pub(crate) fn times(spread: &Spread) -> String {
    let Spread { median, low, high } = spread;
    format!("{median:.2}x ({low:.2}–{high:.2})")
}
