//! What a candidate waits for: in the index of the day, beside what the build that serves waits for.

use std::{collections::HashMap, sync::Arc};

use jiff::civil::Date;

use super::super::{Shared, live::Live, rendering::RenderError};
use crate::{
    domain::calendar::Calendar,
    matcher::Generation,
    sensor::{ChangedDay, Index, Route, Table},
};

/// The index that a candidate judges by, as long as what is live does not change.
#[derive(Default)]
pub(super) struct Awaiting {
    known: Option<Known>,
}

struct Known {
    /// What it was made of.
    live: Arc<Index>,
    serving: Arc<Generation>,
    index: Arc<Index>,
}

impl Awaiting {
    /// What is live, with what the candidate waits for.
    pub(super) async fn index(
        &mut self,
        shared: &Shared,
        live: &Live,
        serving: &Arc<Generation>,
        candidate: &Arc<Generation>,
    ) -> Result<Arc<Index>, RenderError> {
        let is_same = |known: &Known| Arc::ptr_eq(&known.live, &live.index) && Arc::ptr_eq(&known.serving, serving);
        if let Some(known) = self.known.as_ref().filter(|known| is_same(known)) {
            return Ok(Arc::clone(&known.index));
        }
        let mut index = Index::clone(&live.index);
        for (calendar, date) in live.index.days() {
            let day = match self.known.as_ref().and_then(|known| known.day(live, serving, candidate, calendar, date)) {
                Some(day) => day,
                None => {
                    let candidate = std::slice::from_ref(candidate);
                    shared.awaited_to_compare(candidate, serving.name(), calendar, date).await?
                }
            };
            index = index.with_tables(&day);
        }
        let (index, serving) = (Arc::new(index), Arc::clone(serving));
        self.known = Some(Known { live: Arc::clone(&live.index), serving, index: Arc::clone(&index) });
        Ok(index)
    }
}

impl Known {
    /// What the candidate waits for on a day, where the same is wanted as before.
    fn day(
        &self,
        live: &Live,
        serving: &Arc<Generation>,
        candidate: &Generation,
        calendar: &Arc<Calendar>,
        date: Date,
    ) -> Option<ChangedDay> {
        let of = |tables: HashMap<Route, Arc<Table>>, generation: &Generation| {
            let mut tables: Vec<_> = tables.into_iter().filter(|((_, id), _)| *id == generation.id).collect();
            tables.sort_by(|(one, _), (other, _)| one.cmp(other));
            tables
        };
        let has_day = self.live.days().any(|(of, day)| **of == **calendar && day == date);
        let before = of(self.live.tables(calendar, date), serving);
        let now = of(live.index.tables(calendar, date), serving);
        let same = before.len() == now.len()
            && before.iter().zip(&now).all(|(one, other)| one.0 == other.0 && Arc::ptr_eq(&one.1, &other.1));
        let tables = of(self.index.tables(calendar, date), candidate).into_iter().collect();
        let (matcher, calendar) = (Arc::clone(serving.name()), Arc::clone(calendar));
        (has_day && same).then_some(ChangedDay { matcher, calendar, date, tables })
    }
}
