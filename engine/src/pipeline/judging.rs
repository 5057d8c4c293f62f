//! From a batch of one topic to what is recorded of it: who judges it, and what follows when a matcher fails.
//!
//! A generation on probation has its predecessor beside it. Messages on which it faults are judged by that one before
//! anything is recorded; where it does so too often, or fails as a whole, it is rolled back. A generation without a
//! predecessor sets single messages aside; where it keeps failing nothing is recorded and its topic waits.

mod again;

use std::{collections::HashSet, fmt, sync::Arc};

use jiff::Timestamp;

use super::{
    Shared,
    consequences::follow,
    evaluate::{Finding, Found, Place, Portion, evaluate},
    live::Live,
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
use again::{retried, up_to_failures};

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
    Ok(judge_all(shared, &topic, slices, &live, manner).await)
}

/// Judges a batch of one topic beside what comes, by other than what is live.
pub(super) async fn judge_aside(
    shared: &Shared,
    slices: &Arc<Vec<Slice>>,
    live: &Live,
) -> Result<Vec<Recording>, Waits> {
    match slices.first() {
        Some(first) => judge_all(shared, &first.partition.topic, slices, live, Manner::Aside).await,
        None => Ok(Vec::new()),
    }
}

/// Lets all matchers of a topic judge.
async fn judge_all(
    shared: &Shared,
    topic: &str,
    slices: &Arc<Vec<Slice>>,
    live: &Live,
    manner: Manner,
) -> Result<Vec<Recording>, Waits> {
    let mut judged = Vec::new();
    for name in live.index.matchers(topic) {
        let post = live.registry.post(name).ok_or_else(|| gone(name))?;
        if let Some(why) = live.index.unprepared(name, arrivals(slices)) {
            return Err(cannot_prepare(name, why));
        }
        if let Some(exceeded) = post.serving.budget.exceeded().filter(|_| manner == Manner::Usual) {
            return Err(waits_for(&post.serving, exceeded.to_string()));
        }
        judged.push(match manner {
            Manner::Usual => judge_by(shared, post, slices, live).await?,
            Manner::Aside => judge_aside_by(shared, post, slices, live).await?,
        });
    }
    if manner == Manner::Usual {
        hold_to_account(shared, slices, &judged).await?;
    }
    let mut recordings = recordings(slices, judged.into_iter().flat_map(|judged| judged.findings));
    if manner == Manner::Usual {
        let policies = shared.policies.load();
        recordings.iter_mut().for_each(|recording| follow(&policies, recording));
    }
    Ok(recordings)
}

/// Whether a matcher of the topic runs aside, where it takes as long as it takes.
pub(super) fn is_aside(shared: &Shared, topic: &str) -> bool {
    let live = shared.live.load();
    live.index.matchers(topic).filter_map(|name| live.registry.get(name)).any(|serving| serving.trust.is_aside())
}

/// What one matcher's word on a batch is.
struct Judged<'a> {
    post: &'a Post,
    findings: Vec<Finding>,
    /// How many messages only the generation before it could judge, and why the serving one could not.
    helped: usize,
    failed: Option<String>,
}

/// Remembers the faults of a batch that all its matchers have judged. A generation on probation that needs its
/// predecessor too often goes; one that faults on too much by itself lets the topic wait, and then nothing is remembered:
/// the batch will be judged again.
async fn hold_to_account(shared: &Shared, slices: &[Slice], judged: &[Judged<'_>]) -> Result<(), Waits> {
    let limit = shared.pool.limits().tolerated_faults;
    let policies = shared.policies.load();
    let counted = |judged: &Judged<'_>| {
        let halts = policies.of(judged.post.serving.name()).on_fault.halts();
        // What comes behind a message that halts its partition will be judged again.
        if halts { slices_of(&faulted(&judged.findings)) } else { faulted(&judged.findings).len() }
    };
    for judged in judged {
        let Judged { post, findings, .. } = judged;
        let (faults, recent) = (counted(judged), &post.serving.trust.faults);
        if faults > 0 && recent.with(faults) > limit {
            let (recent, reason) = (recent.with(faults), findings.iter().find_map(fault).unwrap_or_default());
            let reason = format!("the matcher failed on {recent} of the last messages, here it {reason}");
            return Err(waits_for(&post.serving, reason));
        }
    }
    let messages = slices.iter().map(|slice| slice.messages.len()).sum();
    for judged in judged {
        let Judged { post, helped, failed, .. } = judged;
        post.serving.trust.faults.note(messages, counted(judged));
        let Some(probation) = &post.probation else {
            continue;
        };
        probation.helped.note(messages, *helped);
        if probation.helped.with(0) > TOLERATED_ON_PROBATION {
            let reason = failed.as_deref().unwrap_or("it failed");
            let reason = format!("it failed where the one before it does not: {reason}");
            shared.roll_back(&post.serving, &reason).await;
        }
    }
    Ok(())
}

async fn judge_aside_by<'a>(
    shared: &Shared,
    post: &'a Post,
    slices: &Arc<Vec<Slice>>,
    live: &Live,
) -> Result<Judged<'a>, Waits> {
    let mut findings = Vec::new();
    for portion in cut(shared, post, slices, live) {
        let judged = evaluate_unheld(shared, portion).await;
        findings.extend(judged.map_err(|gave_up| waits_for(&post.serving, gave_up.to_string()))?);
    }
    Ok(Judged { post, findings, helped: 0, failed: None })
}

fn cannot_prepare(matcher: &Arc<str>, why: &str) -> Waits {
    let reason = format!("what is wanted on the day of a message cannot be asked of the matcher: {why}");
    Waits { matcher: Arc::clone(matcher), generation: None, reason }
}

