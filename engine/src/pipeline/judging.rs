//! From a batch of one topic to what is recorded of it: who judges it, and what follows when a matcher fails.
//!
//! A generation on probation has its predecessor beside it. Messages on which it faults are judged by that one before
//! anything is recorded; where it does so too often, or fails as a whole, it is rolled back. A generation without a
//! predecessor sets single messages aside; where it keeps failing nothing is recorded and its topic waits.

use std::{collections::HashSet, fmt, sync::Arc};

use jiff::Timestamp;

use super::{
    Shared,
    evaluate::{Finding, Found, Place, Portion, evaluate},
    live::Live,
    patience::patiently,
    portions::{portions, recordings},
    rendering::RenderError,
};
use crate::{
    domain::{
        dead_letter::{Cause, DeadLetter},
        message::Slice,
        recording::Recording,
    },
    matcher::{FaultKind, GaveUp, Generation, Post, Worker},
    sensor::DayIndex,
};

/// Of the recent messages a generation on probation may fault on so many that its predecessor can judge.
const TOLERATED_ON_PROBATION: usize = 5;

/// Why a batch cannot be judged now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    pub matcher: Arc<str>,
    /// None: there is no such matcher at the moment.
    pub generation: Option<Arc<str>>,
    pub reason: String,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// How a batch is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As it comes from its source.
    Usual,
    /// Beside what comes: what a matcher fails on holds up nobody, and is not held against it.
    Aside,
}

/// Judges a batch of one topic. The outer error is for good, the inner one passes: nothing is to be recorded yet.
pub async fn judge(
    shared: &Shared,
    slices: &Arc<Vec<Slice>>,
    manner: Manner,
) -> Result<Result<Vec<Recording>, Waits>, RenderError> {
    let Some(topic) = slices.first().map(|slice| Arc::clone(&slice.partition.topic)) else {
        return Ok(Ok(Vec::new()));
    };
    let live = live_for(shared, slices).await?;
    let mut findings = Vec::new();
    for name in live.index.matchers(&topic) {
        let Some(post) = live.registry.post(name) else {
            return Ok(Err(gone(name)));
        };
        let judged = match manner {
            Manner::Usual => judge_by(shared, post, slices, &live).await,
            Manner::Aside => judge_aside_by(shared, post, slices, &live).await,
        };
        match judged {
            Ok(more) => findings.extend(more),
            Err(waits) => return Ok(Err(waits)),
        }
    }
    Ok(Ok(recordings(slices, findings)))
}

async fn judge_aside_by(
    shared: &Shared,
    post: &Post,
    slices: &Arc<Vec<Slice>>,
    live: &Live,
) -> Result<Vec<Finding>, Waits> {
    let mut findings = Vec::new();
    for portion in cut(shared, post, slices, live) {
        let judged = evaluate_unheld(shared, portion).await;
        findings.extend(judged.map_err(|gave_up| waits_for(&post.serving, gave_up.to_string()))?);
    }
    Ok(findings)
}

/// Evaluates without a note of how it went. What loops is found aside; the rest does not queue up behind what does.
async fn evaluate_unheld(shared: &Shared, portion: Portion) -> Result<Vec<Finding>, GaveUp> {
    let again = portion.clone();
    if !portion.generation.trust.is_aside() {
        match shared.pool.run(move |worker: &mut Worker| evaluate(worker, &portion)).await {
            Err(GaveUp::TimedOut(_)) => {}
            judged => return judged,
        }
    }
    shared.pool.run_aside(move |worker: &mut Worker| evaluate(worker, &again)).await
}

fn gone(name: &Arc<str>) -> Waits {
    let reason = format!("there is no matcher `{name}` any more: put its file back, or remove the wanted messages");
    Waits { matcher: Arc::clone(name), generation: None, reason }
}

/// What is live, with all business dates that the slices need.
async fn live_for(shared: &Shared, slices: &[Slice]) -> Result<Arc<Live>, RenderError> {
    // Others drop days that are long past, and know nothing of these slices.
    let _needed = shared.needed.need(arrivals(slices));
    loop {
        let live = shared.live.load_full();
        let missing = live.index.missing(arrivals(slices));
        if missing.is_empty() {
            let is_needed = |day: &DayIndex| shared.needed.is_needed(day.opens, day.closes);
            if live.index.has_past(is_needed) {
                shared.change_index(|index| index.without_past(is_needed));
            }
            return Ok(live);
        }
        for (calendar, date) in missing {
            patiently(|| shared.render(&calendar, date)).await?;
        }
    }
}

fn arrivals(slices: &[Slice]) -> impl Iterator<Item = Timestamp> + Clone {
    slices.iter().flat_map(|slice| &slice.messages).map(|message| message.arrival)
}

