//! Kafka as marks go there: the one place where `task` meets `source`.

use std::time::Duration;

use tokio::sync::Mutex;

use crate::{
    source::{self, KafkaConfig, Outgoing, Producer, SendError},
    task::{Answer, MarkError, Publisher, kafka::Publication},
};

/// How long the brokers may take to say what topics there are.
const FINDING: Duration = Duration::from_secs(10);

/// Publishes on the cluster of the configuration. Connects with the first message.
pub struct KafkaPublisher {
    config: KafkaConfig,
    /// None: not begun, or it had failed for good.
    producer: Mutex<Option<Producer>>,
}

impl KafkaPublisher {
    pub fn new(config: KafkaConfig) -> Self {
        Self { config, producer: Mutex::default() }
    }

    async fn producer(&self) -> Result<Producer, MarkError> {
        let mut slot = self.producer.lock().await;
        if let Some(producer) = &*slot {
            return Ok(producer.clone());
        }
        let producer = Producer::new(&self.config).map_err(|error| MarkError::retry(error.to_string()))?;
        Ok(slot.insert(producer).clone())
    }

    pub(super) async fn send(&self, message: Outgoing) -> Result<(), MarkError> {
        match self.producer().await?.send(&message).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_of_message() => Err(MarkError::Reject(in_full(&error))),
            Err(error) => {
                if error.ends_producer() {
                    *self.producer.lock().await = None;
                }
                Err(MarkError::retry(in_full(&error)))
            }
        }
    }
}

impl Publisher for KafkaPublisher {
    fn publish(&self, publication: Publication) -> Answer<'_, ()> {
        let Publication { topic, key, value, headers } = publication;
        Box::pin(self.send(Outgoing {
            topic,
            key: key.map(Into::into),
            value: Some(value.into()),
            headers,
            timestamp: None,
        }))
    }

    fn find<'a>(&'a self, topic: &'a str) -> Answer<'a, ()> {
        let (config, asked) = (self.config.clone(), vec![topic.to_owned()]);
        Box::pin(async move {
            let probing = tokio::task::spawn_blocking(move || source::probe(&config, &asked, FINDING));
            let probed = probing.await.map_err(|_| MarkError::retry("the attempt broke off"))?;
            match probed.map_err(|error| MarkError::retry(error.to_string()))?.missing.is_empty() {
                true => Ok(()),
                false => {
                    Err(MarkError::retry(format!("there is no topic `{topic}`, or it cannot be seen by this user")))
                }
            }
        })
    }
}

fn in_full(error: &SendError) -> String {
    let cause = std::error::Error::source(error);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
