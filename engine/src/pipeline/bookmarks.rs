//! What the source asks at every assignment, answered by the store.

use std::error::Error;

use crate::{
    source::{Bookmark, Bookmarks},
    store::{Store, StoredOffset},
};

/// The store, as the source sees it.
pub struct StoredBookmarks(pub Store);

impl Bookmarks for StoredBookmarks {
    fn store(&self) -> &str {
        self.0.identity()
    }

    fn stored(&self, cluster: &str, topic: &str) -> Result<Vec<Bookmark>, Box<dyn Error + Send + Sync>> {
        let stored = self.0.stored_offsets(cluster, topic)?;
        let bookmark = |StoredOffset { partition, epoch, next, frozen }| {
            let next = Some(next);
            Bookmark { partition, epoch, next, frozen }
        };
        Ok(stored.into_iter().map(bookmark).collect())
    }
}
