//! Changes of who judges: a new generation takes a post, gives it back to the one before, or leaves it empty.
//!
//! Done aside: what the new generation waits for is worked out while the old one judges, and then both the post and the
//! index change in one step, between two batches.

use std::{
    collections::{HashMap, HashSet},
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    Shared,
    live::Live,
    patience::MATCHER_PAUSE,
    rendering::{RenderError, belongs},
    turning::open_waits,
};
use crate::{
    domain::{
        generation::{self, GenerationState},
        usage::MatcherUsage,
        wanted::WantedId,
    },
    matcher::{Generation, Post, Probation, Problem},
    sensor::{ChangedDay, Index},
    store::{ActiveWanted, Occasion, StoreError},
};

/// The waits of so many wanted messages are judged anew at a time: messages are recorded in between.
const RENEWED_AT_ONCE: usize = 500;

/// Why a generation does not get its post.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("it refuses the wanted message of `{task_id}` in the sensor `{sensor}`: {problem}")]
    Wanted { sensor: String, task_id: String, problem: Problem },
    #[error("it does not serve the topic `{topic}`, of which the sensor `{sensor}` wants messages")]
    Topic { topic: String, sensor: String },
    #[error(
        "its business day begins {now} s before midnight, not {before} s as until now \
         (hint: that takes effect with a restart)"
    )]
    DayShift { before: i32, now: i32 },
    #[error("what it would wait for cannot be read or saved")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl Shared {
    /// Gives a generation the post of its name, if it takes all that is wanted of it. For so long the one before stays
    /// beside it. `wasm` is its file, to be kept.
    pub async fn appoint(
        &self,
        candidate: Arc<Generation>,
        wasm: Option<Bytes>,
        probation: Duration,
    ) -> Result<(), Refusal> {
        let _alone = self.changing.lock().await;
        let live = self.live.load_full();
        let before = live.registry.post(candidate.name()).cloned();
        self.check(&candidate, before.as_ref(), &live.index).await?;
        if let Err(refusal) = self.fill(&candidate, probation).await {
            // It may have changed how wanted messages render before it failed.
            if let Some(before) = before {
                tokio::spawn(self.clone().reinstate(before.serving));
            }
            return Err(refusal);
        }
        self.note_serving(&candidate, wasm).await;
        Ok(())
    }

    /// Whether a matcher serves the build that somebody chose, whatever the directory holds.
    pub async fn is_pinned(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.store.pins().await?.iter().any(|(matcher, _)| matcher == name))
    }

    pub(super) async fn note_serving(&self, generation: &Generation, wasm: Option<Bytes>) {
        if let Err(error) = self.store.save_generation(serving(generation), wasm).await {
            let (error, matcher) = (&error as &dyn std::error::Error, &**generation.name());
            tracing::error!(error, matcher, "A matcher's build was not kept");
        }
    }

    /// Whether a candidate takes what is wanted now, on all days of the index.
    pub(super) async fn check(
        &self,
        candidate: &Arc<Generation>,
        before: Option<&Post>,
        index: &Index,
    ) -> Result<(), Refusal> {
        if let Some(before) = before.filter(|before| before.serving.day_shift_seconds != candidate.day_shift_seconds) {
            let (before, now) = (before.serving.day_shift_seconds, candidate.day_shift_seconds);
            return Err(Refusal::DayShift { before, now });
        }
        let mut pages = self.pages();
        while let Some(page) = pages.next().await? {
            let ours: Vec<_> = page.into_iter().filter(|wanted| *wanted.matcher == **candidate.name()).collect();
            ours.iter().try_for_each(|wanted| check_topic(candidate, wanted))?;
            for (calendar, date) in index.days() {
                let of_day = ours.iter().filter(|wanted| belongs(wanted, calendar)).cloned().collect();
                let answers = self.prepare(candidate, &of_day, date).await?;
                let problem = of_day.iter().zip(answers).find_map(|(wanted, answer)| Some((wanted, answer.err()?)));
                if let Some((wanted, problem)) = problem {
                    let (sensor, task_id) = (wanted.sensor_name.clone(), wanted.task_id.clone());
                    return Err(Refusal::Wanted { sensor, task_id, problem });
                }
            }
        }
        Ok(())
    }

    /// Fills a post, and the index with what its generation waits for, in one step.
    async fn fill(&self, serving: &Arc<Generation>, probation: Duration) -> Result<(), Refusal> {
        let not_in_effect_yet = self.catching_up.change();
        let live = self.live.load_full();
        // Only this one is asked: what the one before it waits for is in the index.
        let mut days = self.days_of(&Post::of(Arc::clone(serving)), &live).await?;
        let mut rendered_anew = HashSet::new();
        for day in &mut days {
            rendered_anew.extend(follow_renderings(day, serving, &live).await);
        }
        let until = Instant::now() + probation;
        let name = serving.name();
        self.put_in_place(name, &days, |before| succeeding(before.filter(|_| !probation.is_zero()), serving, until));
        drop(not_in_effect_yet);
        self.catching_up.look();
        self.judge_waits_anew(rendered_anew).await
    }

    /// Changes who has a post, by who has it now, and what is awaited on days, in one step.
    pub(super) fn put_in_place(&self, name: &str, days: &[ChangedDay], post: impl Fn(Option<&Post>) -> Post) {
        self.live.rcu(|live| {
            let index = days.iter().fold(Index::clone(&live.index), |index, day| index.with_tables(day));
            Live::new(live.registry.with(post(live.registry.post(name))), &index)
        });
        self.matchers_changed.send_replace(());
    }

    /// What those wait for who judge from a post, on all days of the index.
    pub(super) async fn days_of(&self, post: &Post, live: &Live) -> Result<Vec<ChangedDay>, Refusal> {
        let mut days = Vec::new();
        for (calendar, date) in live.index.days() {
            days.push(self.day_of(post, calendar, date, Occasion::Anew).await?);
        }
        Ok(days)
    }

    /// What renders differently than it did, in the windows that are open, may lack a message now, or have it.
    async fn judge_waits_anew(&self, rendered_anew: HashSet<WantedId>) -> Result<(), Refusal> {
        let all: Vec<_> = rendered_anew.into_iter().collect();
        for some in all.chunks(RENEWED_AT_ONCE) {
            let sensors = self.patience.patiently(|| self.store.renew_sensors_of(some.to_vec())).await?;
            self.patience.patiently(|| open_waits(self, Timestamp::now(), &sensors)).await?;
        }
        Ok(())
    }

    /// Empties a post: its topics wait until somebody serves them again.
    pub async fn dismiss(&self, name: &str, reason: &str) {
        let _alone = self.changing.lock().await;
        let before = self.live.rcu(|live| Live::new(live.registry.without(name), &live.index));
        let Some(post) = before.registry.post(name) else {
            return;
        };
        tracing::warn!(matcher = name, reason, "A matcher is gone: messages of its topics wait for it");
        self.note_generation(name, post.serving.sha256(), GenerationState::Retired, Some(reason)).await;
    }

    /// Gives the post of a generation on probation back to the one before it. Does nothing if that was done already.
    pub(super) async fn roll_back(&self, failed: &Arc<Generation>, reason: &str) {
        let name = failed.name();
        let back = |live: &Live| {
            let post = live.registry.post(name).filter(|post| post.serving.id == failed.id)?;
            Some(Live::new(live.registry.with(Post::of(Arc::clone(post.previous()?))), &live.index))
        };
        let before = self.live.rcu(|live| back(live).unwrap_or_else(|| Live::clone(live)));
        let Some(back) = back(&before) else {
            return;
        };
        tracing::error!(
            matcher = &**name,
            sha256 = failed.short_sha256(),
            reason,
            "A new matcher is rolled back: the one before it serves again, and judges what this one could not"
        );
        self.matchers_changed.send_replace(());
        if let Some(previous) = back.registry.get(name) {
            self.note_rolled_back(failed, reason, previous).await;
            tokio::spawn(self.clone().reinstate(Arc::clone(previous)));
        }
    }

    async fn note_rolled_back(&self, failed: &Generation, reason: &str, previous: &Generation) {
        let (sha256, reason) = (failed.sha256().to_string(), Some(reason.to_owned()));
        if let Err(error) = self.store.roll_back_generation(sha256, reason, serving(previous)).await {
            let (error, matcher) = (&error as &dyn std::error::Error, &**failed.name());
            tracing::error!(error, matcher, "That a matcher was rolled back was not kept");
        }
    }

    /// What it renders differently than the one that failed is awaited as before. (Boxed, since what it does may end in
    /// another roll-back.)
    fn reinstate(self, previous: Arc<Generation>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            while let Err(refusal) = self.try_to_reinstate(&previous).await {
                tracing::error!(matcher = &**previous.name(), %refusal, "A matcher that serves again is not asked anew yet");
                tokio::time::sleep(MATCHER_PAUSE).await;
            }
        })
    }

    async fn try_to_reinstate(&self, previous: &Arc<Generation>) -> Result<(), Refusal> {
        let _alone = self.changing.lock().await;
        let serves = self.live.load().registry.get(previous.name()).is_some_and(|serving| serving.id == previous.id);
        if serves { self.fill(previous, Duration::ZERO).await } else { Ok(()) }
    }

    /// Ends the probations whose time is over.
    pub(super) fn end_probations(&self, now: Instant) {
        for post in self.live.load().registry.posts() {
            if post.probation.as_ref().is_some_and(|probation| probation.until <= now) {
                tracing::info!(matcher = &**post.serving.name(), "A matcher's probation is over");
                self.confirm(post);
            }
        }
    }

    fn confirm(&self, confirmed: &Post) {
        let serving = &confirmed.serving;
        self.live.rcu(|live| {
            let serves = live.registry.get(serving.name()).is_some_and(|now| now.id == serving.id);
            let post = Post::of(Arc::clone(serving));
            if serves { Live::new(live.registry.with(post), &live.index) } else { Live::clone(live) }
        });
    }
}

