//! Messages in, recordings out, receipts settled.
//!
//! Two steps that overlap: while one batch is being committed the next is evaluated. Evaluation is split over all
//! workers; what is recorded is in offset order all the same.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{Timestamp, civil::Date};
use tokio::sync::mpsc;

use super::{
    Shared,
    evaluate::{Finding, Found, Place, Portion, evaluate},
    live::Live,
    rendering::RenderError,
};
use crate::{
    domain::{
        calendar::Calendar,
        message::Slice,
        recording::{Recorded, Recording},
    },
    matcher::{GaveUp, Generation},
    source::{Deliveries, Receipt, SourceError},
    store::StoreError,
};

/// A batch smaller than this is not worth splitting over workers.
const PORTION: usize = 256;

/// So many evaluated batches wait for the store; more would only hold memory.
const EVALUATED: usize = 2;

/// How long the store is left alone after it failed.
const STORE_PAUSE: Duration = Duration::from_millis(500);

/// How long a matcher is left alone that fails on one message after another, or does not start.
const MATCHER_PAUSE: Duration = Duration::from_secs(1);

/// Why intake ended before its source did.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("what messages came to cannot be recorded")]
    Store(#[from] StoreError),
    #[error("reading messages ended by a defect of its own; the log says more")]
    Defect,
}

/// A batch that is ready to be recorded.
struct Evaluated {
    recordings: Vec<Recording>,
    receipts: Vec<Receipt>,
}

/// Takes in messages until the source ends. What was evaluated by then is recorded before this returns.
pub async fn run(shared: &Shared, mut deliveries: Deliveries) -> Result<(), IntakeError> {
    let (evaluated, recorded) = mpsc::channel(EVALUATED);
    let recording = tokio::spawn(record_all(shared.clone(), recorded));
    let outcome = evaluate_all(shared, &mut deliveries, evaluated).await;
    // The channel is closed now: the recorder finishes what it has.
    let recorded = recording.await;
    deliveries.close().await;
    outcome?;
    recorded.map_err(|_| IntakeError::Defect)??;
    Ok(())
}

