//! The outbox as others see it, and what they do with it by hand.

use super::handle::{Handle, HandleError};
use crate::domain::{
    dead_letter::Actor,
    mark::MarkId,
    outbox::{MarkFilter, StoredMark},
};

impl Handle {
    /// The newest of the marks that are meant, older than one.
    pub async fn marks(
        &self,
        filter: MarkFilter,
        before: Option<MarkId>,
        limit: usize,
    ) -> Result<Vec<StoredMark>, HandleError> {
        Ok(self.shared.store.marks(filter, before, limit).await?)
    }

    /// Has marks tried again at once, also rejected ones; noted with who wants it. The answer are those that will be.
    pub async fn retry_marks(&self, ids: Vec<MarkId>, actor: Actor) -> Result<Vec<MarkId>, HandleError> {
        Ok(self.shared.store.retry_marks(ids, actor).await?)
    }
}
