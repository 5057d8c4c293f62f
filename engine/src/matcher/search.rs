//! Finding the items that a matcher fails on, within a budget.
//!
//! An item is a message, a candidate or a wanted message. All are asked about at once; on a trap each half, down to one
//! item. A call costs about a microsecond and a time-out a quarter of a second: what timed out is therefore taken one
//! by one, and only by who has patience for it. An item that fails alone, twice, on fresh instances, is given up.
//! Knows nothing of instances; start at [`Search::run`].

use super::{
    fault::{Fault, FaultKind},
    gave_up::GaveUp,
};

/// How much a search may cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// So many items may be given up.
    pub(super) faults: usize,
    /// So many of them for a time-out. With none the first time-out ends the search.
    pub(super) time_outs: usize,
}

/// How a call failed.
pub(super) enum Failed {
    /// There was no instance to call.
    NotStarted(Fault),
    Call(Fault),
}

/// A search and what it has cost so far.
pub(super) struct Search<Ask, GiveUp> {
    patience: Patience,
    /// All items, for who reads of the failure.
    of: usize,
    faults: usize,
    time_outs: usize,
    ask: Ask,
    give_up: GiveUp,
}

impl<Ask, GiveUp> Search<Ask, GiveUp> {
    /// `ask` adds to the answer only when it succeeds; `give_up` notes in it that the next item has none.
    pub(super) fn new(patience: Patience, of: usize, ask: Ask, give_up: GiveUp) -> Self {
        Self { patience, of, faults: 0, time_outs: 0, ask, give_up }
    }

    /// Has all items answered or given up, in order.
    pub(super) fn run<T, A>(&mut self, items: &[T], answer: &mut A) -> Result<(), GaveUp>
    where
        Ask: FnMut(&[T], &mut A) -> Result<(), Failed>,
        GiveUp: FnMut(&mut A, Fault),
    {
        if items.is_empty() {
            return Ok(());
        }
        let Some(fault) = self.ask(items, answer)? else {
            return Ok(());
        };
        if items.len() == 1 {
            return self.second_chance(items, answer);
        }
        let part = if fault.kind == FaultKind::TimedOut { 1 } else { items.len().div_ceil(2) };
        items.chunks(part).try_for_each(|part| self.run(part, answer))
    }

    fn second_chance<T, A>(&mut self, item: &[T], answer: &mut A) -> Result<(), GaveUp>
    where
        Ask: FnMut(&[T], &mut A) -> Result<(), Failed>,
        GiveUp: FnMut(&mut A, Fault),
    {
        let Some(fault) = self.ask(item, answer)? else {
            return Ok(());
        };
        self.count(&fault)?;
        (self.give_up)(answer, fault);
        Ok(())
    }

    /// The fault of a call, if there is patience for it.
    fn ask<T, A>(&mut self, items: &[T], answer: &mut A) -> Result<Option<Fault>, GaveUp>
    where
        Ask: FnMut(&[T], &mut A) -> Result<(), Failed>,
    {
        match (self.ask)(items, answer) {
            Ok(()) => Ok(None),
            Err(Failed::NotStarted(fault)) => Err(GaveUp::NotStarted(fault)),
            Err(Failed::Call(fault)) if fault.kind == FaultKind::TimedOut && self.patience.time_outs == 0 => {
                Err(GaveUp::TimedOut(fault))
            }
            Err(Failed::Call(fault)) => Ok(Some(fault)),
        }
    }

    fn count(&mut self, fault: &Fault) -> Result<(), GaveUp> {
        self.faults += 1;
        self.time_outs += usize::from(fault.kind == FaultKind::TimedOut);
        if self.faults > self.patience.faults {
            return Err(GaveUp::KeepsFailing { faults: self.faults, of: self.of, last: fault.clone() });
        }
        if self.time_outs > self.patience.time_outs {
            return Err(GaveUp::TimedOut(fault.clone()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
