//! A change of sensors while messages flow.
//!
//! The store takes the definitions piece by piece, recordings in between. What came renders on every day of the index,
//! aside, and days without what went and with what came take the place of those that are there. Then waits open. Who
//! reads messages is never stopped; until a day is replaced, what went is still recorded, and marks nothing.
//!
//! A store that fails is asked again until it answers: a change that is half made would be half awaited.

use std::{collections::HashSet, sync::Arc};

use jiff::{Timestamp, civil::Date};

use super::{
    Shared,
    patience::MATCHER_PAUSE,
    rendering::{PAGE, RenderError, Tables, belongs, calendar},
    turning::open_waits,
};
use crate::{
    domain::{
        calendar::Calendar,
        sensor::{Owner, Sensor},
        wanted::WantedId,
    },
    sensor::{DayIndex, Index},
    store::{ActiveWanted, Changed, Occasion, Store, StoreError},
};

/// So many sensors are defined in one transaction: messages wait no longer than that takes.
const AT_ONCE: usize = 200;

/// Why sensors could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    #[error("the sensors cannot be changed in the store")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Render(#[from] RenderError),
}

/// A day of the index and what is awaited on it from now on.
struct DayInChange {
    calendar: Arc<Calendar>,
    date: Date,
    /// None: its calendar is new.
    before: Option<Arc<DayIndex>>,
    came: Tables,
}

/// Brings definitions into the store, before anybody reads messages.
pub async fn define(
    store: &Store,
    now: Timestamp,
    put: Vec<(Owner, Sensor)>,
    gone: Vec<(Owner, String)>,
) -> Result<Changed, StoreError> {
    let mut changed = Changed::default();
    for piece in pieces(put) {
        changed = changed.and(store.change_sensors(now, piece, Vec::new()).await?);
    }
    for piece in pieces(gone) {
        changed = changed.and(store.change_sensors(now, Vec::new(), piece).await?);
    }
    Ok(changed)
}

fn pieces<T>(all: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut all = all.into_iter();
    std::iter::from_fn(move || Some(all.by_ref().take(AT_ONCE).collect::<Vec<_>>()).filter(|piece| !piece.is_empty()))
}

impl Shared {
    /// Defines sensors and retires those of these owners that have not moved, and has it all take effect.
    pub async fn change_sensors(
        &self,
        now: Timestamp,
        put: Vec<(Owner, Sensor)>,
        gone: Vec<(Owner, String)>,
    ) -> Result<Changed, ChangeError> {
        let not_in_effect_yet = self.catching_up.change();
        let changed = {
            let _alone = self.changing.lock().await;
            self.redefine(now, put, gone).await?
        };
        while let Err(error) = self.await_alone(now, &changed).await {
            if matches!(error, RenderError::Store(_)) {
                return Err(error.into());
            }
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "Changed sensors are not awaited yet; trying again"
            );
            tokio::time::sleep(MATCHER_PAUSE).await;
        }
        drop(not_in_effect_yet);
        self.catching_up.look();
        self.patience.patiently(|| open_waits(self, now, &changed.sensors)).await?;
        Ok(changed)
    }

    async fn redefine(
        &self,
        now: Timestamp,
        put: Vec<(Owner, Sensor)>,
        gone: Vec<(Owner, String)>,
    ) -> Result<Changed, StoreError> {
        let mut changed = Changed::default();
        for piece in pieces(put) {
            let done = self.patience.patiently(|| self.store.change_sensors(now, piece.clone(), Vec::new())).await?;
            changed = changed.and(done);
        }
        // Last, when those that moved belong to another file already.
        for piece in pieces(gone) {
            let done = self.patience.patiently(|| self.store.change_sensors(now, Vec::new(), piece.clone())).await?;
            changed = changed.and(done);
        }
        Ok(changed)
    }

    async fn await_alone(&self, now: Timestamp, changed: &Changed) -> Result<(), RenderError> {
        let _alone = self.changing.lock().await;
        self.await_changed(now, changed).await
    }

    /// Puts what came and went into the index. May be repeated, and days may have been rendered with what came already.
    async fn await_changed(&self, now: Timestamp, changed: &Changed) -> Result<(), RenderError> {
        let live = self.live.load_full();
        let mut days = days(&live.index);
        let mut topics = HashSet::new();
        for page in changed.came.chunks(PAGE) {
            let page = self.patience.patiently(|| self.store.active_wanted_among(page.to_vec())).await?;
            topics.extend(page.iter().map(|it| (Arc::from(it.topic.as_str()), Arc::from(it.matcher.as_str()))));
            add_calendars(&mut days, &page, now)?;
            for day in &mut days {
                let ours: Vec<_> = page.iter().filter(|wanted| belongs(wanted, &day.calendar)).cloned().collect();
                let awaited = || self.awaited(&live.registry, ours.clone(), day.date, Occasion::NewDay);
                self.patience.patiently(awaited).await?.iter().for_each(|awaited| day.came.add(awaited));
            }
        }
        self.change_index(|index| index.with_topics(index.topics_and_matchers().chain(topics.iter().cloned())));
        self.replace_days(days, changed.went.iter().chain(&changed.came).copied().collect()).await;
        if !changed.went.is_empty() {
            let all: Vec<_> = self.live.load().index.topics_and_matchers().collect();
            let wanted = self.patience.patiently(|| self.store.wanted_routes(all.clone())).await?;
            self.change_index(|index| index.with_topics(wanted.iter().cloned()));
        }
        Ok(())
    }

    /// One after the other, so that only one day is there twice at a time. Days of new calendars come last: from then on
    /// messages may ask for their other days.
    async fn replace_days(&self, days: Vec<DayInChange>, went: HashSet<WantedId>) {
        let went = Arc::new(went);
        for DayInChange { calendar, date, before, came } in days {
            if came.0.is_empty() && went.is_empty() {
                continue;
            }
            let day = match before {
                Some(before) => changed_day(before, Arc::clone(&went), came).await,
                None => DayIndex::new(&calendar, date, came.build().await),
            };
            let day = Arc::new(day);
            self.change_index(|index| index.with_day(&calendar, &day));
        }
    }
}

/// Copying a million entries takes the better part of a second: not on a thread that others wait for.
async fn changed_day(before: Arc<DayIndex>, went: Arc<HashSet<WantedId>>, came: Tables) -> DayIndex {
    let build = move || before.changed(&went, came.0);
    tokio::task::spawn_blocking(build).await.expect("building tables does not panic")
}

fn days(index: &Index) -> Vec<DayInChange> {
    let of_calendar = |days: &crate::sensor::CalendarDays| {
        let day = |day: &Arc<DayIndex>| DayInChange {
            calendar: Arc::clone(&days.calendar),
            date: day.date,
            before: Some(Arc::clone(day)),
            came: Tables::default(),
        };
        days.days().map(day).collect::<Vec<_>>()
    };
    index.calendars.iter().flat_map(of_calendar).collect()
}

/// The current day of each calendar that the index does not know yet.
fn add_calendars(days: &mut Vec<DayInChange>, page: &[ActiveWanted], now: Timestamp) -> Result<(), RenderError> {
    for wanted in page {
        if days.iter().any(|day| belongs(wanted, &day.calendar)) {
            continue;
        }
        let calendar = Arc::new(calendar(wanted)?);
        let date = calendar.business_date(now);
        days.push(DayInChange { calendar, date, before: None, came: Tables::default() });
    }
    Ok(())
}
