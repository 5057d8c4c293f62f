//! What is looked up when somebody reads the metrics: how many wait, how the parts stand, and how far the logs are ahead of
//! the store. Nobody waits for Kafka here: [`super::watching`] has asked it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{defining::Defining, handle::Handle};
use crate::telemetry::metrics::{self, Standing};

impl Handle {
    /// Sets the metrics that are levels.
    pub async fn measure(&self) {
        self.standing().await.set();
        metrics::lag(&self.lag().await);
        match self.shared.store.levels().await {
            Ok(levels) => levels.set(),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "The metrics are older than they say");
            }
        }
    }

    async fn standing(&self) -> Standing {
        let readiness = self.readiness().await;
        let health = self.defining.as_ref().map(Defining::health).unwrap_or_default();
        Standing {
            ready: readiness.ready,
            parts: readiness.parts.into_iter().map(|part| (part.name, part.state as u8)).collect(),
            partitions: health.partitions,
            failed_commits: health.failed_commits,
            drifted: health.drifted,
            topics_waiting: self.shared.held.all().len(),
            instances: self.shared.pool.instances(),
        }
    }

    /// By topic and partition. What is not known is left out.
    async fn lag(&self) -> BTreeMap<(String, i32), i64> {
        let mut lag = BTreeMap::new();
        let Some(cluster) = self.cluster() else { return lag };
        for (topic, ends) in self.shared.watched.ends() {
            let Ok(stored) = self.shared.store.offsets_of(topic.clone(), Some(Arc::clone(&cluster))).await else {
                continue;
            };
            let stored: HashMap<_, _> = stored.into_iter().collect();
            for end in ends {
                let next = stored.get(&end.partition).copied().unwrap_or(end.low);
                lag.insert((topic.clone(), end.partition), (end.high - next).max(0));
            }
        }
        lag
    }
}
