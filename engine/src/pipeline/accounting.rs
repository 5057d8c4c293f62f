//! What matchers cost: held against their budgets each second, and kept in the store now and then.
//!
//! What a build used since it was kept last is not there any more when the process is killed.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use super::{Shared, Stop};
use crate::{
    domain::{generation::GenerationId, usage::MatcherUsage},
    matcher::{Generation, Post, Used},
};

const LOOKING: Duration = Duration::from_secs(1);

/// So many looks lie between two times that the store is told.
const SAVING: u32 = 15;

/// Keeps accounts until told to stop.
pub async fn run(shared: &Shared, mut stop: watch::Receiver<Stop>) {
    let mut accounts = Accounts::default();
    tokio::select! {
        () = accounts.keep(shared) => {}
        _ = stop.wait_for(|stop| *stop != Stop::Not) => {}
    }
    accounts.save(shared).await;
}

/// What was kept already of each generation.
#[derive(Default)]
struct Accounts {
    kept: HashMap<GenerationId, Kept>,
}

struct Kept {
    generation: Arc<Generation>,
    saved: MatcherUsage,
}

impl Accounts {
    async fn keep(&mut self, shared: &Shared) {
        let mut looks = tokio::time::interval(LOOKING);
        for look in 1u32.. {
            looks.tick().await;
            self.look(shared).await;
            if look % SAVING == 0 {
                self.save(shared).await;
            }
        }
    }

    /// Holds what was used against the budgets.
    async fn look(&mut self, shared: &Shared) {
        let live = shared.live.load_full();
        let candidates = shared.shadows.generations();
        for generation in live.registry.posts().flat_map(Post::judging).chain(&candidates) {
            let kept = || Kept { generation: Arc::clone(generation), saved: MatcherUsage::default() };
            self.kept.entry(generation.id).or_insert_with(kept);
        }
        for post in live.registry.posts() {
            let budget = shared.budgets.of(post.serving.name());
            if let Some(exceeded) = post.serving.budget.note(&budget, Instant::now(), post.serving.usage.used()) {
                shared.over_budget(post, &exceeded).await;
            }
        }
    }

    /// Has the store keep what was used since the last time; of what nobody asks any more, for the last time.
    async fn save(&mut self, shared: &Shared) {
        let mut used = Vec::new();
        for Kept { generation, saved } in self.kept.values_mut() {
            let now = usage(generation.usage.used());
            if now != *saved {
                let build = (generation.name().to_string(), generation.sha256().to_string());
                used.push((build, now.since(saved)));
                *saved = now;
            }
        }
        self.kept.retain(|_, kept| Arc::strong_count(&kept.generation) > 1);
        if used.is_empty() {
            return;
        }
        if let Err(error) = shared.store.add_usage(used).await {
            tracing::error!(error = &error as &dyn std::error::Error, "What matchers used was not kept");
        }
    }
}

impl Shared {
    /// A matcher costs more than it may: the one before it serves again, or its topics wait.
    async fn over_budget(&self, post: &Post, exceeded: &str) {
        let (matcher, sha256) = (&**post.serving.name(), post.serving.short_sha256());
        tracing::error!(
            matcher,
            sha256,
            exceeded,
            "A matcher costs more than it may (hint: `eventlatch matcher release {matcher}` lets it go on)"
        );
        if post.previous().is_some() {
            self.roll_back(&post.serving, exceeded).await;
        }
    }
}

/// What was used, as it is told and kept.
pub(super) fn usage(used: Used) -> MatcherUsage {
    let Used { cpu, calls, messages, bytes, peak_memory } = used;
    MatcherUsage { cpu_us: u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX), calls, messages, bytes, peak_memory }
}
