//! How others act on the pipeline: what the HTTP API, and so the commands, can ask a running service for.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::{Shared, acts::Acts, defining::Defining};
use crate::{
    domain::dead_letter::{DeadLetterFilter, DeadLetterId, StoredDeadLetter},
    source::KafkaConfig,
    store::StoreError,
};

/// A way to ask for things. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(super) shared: Shared,
    /// Where messages can be read again. None: they do not come from Kafka.
    pub(super) kafka: Option<Arc<KafkaConfig>>,
    /// Dead letters are judged again by one at a time.
    pub(super) redriving: Arc<Mutex<()>>,
    /// Whoever does what people want of matchers.
    pub(super) acts: Option<Acts>,
    /// Whoever changes sensors.
    pub(super) defining: Option<Defining>,
}

/// Why the pipeline did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    #[error("the store did not answer")]
    Store(#[from] StoreError),
}

impl Handle {
    pub fn new(shared: Shared, kafka: Option<KafkaConfig>) -> Self {
        Self { shared, kafka: kafka.map(Arc::new), redriving: Arc::default(), acts: None, defining: None }
    }

    /// The newest of the dead letters that are meant, older than one.
    pub async fn dead_letters(
        &self,
        filter: DeadLetterFilter,
        before: Option<DeadLetterId>,
        limit: usize,
    ) -> Result<Vec<StoredDeadLetter>, HandleError> {
        Ok(self.shared.store.dead_letters(filter, before, limit).await?)
    }

    /// One of them, if it is there.
    pub async fn dead_letter(&self, id: DeadLetterId) -> Result<Option<StoredDeadLetter>, HandleError> {
        Ok(self.shared.store.dead_letter(id).await?)
    }
}
