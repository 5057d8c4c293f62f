//! What messages are judged by: who judges, and what is wanted. One value, so that both change in one step.
//!
//! The keys in the index are those that the registry's generations made: an index with another registry would miss
//! messages. A batch is judged by the value that was live when it began.

use std::sync::Arc;

use super::Shared;
use crate::{
    matcher::{Post, Registry},
    sensor::Index,
};

/// What messages are judged by.
#[derive(Clone)]
pub struct Live {
    pub registry: Arc<Registry>,
    pub index: Arc<Index>,
}

impl Live {
    /// An index, without what no generation of the registry waits for.
    pub fn new(registry: Registry, index: &Index) -> Self {
        let judging = registry.posts().flat_map(Post::judging).map(|generation| generation.id).collect();
        Self { index: Arc::new(index.only(&judging)), registry: Arc::new(registry) }
    }
}

impl Shared {
    /// Replaces the index by another one made of it. May be asked to make it again.
    pub fn change_index(&self, change: impl Fn(&Index) -> Index) {
        self.live.rcu(|live| Live { registry: Arc::clone(&live.registry), index: Arc::new(change(&live.index)) });
    }
}
