//! Renderings: asks the matchers what wanted messages are on a business date, and puts the answers into the index.
//!
//! Done aside and swapped in: intake goes on with the days that are there.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use jiff::{civil::Date, tz::TimeZone};

use super::Shared;
use crate::{
    domain::{
        calendar::Calendar,
        wanted::{RenderingId, WantedId},
    },
    matcher::{Prepared, Problem, Worker},
    sensor::{DayIndex, Entry, Index, TableBuilder},
    store::{ActiveWanted, StoreError},
};

/// So many wanted messages are read, prepared and saved together.
const PAGE: usize = 1_000;

/// Why a day could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    #[error("renderings cannot be read or saved")]
    Store(#[from] StoreError),
    #[error("the time zone `{0}` of a sensor cannot be read")]
    Zone(String, #[source] jiff::Error),
}

/// Lets one day be rendered at a time: many portions of messages may ask for the same one.
#[derive(Default)]
pub struct Renderer {
    turn: tokio::sync::Mutex<()>,
}

impl Shared {
    /// Makes the index anew from the store: its calendars and routes, no day yet.
    pub async fn reindex(&self) -> Result<(), RenderError> {
        let (mut calendars, mut routes) = (Vec::new(), BTreeSet::new());
        let mut seen = BTreeSet::new();
        self.each_page(|page| {
            for wanted in page {
                if seen.insert((wanted.timezone.clone(), wanted.day_shift_seconds)) {
                    calendars.push(calendar(&wanted)?);
                }
                routes.insert((Arc::from(wanted.topic), Arc::from(wanted.matcher)));
            }
            Ok(())
        })
        .await?;
        self.index.store(Arc::new(Index::new(calendars, routes)));
        Ok(())
    }

    /// Renders a business date of a calendar, unless that was done before.
    pub async fn render(&self, calendar: &Calendar, date: Date) -> Result<(), RenderError> {
        let _turn = self.renderer.turn.lock().await;
        let known = |index: &Index| index.calendars.iter().any(|days| *days.calendar == *calendar && days.has(date));
        if known(&self.index.load()) {
            return Ok(());
        }
        let mut tables: HashMap<_, TableBuilder> = HashMap::new();
        let mut after = WantedId(0);
        loop {
            let page = self.store.active_wanted(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            let ours = page.into_iter().filter(|wanted| belongs(wanted, calendar)).collect();
            for (wanted, prepared, entry) in self.rendered(ours, date).await? {
                let route = (Arc::from(wanted.topic), Arc::from(wanted.matcher));
                let table = tables.entry(route).or_default();
                prepared.keys.iter().for_each(|key| table.add(key, &prepared.token, entry));
            }
        }
        let day = Arc::new(DayIndex::new(calendar, date, tables));
        self.index.rcu(|index| index.with_day(calendar, &day));
        tracing::debug!(%date, zone = ?calendar.zone.iana_name(), "Rendered a business date");
        Ok(())
    }

    /// Prepares a page of wanted messages and saves their renderings. One that its matcher refuses is said aloud and
    /// left out: it was fine when it was defined, and the others go on.
    async fn rendered(
        &self,
        page: Vec<ActiveWanted>,
        date: Date,
    ) -> Result<Vec<(ActiveWanted, Prepared, Entry)>, RenderError> {
        let mut prepared = Vec::with_capacity(page.len());
        for (wanted, answer) in self.prepare(page, date).await {
            match answer {
                Ok(answer) => prepared.push((wanted, answer)),
                Err(problem) => tracing::error!(
                    sensor = wanted.sensor_name, task_id = wanted.task_id, %date, %problem,
                    "A wanted message cannot be rendered and is not awaited"
                ),
            }
        }
        let texts = prepared.iter().map(|(wanted, answer)| (wanted.id, date, answer.rendered.clone())).collect();
        let ids = self.store.save_renderings(texts).await?;
        let with_entry = |((wanted, answer), rendering): ((ActiveWanted, Prepared), RenderingId)| {
            let several_keys = answer.keys.len() > 1;
            let entry = Entry { wanted: wanted.id, rendering, frequency: wanted.frequency, several_keys };
            (wanted, answer, entry)
        };
        Ok(prepared.into_iter().zip(ids).map(with_entry).collect())
    }

    /// Asks each wanted message's matcher; the order is by matcher.
    async fn prepare(&self, page: Vec<ActiveWanted>, date: Date) -> Vec<(ActiveWanted, Result<Prepared, Problem>)> {
        let mut by_matcher: BTreeMap<String, Vec<ActiveWanted>> = BTreeMap::new();
        for wanted in page {
            by_matcher.entry(wanted.matcher.clone()).or_default().push(wanted);
        }
        let mut answers = Vec::new();
        for (matcher, wanted) in by_matcher {
            let Some(generation) = self.registry.get(&matcher).cloned() else {
                let gone = || Problem { field: None, message: format!("its matcher `{matcher}` is gone") };
                answers.extend(wanted.into_iter().map(|wanted| (wanted, Err(gone()))));
                continue;
            };
            let prepare = move |worker: &mut Worker| {
                let fields: Vec<_> = wanted.iter().map(|wanted| wanted.fields.as_str()).collect();
                let prepared = worker.prepare(&generation, &fields, date);
                wanted.into_iter().zip(prepared).collect::<Vec<_>>()
            };
            answers.extend(self.pool.run(prepare).await);
        }
        answers
    }

    async fn each_page(
        &self,
        mut see: impl FnMut(Vec<ActiveWanted>) -> Result<(), RenderError>,
    ) -> Result<(), RenderError> {
        let mut after = WantedId(0);
        loop {
            let page = self.store.active_wanted(after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.id;
            see(page)?;
        }
    }
}

fn belongs(wanted: &ActiveWanted, calendar: &Calendar) -> bool {
    calendar.zone.iana_name() == Some(&wanted.timezone)
        && calendar.day_shift_seconds() == i64::from(wanted.day_shift_seconds)
}

fn calendar(wanted: &ActiveWanted) -> Result<Calendar, RenderError> {
    let zone = TimeZone::get(&wanted.timezone).map_err(|error| RenderError::Zone(wanted.timezone.clone(), error))?;
    Ok(Calendar::new(zone, wanted.day_shift_seconds))
}