/// Lets one matcher judge all slices, on all workers.
async fn judge_by(shared: &Shared, post: &Post, slices: &Arc<Vec<Slice>>, live: &Live) -> Result<Vec<Finding>, Waits> {
    let portions = cut(shared, post, slices, live);
    // All portions are under way before the first is awaited.
    let running: Vec<_> = portions.into_iter().map(|portion| (run(shared, portion.clone()), portion)).collect();
    let (mut findings, mut failed) = (Vec::new(), None);
    for (evaluating, portion) in running {
        let judged = match evaluating.await {
            Ok(found) => Ok(second_opinion(shared, post, &portion, found).await),
            Err(gave_up) => judge_otherwise(shared, post, portion, gave_up).await,
        };
        match judged {
            Ok(found) => findings.extend(found),
            Err(waits) => failed = Some(waits),
        }
    }
    match failed {
        Some(waits) => Err(waits),
        None => tolerated(shared, &post.serving, slices, findings),
    }
}

fn cut(shared: &Shared, post: &Post, slices: &Arc<Vec<Slice>>, live: &Live) -> Vec<Portion> {
    let keeping = shared.keeping.load_full();
    portions(slices, &live.index, &post.serving, &keeping, shared.pool.workers())
}

/// Begins to evaluate on an ordinary worker, or aside where the generation took too long lately.
fn run(shared: &Shared, portion: Portion) -> impl Future<Output = Result<Vec<Finding>, GaveUp>> + use<> {
    let aside = portion.generation.trust.is_aside();
    shared.pool.run_where(aside, move |worker: &mut Worker| {
        let judged = evaluate(worker, &portion);
        portion.generation.trust.note_time(!took_too_long(&judged));
        judged
    })
}

/// The portion was given up: its predecessor judges it, if there is one that can.
async fn judge_otherwise(
    shared: &Shared,
    post: &Post,
    portion: Portion,
    gave_up: GaveUp,
) -> Result<Vec<Finding>, Waits> {
    let generation = &post.serving;
    if let Some(previous) = post.previous() {
        let portion = Portion { generation: Arc::clone(previous), ..portion.clone() };
        if let Ok(found) = run(shared, portion).await {
            shared.roll_back(generation, &gave_up.to_string()).await;
            return Ok(found);
        }
    }
    if !matches!(gave_up, GaveUp::TimedOut(_)) {
        return Err(waits_for(generation, gave_up.to_string()));
    }
    tracing::warn!(matcher = &**generation.name(), %gave_up, "It runs aside for a while, so that others do not wait");
    run(shared, portion).await.map_err(|gave_up| waits_for(generation, gave_up.to_string()))
}

/// Has the predecessor judge the messages on which a generation on probation faulted.
async fn second_opinion(shared: &Shared, post: &Post, portion: &Portion, mut found: Vec<Finding>) -> Vec<Finding> {
    let mut places = faulted(&found);
    let Some(previous) = post.previous().filter(|_| !places.is_empty()) else {
        return found;
    };
    let again =
        Portion { generation: Arc::clone(previous), places: places.iter().copied().collect(), ..portion.clone() };
    let Ok(second) = run(shared, again).await else {
        return found;
    };
    // What neither can judge is the message's own fault.
    let helpless = faulted(&second);
    places.retain(|place| !helpless.contains(place));
    if post.serving.trust.note(portion.places.len(), places.len(), TOLERATED_ON_PROBATION).is_err() {
        let reason = found.iter().find_map(fault).unwrap_or_default();
        shared.roll_back(&post.serving, &format!("it failed where the one before it does not: it {reason}")).await;
    }
    found.retain(|(place, _)| !places.contains(place));
    found.extend(second.into_iter().filter(|(place, _)| places.contains(place)));
    found
}

/// Whether so many faults may be set aside one by one.
fn tolerated(
    shared: &Shared,
    generation: &Arc<Generation>,
    slices: &[Slice],
    findings: Vec<Finding>,
) -> Result<Vec<Finding>, Waits> {
    let messages = slices.iter().map(|slice| slice.messages.len()).sum();
    let limit = shared.pool.limits().tolerated_faults;
    let Err(recent) = generation.trust.note(messages, faulted(&findings).len(), limit) else {
        return Ok(findings);
    };
    let reason = findings.iter().find_map(fault).unwrap_or_default();
    Err(waits_for(generation, format!("the matcher failed on {recent} of the last messages, here it {reason}")))
}

fn waits_for(generation: &Generation, reason: String) -> Waits {
    let (matcher, sha256) = (Arc::clone(generation.name()), Arc::clone(generation.sha256()));
    Waits { matcher, generation: Some(sha256), reason }
}

/// The messages on which the matcher faulted.
fn faulted(findings: &[Finding]) -> HashSet<Place> {
    findings.iter().filter(|finding| fault(finding).is_some()).map(|(place, _)| *place).collect()
}

fn fault((_, found): &Finding) -> Option<&str> {
    match found {
        Found::DeadLetter(DeadLetter { cause: Cause::Fault { .. }, reason, .. }) => Some(reason),
        _ => None,
    }
}

fn took_too_long(judged: &Result<Vec<Finding>, GaveUp>) -> bool {
    match judged {
        Ok(findings) => findings.iter().any(timed_out),
        Err(gave_up) => gave_up.fault().kind == FaultKind::TimedOut,
    }
}

fn timed_out((_, found): &Finding) -> bool {
    matches!(found, Found::DeadLetter(DeadLetter { cause: Cause::Fault { word, .. }, .. }) if *word == FaultKind::TimedOut.word())
}
