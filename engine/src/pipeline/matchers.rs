//! Changes of who judges: a new generation takes a post, or gives it back to the one before.

use std::sync::Arc;

use super::{Shared, live::Live};
use crate::{
    matcher::{Generation, Post, Registry},
    store::GenerationState,
};

impl Shared {
    /// Gives the post of a generation on probation back to the one before it. Does nothing if that was done already.
    pub(super) async fn roll_back(&self, failed: &Arc<Generation>, reason: &str) {
        let name = failed.name();
        let back = |registry: &Registry| {
            let post = registry.post(name).filter(|post| post.serving.id == failed.id)?;
            let previous = post.previous.clone()?;
            Some(registry.with(Post { serving: previous, previous: None }))
        };
        let before = self.live.rcu(|live| match back(&live.registry) {
            Some(registry) => Arc::new(Live { registry: Arc::new(registry), index: Arc::clone(&live.index) }),
            None => Arc::clone(live),
        });
        if back(&before.registry).is_none() {
            return;
        }
        tracing::error!(
            matcher = &**name,
            sha256 = failed.short_sha256(),
            reason,
            "A new matcher is rolled back: the one before it serves again, and judged what this one could not"
        );
        self.matchers_changed.send_replace(());
        self.note_generation(name, failed.sha256(), GenerationState::RolledBack, Some(reason)).await;
    }
}
