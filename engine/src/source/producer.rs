//! Sends messages to Kafka, for `send` and the demonstration.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientContext,
    config::RDKafkaLogLevel,
    error::KafkaError,
    message::{Header as KafkaHeader, OwnedHeaders},
    producer::{DeliveryFuture, FutureProducer, FutureRecord},
    statistics::Statistics,
    types::RDKafkaErrorCode,
};

use super::{KafkaConfig, Outgoing, SourceError, Topics, client, desk::Desk, reach::Reach};

/// A message counts as sent when all in-sync replicas have it, and is there once.
#[derive(Clone)]
pub struct Producer {
    producer: FutureProducer<Sending>,
    topics: Arc<Topics>,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("the message for topic {topic} was not sent: {}", words(error))]
    Refused { topic: String, error: KafkaError },
    #[error("the message for topic {topic} is not known to have arrived: the client ended before the answer")]
    Unknown { topic: String },
}

impl SendError {
    /// Whether the message is at fault: it will not be sent as it is.
    pub fn is_of_message(&self) -> bool {
        use RDKafkaErrorCode::{InvalidMessageSize, InvalidRecord, InvalidTopic, MessageSizeTooLarge};
        matches!(self.code(), Some(InvalidMessageSize | InvalidRecord | InvalidTopic | MessageSizeTooLarge))
    }

    /// Whether the producer sends nothing any more.
    pub fn ends_producer(&self) -> bool {
        matches!(self, Self::Unknown { .. }) || self.code() == Some(RDKafkaErrorCode::Fatal)
    }

    fn code(&self) -> Option<RDKafkaErrorCode> {
        match self {
            Self::Refused { error, .. } => error.rdkafka_error_code(),
            Self::Unknown { .. } => None,
        }
    }
}

/// librdkafka's words, once.
fn words(error: &KafkaError) -> String {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::MessageTimedOut) => "no broker took it within `message.timeout.ms`".to_owned(),
        Some(code) => code.to_string(),
        None => error.to_string(),
    }
}

impl Producer {
    pub fn new(config: &KafkaConfig) -> Result<Self, SourceError> {
        let sending = Sending { reach: Reach::new(&config.brokers, Desk::new(false)) };
        let producer = client::producer(config)?.create_with_context(sending);
        let producer = producer.map_err(|error| config.explain(error))?;
        Ok(Self { producer, topics: Arc::new(config.topics.clone()) })
    }

    /// Sends one message and waits until it has arrived: its partition and offset.
    pub async fn send(&self, message: &Outgoing) -> Result<(i32, i64), SendError> {
        arrived(&message.topic, self.enqueue(message).await?).await
    }

    /// Sends messages in order and waits for all. After a failure those behind it may have arrived or not.
    pub async fn send_all(&self, messages: impl IntoIterator<Item = Outgoing>) -> Result<u64, SendError> {
        let mut sent = 0;
        let mut waiting = std::collections::VecDeque::new();
        for message in messages {
            waiting.push_back((message.topic.clone(), self.enqueue(&message).await?));
            if waiting.len() > 10_000
                && let Some((topic, delivery)) = waiting.pop_front()
            {
                arrived(&topic, delivery).await?;
                sent += 1;
            }
        }
        for (topic, delivery) in waiting {
            arrived(&topic, delivery).await?;
            sent += 1;
        }
        Ok(sent)
    }

    /// Gives a message to librdkafka, waiting while its queue is full.
    async fn enqueue(&self, message: &Outgoing) -> Result<DeliveryFuture, SendError> {
        loop {
            match self.producer.send_result(record(message, self.topics.in_kafka(&message.topic))) {
                Ok(delivery) => return Ok(delivery),
                Err((error, _)) if error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull) => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err((error, _)) => {
                    return Err(SendError::Refused { topic: message.topic.clone(), error });
                }
            }
        }
    }
}

/// `topic`: what Kafka calls it.
fn record<'a>(message: &'a Outgoing, topic: &'a str) -> FutureRecord<'a, [u8], [u8]> {
    let mut record = FutureRecord::to(topic);
    record.key = message.key.as_deref();
    record.payload = message.value.as_deref();
    record.timestamp = message.timestamp.map(jiff::Timestamp::as_millisecond);
    if !message.headers.is_empty() {
        let headers = OwnedHeaders::new_with_capacity(message.headers.len());
        record.headers = Some(message.headers.iter().fold(headers, |headers, header| {
            headers.insert(KafkaHeader { key: &header.name, value: Some(&header.value) })
        }));
    }
    record
}

async fn arrived(topic: &str, delivery: DeliveryFuture) -> Result<(i32, i64), SendError> {
    match delivery.await {
        Ok(Ok(delivery)) => Ok((delivery.partition, delivery.offset)),
        Ok(Err((error, _))) => Err(SendError::Refused { topic: topic.to_owned(), error }),
        Err(_cancelled) => Err(SendError::Unknown { topic: topic.to_owned() }),
    }
}

struct Sending {
    reach: Reach,
}

impl ClientContext for Sending {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.reach.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.reach.heard(error.rdkafka_error_code(), reason);
    }

    fn stats(&self, _: Statistics) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_once_why() {
        let said = |code| {
            let error = KafkaError::MessageProduction(code);
            SendError::Refused { topic: "t".to_owned(), error }.to_string()
        };
        assert_eq!(
            said(RDKafkaErrorCode::MessageTimedOut),
            "the message for topic t was not sent: no broker took it within `message.timeout.ms`"
        );
        assert_eq!(
            said(RDKafkaErrorCode::InvalidTopic),
            "the message for topic t was not sent: InvalidTopic (Broker: Invalid topic)"
        );
    }
}
