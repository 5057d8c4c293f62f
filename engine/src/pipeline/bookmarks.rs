//! What the source asks at every assignment, answered by the store.

use crate::{
    source::{Bookmark, Bookmarks, Life, Lines, Unavailable},
    store::{NewEpoch, Store, StoredOffset},
};

/// The store, as the source sees it.
pub struct StoredBookmarks(pub Store);

impl Bookmarks for StoredBookmarks {
    fn store(&self) -> &str {
        self.0.identity()
    }

    fn stored(&self, cluster: &str, topic: &str) -> Result<Vec<Bookmark>, Unavailable> {
        let stored = self.0.stored_offsets(cluster, topic)?;
        let bookmark = |StoredOffset { partition, epoch, next, frozen }| {
            let next = Some(next);
            Bookmark { partition, epoch, next, frozen }
        };
        Ok(stored.into_iter().map(bookmark).collect())
    }

    fn life(&self, cluster: &str, topic: &str) -> Result<Life, Unavailable> {
        let id = self.0.topic_id(cluster, topic)?;
        let mut clusters = self.0.clusters_of(topic)?;
        clusters.retain(|other| !Lines::is_cluster(other));
        let here = clusters.iter().any(|other| other == cluster);
        Ok(Life { id, elsewhere: clusters.into_iter().next().filter(|_| !here) })
    }

    fn note_id(&self, cluster: &str, topic: &str, id: &str) -> Result<(), Unavailable> {
        Ok(self.0.note_topic_id(cluster, topic, id)?)
    }

    fn begin_epoch(
        &self,
        cluster: &str,
        topic: &str,
        id: Option<&str>,
        starts: &[(i32, i64)],
    ) -> Result<(), Unavailable> {
        let (cluster, topic, id) = (cluster.to_owned(), topic.to_owned(), id.map(str::to_owned));
        Ok(self.0.begin_epoch_blocking(NewEpoch { cluster, topic, id, starts: starts.to_vec() })?)
    }
}
