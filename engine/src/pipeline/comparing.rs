//! Two builds of a matcher over the same messages: the one that serves and a candidate, one after the other on one worker, so
//! that what they cost can be compared as well. Records nothing.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::{Timestamp, civil::Date};

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
        message::Position,
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

/// Compares the generation of a portion with a candidate. The index of the portion has to hold what both wait for.
pub fn compare(
    worker: &mut Worker,
    portion: &Portion,
    candidate: &Arc<Generation>,
) -> Result<Comparison, Incomparable> {
    Ok(compare_and_match(worker, portion, candidate)?.0)
}

/// The same, with all matches of the candidate.
pub(super) fn compare_and_match(
    worker: &mut Worker,
    portion: &Portion,
    candidate: &Arc<Generation>,
) -> Result<(Comparison, Vec<ShadowMatch>), Incomparable> {
    let of_new = Portion { generation: Arc::clone(candidate), ..portion.clone() };
    let (old, cpu_of_old) = timed(|| said(worker, portion));
    let old = old.map_err(Incomparable::Old)?;
    let (new, cpu_of_new) = timed(|| said(worker, &of_new));
    let new = new.map_err(Incomparable::New)?;
    let mut comparison = noted(portion, &old, &new);
    comparison.tally.cpu_us = Each { old: micros(cpu_of_old), new: micros(cpu_of_new) };
    Ok((comparison, matches(portion, &new)))
}

/// What one build says, held against nothing: all of it is new.
pub fn show(worker: &mut Worker, portion: &Portion) -> Result<Comparison, Incomparable> {
    let (said, cpu) = timed(|| said(worker, portion));
    let said = said.map_err(Incomparable::New)?;
    let mut comparison = noted(portion, &HashMap::new(), &said);
    comparison.tally.cpu_us.new = micros(cpu);
    Ok(comparison)
}

/// What both say of each message.
fn noted(portion: &Portion, old: &HashMap<Place, Said>, new: &HashMap<Place, Said>) -> Comparison {
    let (mut comparison, nothing) = (Comparison::default(), Said::default());
    for place in &portion.places {
        let (position, arrival) = position(portion, *place);
        comparison.note((&position, arrival), old.get(place).unwrap_or(&nothing), new.get(place).unwrap_or(&nothing));
    }
    comparison
}

/// In the order of the messages.
fn matches(portion: &Portion, said: &HashMap<Place, Said>) -> Vec<ShadowMatch> {
    let fulfilled = portion.places.iter().filter_map(|place| Some((place, &said.get(place)?.fulfilled)));
    let each = fulfilled.flat_map(|(place, wanted)| wanted.iter().map(move |wanted| (*place, *wanted)));
    let found = each.map(|(place, wanted)| {
        let (position, arrival) = position(portion, place);
        ShadowMatch { position, arrival, wanted }
    });
    found.collect()
}

fn position(portion: &Portion, place: Place) -> (Position, Timestamp) {
    let slice = &portion.slices[place.slice];
    let message = &slice.messages[place.message];
    (slice.partition.at(message.offset), message.arrival)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = cpu_time();
    let done = work();
    (done, cpu_time().saturating_sub(began))
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
