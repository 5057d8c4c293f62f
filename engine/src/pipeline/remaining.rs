//! Posts whose generation remains: its file has another name, or it goes on with the trial that a stop of the service cut
//! short.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{Shared, matchers::Refusal};
use crate::matcher::{Generation, Post, Probation};

impl Shared {
    /// Has the build that serves come from another file: the same one, loaded from there. Its trial goes on.
    pub async fn relocate(&self, same: Arc<Generation>, wasm: Bytes) -> Result<(), Refusal> {
        let _alone = self.changing.lock().await;
        let live = self.live.load_full();
        let days = self.days_of(&Post::of(Arc::clone(&same)), &live).await?;
        let of_same = |before: Option<&Post>| {
            let probation = before.and_then(|post| post.probation.clone());
            Post { serving: Arc::clone(&same), probation }
        };
        self.put_in_place(same.name(), &days, of_same);
        self.note_serving(&same, Some(wasm)).await;
        Ok(())
    }

    /// Puts an earlier build beside the one that serves, if it takes what is wanted: for so long that one is on trial
    /// still. Meant for the time before messages are read.
    pub async fn resume_probation(&self, previous: Arc<Generation>, rest: Duration) -> Result<(), Refusal> {
        let _alone = self.changing.lock().await;
        let live = self.live.load_full();
        let Some(post) = live.registry.post(previous.name()) else {
            return Ok(());
        };
        self.check(&previous, Some(post), &live.index).await?;
        let probation = Some(Probation { previous, until: Instant::now() + rest, helped: Arc::default() });
        let post = Post { serving: Arc::clone(&post.serving), probation };
        let days = self.days_of(&post, &live).await?;
        self.put_in_place(post.serving.name(), &days, |_| post.clone());
        Ok(())
    }
}
