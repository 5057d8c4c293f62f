//! Two builds of a matcher over the same messages: the one that serves and a candidate, one after the other on one worker, so
//! that what they cost can be compared as well. Records nothing.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::civil::Date;

use super::{
    Shared,
    evaluate::{Place, Portion, said},
    rendering::{RenderError, Tables, awaited, belongs},
};
use crate::{
    domain::{
        calendar::Calendar,
        candidate::ShadowMatch,
        difference::{Comparison, Each, Said},
        wanted::RenderingId,
    },
    matcher::{GaveUp, Generation, Worker},
    sensor::ChangedDay,
    store::ActiveWanted,
    telemetry::metrics::cpu_time,
};

/// Why they could not be compared: one of them has no word on the messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    #[error("the build that serves: {0}")]
    Old(GaveUp),
    #[error("the candidate: {0}")]
    New(GaveUp),
}

/// What came of two builds over some messages.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    pub comparison: Comparison,
    /// The matches of the candidate.
    pub matches: Vec<ShadowMatch>,
}

/// Compares the generation of a portion with a candidate. The index of the portion has to hold what both wait for.
pub fn compare(worker: &mut Worker, portion: &Portion, candidate: &Arc<Generation>) -> Result<Compared, Incomparable> {
    let of_new = Portion { generation: Arc::clone(candidate), ..portion.clone() };
    let (old, old_cpu) = timed(|| said(worker, portion));
    let old = old.map_err(Incomparable::Old)?;
    let (new, new_cpu) = timed(|| said(worker, &of_new));
    let new = new.map_err(Incomparable::New)?;
    let mut compared = note(portion, &old, &new);
    compared.comparison.tally.cpu_us = Each { old: old_cpu, new: new_cpu };
    Ok(compared)
}

/// The same where the generation of a portion is compared with nobody.
pub fn judge_alone(worker: &mut Worker, portion: &Portion) -> Result<Compared, Incomparable> {
    let (new, new_cpu) = timed(|| said(worker, portion));
    let mut compared = note(portion, &HashMap::new(), &new.map_err(Incomparable::New)?);
    compared.comparison.tally.cpu_us.new = new_cpu;
    Ok(compared)
}

fn note(portion: &Portion, old: &HashMap<Place, Said>, new: &HashMap<Place, Said>) -> Compared {
    let (mut compared, nothing) = (Compared::default(), Said::default());
    for place in &portion.places {
        let slice = &portion.slices[place.slice];
        let message = &slice.messages[place.message];
        let (position, arrival) = (slice.partition.at(message.offset), message.arrival);
        let (old, new) = (old.get(place).unwrap_or(&nothing), new.get(place).unwrap_or(&nothing));
        compared.comparison.note((&position, arrival), old, new);
        let found = new.fulfilled.iter();
        let found = found.map(|wanted| ShadowMatch { position: position.clone(), arrival, wanted: *wanted });
        compared.matches.extend(found);
    }
    compared
}

/// The answer, and how much CPU time it took in microseconds.
fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let began = cpu_time();
    let done = work();
    (done, micros(cpu_time().saturating_sub(began)))
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Shared {
    /// What generations of one matcher wait for on a day, to be compared. They are asked in spare time, and how wanted
    /// messages render is not saved: no rendering has a number.
    pub(super) async fn awaited_to_compare(
        &self,
        generations: &[Arc<Generation>],
        matcher: &Arc<str>,
        calendar: &Arc<Calendar>,
        date: Date,
    ) -> Result<ChangedDay, RenderError> {
        let (mut tables, mut pages) = (Tables::default(), self.pages());
        while let Some(page) = pages.next().await? {
            let of_day = |wanted: &ActiveWanted| *wanted.matcher == **matcher && belongs(wanted, calendar);
            let ours: Arc<[_]> = page.into_iter().filter(of_day).collect();
            let unsaved = vec![Some(RenderingId(0)); ours.len()];
            for generation in generations.iter().filter(|_| !ours.is_empty()) {
                let (asked, wanted) = (Arc::clone(generation), Arc::clone(&ours));
                let prepare = move |worker: &mut Worker| {
                    let fields: Vec<_> = wanted.iter().map(|wanted| wanted.fields.as_str()).collect();
                    worker.prepare(&asked, &fields, date)
                };
                let gave_up = |gave_up| RenderError::GaveUp { matcher: Arc::clone(matcher), gave_up };
                let answers = self.pool.run_spare(prepare).await.map_err(gave_up)?;
                awaited(generation, &ours, &unsaved, answers).iter().for_each(|awaited| tables.add(awaited));
            }
        }
        Ok(ChangedDay {
            matcher: Arc::clone(matcher),
            calendar: Arc::clone(calendar),
            date,
            tables: tables.build().await,
        })
    }
}