/// Evaluates without a note of how it went. What loops is found aside; the rest does not queue up behind what does.
async fn evaluate_unheld(shared: &Shared, portion: Portion) -> Result<Vec<Finding>, GaveUp> {
    let again = portion.clone();
    if !portion.generation.trust.is_aside() {
        let turn = shared.evaluating.turn(&portion).await;
        let job = move |worker: &mut Worker| {
            let _turn = turn;
            evaluate(worker, &portion)
        };
        match shared.pool.run(job).await {
            Err(GaveUp::TimedOut(_)) => {}
            judged => return judged,
        }
    }
    let turn = shared.evaluating.turn(&again).await;
    let job = move |worker: &mut Worker| {
        let _turn = turn;
        evaluate(worker, &again)
    };
    shared.pool.run_aside(job).await
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
            shared.patience.patiently(|| shared.render(&calendar, date)).await?;
        }
    }
}

fn arrivals(slices: &[Slice]) -> impl Iterator<Item = Timestamp> + Clone {
    slices.iter().flat_map(|slice| &slice.messages).map(|message| message.arrival)
}

/// Lets one matcher judge all slices, on all workers.
async fn judge_by<'a>(
    shared: &Shared,
    post: &'a Post,
    slices: &Arc<Vec<Slice>>,
    live: &Live,
) -> Result<Judged<'a>, Waits> {
    let portions = cut(shared, post, slices, live);
    // All portions are under way before the first is awaited, as far as they have their turn.
    let mut running = Vec::with_capacity(portions.len());
    for portion in portions {
        running.push((run(shared, portion.clone()).await, portion));
    }
    let mut judged = Judged { post, findings: Vec::new(), helped: 0, failed: None };
    let (mut waits, retries) = (None, shared.policies.load().of(post.serving.name()).retries);
    for (evaluating, portion) in running {
        match evaluating.await {
            Ok(found) => {
                let found = second_opinion(shared, &portion, found, &mut judged).await;
                judged.findings.extend(retried(shared, &portion, found, retries).await);
            }
            Err(gave_up) => match judge_otherwise(shared, post, portion, gave_up).await {
                Ok(found) => judged.findings.extend(found),
                Err(why) => waits = Some(why),
            },
        }
    }
    waits.map_or(Ok(judged), Err)
}

fn cut(shared: &Shared, post: &Post, slices: &Arc<Vec<Slice>>, live: &Live) -> Vec<Portion> {
    let keeping = shared.keeping.load_full();
    portions(slices, &live.index, &post.serving, &keeping, shared.evaluating.cut(shared.pool.workers()))
}

/// Begins to evaluate when it is the portion's turn, on an ordinary worker, or aside where the generation took too long
/// lately.
async fn run(shared: &Shared, portion: Portion) -> impl Future<Output = Result<Vec<Finding>, GaveUp>> + use<> {
    let turn = shared.evaluating.turn(&portion).await;
    let aside = portion.generation.trust.is_aside();
    shared.pool.run_where(aside, move |worker: &mut Worker| {
        let _turn = turn;
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
        if let Ok(found) = evaluate_unheld(shared, portion).await {
            shared.roll_back(generation, &gave_up.to_string()).await;
            return Ok(found);
        }
    }
    let policy = shared.policies.load().of(generation.name());
    let gave_up = match gave_up {
        GaveUp::TimedOut(_) => {
            let matcher = &**generation.name();
            tracing::warn!(matcher, %gave_up, "It runs aside for a while, so that others do not wait");
            match run(shared, portion.clone()).await.await {
                Ok(found) => return Ok(retried(shared, &portion, found, policy.retries).await),
                Err(gave_up) => gave_up,
            }
        }
        gave_up => gave_up,
    };
    let halts = policy.on_fault.halts() && matches!(gave_up, GaveUp::KeepsFailing { .. });
    let judged = if halts { up_to_failures(shared, &portion).await } else { Err(gave_up) };
    judged.map_err(|gave_up| waits_for(generation, gave_up.to_string()))
}

/// What was found; the messages on which a generation on probation faulted are judged by the one before it.
async fn second_opinion(
    shared: &Shared,
    portion: &Portion,
    mut found: Vec<Finding>,
    judged: &mut Judged<'_>,
) -> Vec<Finding> {
    let mut places = faulted(&found);
    if let Some(previous) = judged.post.previous().filter(|_| !places.is_empty()) {
        let again = Portion { generation: Arc::clone(previous), ..portion.of(&places) };
        if let Ok(second) = evaluate_unheld(shared, again).await {
            // What neither can judge is the message's own fault.
            let helpless = faulted(&second);
            places.retain(|place| !helpless.contains(place));
            judged.helped += places.len();
            judged.failed = judged.failed.take().or_else(|| found.iter().find_map(fault).map(str::to_owned));
            found.retain(|(place, _)| !places.contains(place));
            found.extend(second.into_iter().filter(|(place, _)| places.contains(place)));
        }
    }
    found
}

fn waits_for(generation: &Generation, reason: String) -> Waits {
    let (matcher, sha256) = (Arc::clone(generation.name()), Arc::clone(generation.sha256()));
    Waits { matcher, generation: Some(sha256), reason }
}

/// The messages on which the matcher faulted.
fn faulted(findings: &[Finding]) -> HashSet<Place> {
    findings.iter().filter(|finding| fault(finding).is_some()).map(|(place, _)| *place).collect()
}

fn slices_of(places: &HashSet<Place>) -> usize {
    places.iter().map(|place| place.slice).collect::<HashSet<_>>().len()
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
