//! What is looked up when somebody reads the metrics: how many wait, and how far the logs are ahead of the store.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::handle::Handle;
use crate::source::{End, Ends, KafkaConfig};

/// Whoever reads metrics gives up soon after.
const PATIENCE: Duration = Duration::from_secs(3);

impl Handle {
    /// Sets the metrics that are levels.
    pub async fn measure(&self) {
        let mut levels = match self.shared.store.levels().await {
            Ok(levels) => levels,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                return tracing::warn!(error, "The metrics are older than they say");
            }
        };
        if let Some(kafka) = &self.kafka {
            levels.lag = self.lag(kafka).await;
        }
        levels.set();
    }

    async fn lag(&self, kafka: &Arc<KafkaConfig>) -> Vec<(String, i64)> {
        let topics: Vec<_> = self.shared.live.load().index.topics().map(ToString::to_string).collect();
        let kafka = Arc::clone(kafka);
        let asked = tokio::task::spawn_blocking(move || ends(&kafka, &topics));
        let Ok(Ok(found)) = tokio::time::timeout(PATIENCE * 2, asked).await else { return Vec::new() };
        let mut lag = Vec::new();
        for (topic, ends) in found {
            let Ok(stored) = self.shared.store.offsets_of(topic.clone()).await else { continue };
            let stored: HashMap<_, _> = stored.into_iter().collect();
            let behind = |end: &End| end.high - stored.get(&end.partition).copied().unwrap_or(end.low).min(end.high);
            lag.push((topic, ends.iter().map(behind).sum()));
        }
        lag
    }
}

/// Those that answer.
fn ends(kafka: &KafkaConfig, topics: &[String]) -> Vec<(String, Vec<End>)> {
    let Ok(ends) = Ends::new(kafka) else { return Vec::new() };
    let of = |topic: &String| Some((topic.clone(), ends.of(topic, PATIENCE).ok()?));
    topics.iter().filter_map(of).collect()
}