async fn evaluate_all(
    shared: &Shared,
    deliveries: &mut Deliveries,
    evaluated: mpsc::Sender<Evaluated>,
) -> Result<(), IntakeError> {
    while let Some(batch) = deliveries.next().await {
        let (slices, receipts) = batch?.into_iter().map(|delivery| (delivery.slice, delivery.receipt)).unzip();
        let recordings = evaluate_batch(shared, slices).await?;
        if evaluated.send(Evaluated { recordings, receipts }).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Evaluates a batch on all workers.
pub async fn evaluate_batch(shared: &Shared, slices: Vec<Slice>) -> Result<Vec<Recording>, RenderError> {
    let live = live_for(shared, &slices).await?;
    let slices = Arc::new(slices);
    let portions = portions(shared, &slices, &live);
    // All portions are under way before the first is awaited.
    let running: Vec<_> = portions.into_iter().map(|portion| (portion.clone(), begun(shared, portion))).collect();
    let mut recordings: Vec<_> = slices.iter().map(empty_recording).collect();
    for (portion, findings) in running {
        until_evaluated(shared, portion, findings.await)
            .await
            .into_iter()
            .for_each(|(place, found)| note(&mut recordings[place.slice], found));
    }
    recordings.iter_mut().for_each(in_offset_order);
    Ok(recordings)
}

fn begun(shared: &Shared, portion: Portion) -> impl Future<Output = Result<Vec<Finding>, GaveUp>> + use<> {
    shared.pool.run(move |worker| evaluate(worker, &portion))
}

/// A portion that was given up is asked about again: what timed out aside, anything else after a pause.
async fn until_evaluated(shared: &Shared, portion: Portion, mut outcome: Result<Vec<Finding>, GaveUp>) -> Vec<Finding> {
    loop {
        let portion = portion.clone();
        outcome = match outcome {
            Ok(findings) => return findings,
            Err(GaveUp::TimedOut(_)) => shared.pool.run_aside(move |worker| evaluate(worker, &portion)).await,
            Err(why) => {
                let (topic, matcher) = (&*portion.topic, &**portion.generation.name());
                tracing::error!(topic, matcher, %why, "Messages cannot be evaluated; trying again");
                tokio::time::sleep(MATCHER_PAUSE).await;
                begun(shared, portion).await
            }
        }
    }
}

/// What is live, with all business dates that the slices need.
async fn live_for(shared: &Shared, slices: &[Slice]) -> Result<Arc<Live>, RenderError> {
    loop {
        let live = shared.live.load_full();
        let missing = live.index.missing(arrivals(slices));
        if missing.is_empty() {
            if live.index.is_crowded() {
                shared.change_index(|index| index.without_past(arrivals(slices)));
            }
            return Ok(live);
        }
        for (calendar, date) in missing {
            until_rendered(shared, &calendar, date).await?;
        }
    }
}

fn arrivals(slices: &[Slice]) -> impl Iterator<Item = Timestamp> + Clone {
    slices.iter().flat_map(|slice| &slice.messages).map(|message| message.arrival)
}

/// Cuts a batch by topic, and a topic's messages into a share for each worker.
fn portions(shared: &Shared, slices: &Arc<Vec<Slice>>, live: &Live) -> Vec<Portion> {
    let mut by_topic: BTreeMap<&Arc<str>, Vec<Place>> = BTreeMap::new();
    for (number, slice) in slices.iter().enumerate() {
        let places = (0..slice.messages.len()).map(|message| Place { slice: number, message });
        by_topic.entry(&slice.partition.topic).or_default().extend(places);
    }
    let cut = |(topic, places): (&Arc<str>, Vec<Place>)| {
        let share = places.len().div_ceil(shared.pool.workers()).max(PORTION);
        let portion = |generation: &Arc<Generation>, places: &[Place]| Portion {
            slices: Arc::clone(slices),
            topic: Arc::clone(topic),
            places: places.to_vec(),
            index: Arc::clone(&live.index),
            generation: Arc::clone(generation),
        };
        let matchers = live.index.matchers(topic).filter_map(|name| live.registry.get(name));
        matchers.flat_map(|matcher| places.chunks(share).map(|places| portion(matcher, places))).collect::<Vec<_>>()
    };
    by_topic.into_iter().flat_map(cut).collect()
}

fn empty_recording(slice: &Slice) -> Recording {
    Recording {
        partition: slice.partition.clone(),
        span: slice.span,
        matches: Vec::new(),
        near_misses: Vec::new(),
        dead_letters: Vec::new(),
    }
}

fn note(recording: &mut Recording, found: Found) {
    match found {
        Found::Match(it) => recording.matches.push(it),
        Found::NearMiss(it) => recording.near_misses.push(it),
        Found::DeadLetter(it) => recording.dead_letters.push(it),
    }
}

fn in_offset_order(recording: &mut Recording) {
    recording.matches.sort_by_key(|it| it.sighting.offset);
    recording.near_misses.sort_by_key(|it| it.sighting.offset);
    recording.dead_letters.sort_by_key(|it| it.offset);
}

async fn record_all(shared: Shared, mut evaluated: mpsc::Receiver<Evaluated>) -> Result<(), IntakeError> {
    while let Some(Evaluated { recordings, receipts }) = evaluated.recv().await {
        let outcomes = until_recorded(&shared, recordings).await?;
        for (receipt, outcome) in receipts.into_iter().zip(outcomes) {
            match outcome {
                Recorded::Stored => receipt.settle(),
                Recorded::Superseded { next } => receipt.put_back(next),
            }
        }
    }
    Ok(())
}

/// A store that fails is asked again: going on would skip what it did not take. Meanwhile the queue fills up and the
/// source pauses.
async fn until_recorded(shared: &Shared, recordings: Vec<Recording>) -> Result<Vec<Recorded>, StoreError> {
    loop {
        match shared.store.record(recordings.clone()).await {
            Ok(outcomes) => return Ok(outcomes),
            Err(error) => pause_after(error).await?,
        }
    }
}

/// The same for what evaluation needs of the store.
async fn until_rendered(shared: &Shared, calendar: &Calendar, date: Date) -> Result<(), RenderError> {
    loop {
        match shared.render(calendar, date).await {
            Err(RenderError::Store(error)) => pause_after(error).await?,
            done => return done,
        }
    }
}

/// Waits a little after a failure of the store; one that is closed will not come back.
async fn pause_after(error: StoreError) -> Result<(), StoreError> {
    if matches!(error, StoreError::Closed) {
        return Err(error);
    }
    tracing::error!(error = &error as &dyn std::error::Error, "The store does not answer; trying again");
    tokio::time::sleep(STORE_PAUSE).await;
    Ok(())
}
