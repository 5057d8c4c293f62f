//! Proves that Kafka can be reached, and says which topics are not there.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::KafkaError,
    statistics::Statistics,
};

use super::{KafkaConfig, SourceError, client, desk::Desk, reach::Reach, reason};

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    pub cluster: Option<String>,
    pub brokers: usize,
    /// Topics that were asked for and do not exist, or cannot be seen by this user.
    pub missing: Vec<String>,
}

/// Asks the brokers for these topics; changes nothing and joins no group. Blocks up to the time-out.
pub fn probe(config: &KafkaConfig, topics: &[String], timeout: Duration) -> Result<Probed, SourceError> {
    let asking = Asking::new(config);
    let reach = asking.reach.clone();
    let consumer: BaseConsumer<Asking> =
        client::asker(config)?.create_with_context(asking).map_err(|error| config.explain(error))?;
    let until = Instant::now() + timeout;
    loop {
        let answer = consumer.fetch_metadata(None, Duration::from_millis(500).min(timeout));
        // Serves what librdkafka has to say about its connections.
        while consumer.poll(Duration::ZERO).is_some() {}
        match answer {
            Ok(metadata) => {
                let known = |topic: &&String| {
                    let in_kafka = config.topics.in_kafka(topic);
                    metadata.topics().iter().any(|known| known.name() == in_kafka)
                };
                return Ok(Probed {
                    cluster: consumer.client().fetch_cluster_id(timeout),
                    brokers: metadata.brokers().len(),
                    missing: topics.iter().filter(|topic| !known(topic)).cloned().collect(),
                });
            }
            Err(error) if Instant::now() >= until => {
                let reason = reach.connection().unwrap_or_else(|| reason::in_words(&error.to_string()));
                return Err(SourceError::Unreachable { brokers: config.brokers.clone(), reason });
            }
            Err(_) => {}
        }
    }
}

/// Keeps why connections fail, for whoever is told about it.
pub(super) struct Asking {
    pub(super) reach: Arc<Reach>,
}

impl Asking {
    pub(super) fn new(config: &KafkaConfig) -> Self {
        Self { reach: Arc::new(Reach::new(&config.brokers, Desk::new(false))) }
    }
}

impl ClientContext for Asking {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.reach.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.reach.note(error.rdkafka_error_code(), reason);
    }

    fn stats(&self, _: Statistics) {}
}

impl ConsumerContext for Asking {}
