//! What is looked up when somebody reads the metrics: how many wait, and how far the logs are ahead of the store.

use std::collections::HashMap;

use super::handle::Handle;
use crate::source::End;

impl Handle {
    /// Sets the metrics that are levels. Waits for nobody but the store.
    pub async fn measure(&self) {
        let mut levels = match self.shared.store.levels().await {
            Ok(levels) => levels,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                return tracing::warn!(error, "The metrics are older than they say");
            }
        };
        levels.lag = self.lag().await;
        levels.set();
    }

    async fn lag(&self) -> Vec<(String, i64)> {
        let mut lag = Vec::new();
        for (topic, ends) in self.shared.watched.ends() {
            let Ok(stored) = self.shared.store.offsets_of(topic.clone()).await else { continue };
            let stored: HashMap<_, _> = stored.into_iter().collect();
            let behind = |end: &End| (end.high - stored.get(&end.partition).copied().unwrap_or(end.low)).max(0);
            lag.push((topic, ends.iter().map(behind).sum()));
        }
        lag
    }
}