/// The post of a generation that comes after another. Who proved itself stays beside it, not who is on probation itself.
fn succeeding(before: Option<&Post>, serving: &Arc<Generation>, until: Instant) -> Post {
    let previous = before.map(|before| before.previous().unwrap_or(&before.serving));
    let previous = previous.filter(|previous| previous.id != serving.id);
    let probation =
        |previous: &Arc<Generation>| Probation { previous: Arc::clone(previous), until, helped: Arc::default() };
    Post { serving: Arc::clone(serving), probation: previous.map(probation) }
}

/// Has the generations that judge now wait for the same renderings as the new one, on a day: either may have to judge.
/// The answer is what renders differently.
async fn follow_renderings(day: &mut ChangedDay, serving: &Generation, live: &Live) -> HashSet<WantedId> {
    let Some(before) = live.registry.post(serving.name()) else {
        return HashSet::new();
    };
    let judging: HashSet<_> = before.judging().map(|it| it.id).filter(|id| *id != serving.id).collect();
    let tables = live.index.tables(&day.calendar, day.date);
    let (now, serving_id) = (day.tables.clone(), serving.id);
    let comparing = move || {
        let now: HashMap<_, _> = now.values().flat_map(|table| table.renderings()).collect();
        let (mut followed, mut all) = (HashMap::new(), HashSet::new());
        for (route, table) in tables {
            let other = |(wanted, before)| now.get(&wanted).filter(|now| **now != before).map(|now| (wanted, *now));
            let others: HashMap<_, _> = table.renderings().filter_map(other).collect();
            let is_theirs = route.1 == serving_id || judging.contains(&route.1);
            if is_theirs && !others.is_empty() {
                all.extend(others.keys().copied());
                if route.1 != serving_id {
                    followed.insert(route, Arc::new(table.with_renderings(&others)));
                }
            }
        }
        (followed, all)
    };
    let (followed, all) = tokio::task::spawn_blocking(comparing).await.expect("comparing tables does not panic");
    day.tables.extend(followed);
    all
}

/// What the store keeps of a generation that serves.
pub fn serving(generation: &Generation) -> generation::Generation {
    generation::Generation {
        matcher: generation.name().to_string(),
        sha256: generation.sha256().to_string(),
        version: generation.description.version.clone(),
        interface: generation.description.interface.to_owned(),
        origin: generation.origin.to_string(),
        loaded_at: Timestamp::now(),
        state: GenerationState::Serving,
        reason: None,
        ended_at: None,
        usage: MatcherUsage::default(),
    }
}

fn check_topic(candidate: &Generation, wanted: &ActiveWanted) -> Result<(), Refusal> {
    if candidate.serves(&wanted.topic).is_some() {
        return Ok(());
    }
    Err(Refusal::Topic { topic: wanted.topic.clone(), sensor: wanted.sensor_name.clone() })
}
