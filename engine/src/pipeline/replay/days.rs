//! What is wanted on the days that are judged, as each build says it: an index of a few days, made as messages need it.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use super::{
    super::rendering::{PAGE, RenderError, Tables, awaited, belongs, calendar},
    ReplayError,
};
use crate::{
    domain::{
        calendar::Calendar,
        wanted::{RenderingId, WantedId},
    },
    matcher::{Generation, Pool, Prepared, Problem, Worker},
    sensor::{DayIndex, Index},
    store::ActiveWanted,
};

/// One of the two builds: the one that the candidate is held against, or the candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Build {
    Old,
    New,
}

/// A wanted message that does not count, since a build refuses it: a service would not let the candidate serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    pub sensor: String,
    pub task_id: String,
    /// Who refuses it.
    pub by: Vec<Build>,
    /// The first date on which.
    pub business_date: Date,
    pub reason: String,
}

/// The days.
pub(super) struct Days<'a> {
    pool: &'a Pool,
    wanted: &'a [ActiveWanted],
    builds: Vec<(Arc<Generation>, &'static [Build])>,
    index: Arc<Index>,
    refused: BTreeMap<WantedId, Refused>,
}

impl<'a> Days<'a> {
    pub(super) fn new(
        pool: &'a Pool,
        topic: &Arc<str>,
        wanted: &'a [ActiveWanted],
        builds: Vec<(Arc<Generation>, &'static [Build])>,
    ) -> Result<Self, RenderError> {
        let mut calendars: Vec<Calendar> = Vec::new();
        for wanted in wanted {
            if !calendars.iter().any(|calendar| belongs(wanted, calendar)) {
                calendars.push(calendar(wanted)?);
            }
        }
        let judging = builds.iter().map(|(generation, _)| (Arc::clone(topic), Arc::clone(generation.name())));
        let index = Arc::new(Index::new(calendars, judging));
        Ok(Self { pool, wanted, builds, index, refused: BTreeMap::new() })
    }

    /// The index with all days that messages of these arrivals need.
    pub(super) async fn made_ready(
        &mut self,
        arrivals: impl Iterator<Item = Timestamp> + Clone,
    ) -> Result<Arc<Index>, ReplayError> {
        for (calendar, date) in self.index.missing(arrivals.clone()) {
            let day = Arc::new(self.day(&calendar, date).await?);
            let index = self.index.with_day(&calendar, &day);
            let is_needed = |day: &DayIndex| arrivals.clone().any(|arrival| day.contains(arrival));
            self.index = Arc::new(index.without_past(is_needed));
        }
        Ok(Arc::clone(&self.index))
    }

    /// Wanted messages that do not count.
    pub(super) fn refused(self) -> Vec<Refused> {
        self.refused.into_values().collect()
    }

    async fn day(&mut self, calendar: &Calendar, date: Date) -> Result<DayIndex, ReplayError> {
        let mut tables = Tables::default();
        let ours: Vec<_> = self.wanted.iter().filter(|wanted| belongs(wanted, calendar)).cloned().collect();
        for page in ours.chunks(PAGE) {
            for (generation, builds) in self.builds.clone() {
                let answers = self.prepared(&generation, page, date).await?;
                self.note_refused(builds, page, date, &answers);
                // A wanted message has one rendering a date, and each date an index of its own.
                let renderings: Vec<_> = page.iter().map(|wanted| Some(RenderingId(wanted.id.0))).collect();
                awaited(&generation, page, &renderings, answers).iter().for_each(|awaited| tables.add(awaited));
            }
        }
        Ok(DayIndex::new(calendar, date, tables.build().await))
    }

    async fn prepared(
        &self,
        generation: &Arc<Generation>,
        page: &[ActiveWanted],
        date: Date,
    ) -> Result<Vec<Result<Prepared, Problem>>, RenderError> {
        let fields: Vec<_> = page.iter().map(|wanted| wanted.fields.clone()).collect();
        let asked = Arc::clone(generation);
        let prepare = move |worker: &mut Worker| {
            let fields: Vec<_> = fields.iter().map(String::as_str).collect();
            worker.prepare(&asked, &fields, date)
        };
        let gave_up = |gave_up| RenderError::GaveUp { matcher: Arc::clone(generation.name()), gave_up };
        self.pool.run(prepare).await.map_err(gave_up)
    }

    fn note_refused(
        &mut self,
        builds: &[Build],
        page: &[ActiveWanted],
        date: Date,
        answers: &[Result<Prepared, Problem>],
    ) {
        let refused = page.iter().zip(answers).filter_map(|(wanted, answer)| Some((wanted, answer.as_ref().err()?)));
        for (wanted, problem) in refused {
            let refused = self.refused.entry(wanted.id).or_insert_with(|| Refused {
                sensor: wanted.sensor_name.clone(),
                task_id: wanted.task_id.clone(),
                by: Vec::new(),
                business_date: date,
                reason: problem.to_string(),
            });
            for build in builds {
                if !refused.by.contains(build) {
                    refused.by.push(*build);
                }
            }
        }
    }
}
