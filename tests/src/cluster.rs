//! A broker with topics whose names are given by what reads them, such as `etl-finish`.

use eventlatch::source::{Ends, KafkaConfig, Outgoing, Producer};

use crate::{broker::Broker, home::DEADLINE, topic::make_all};

/// A broker of one's own, with a producer and somebody to ask for the ends of logs.
pub struct Cluster {
    broker: Broker,
    pub producer: Producer,
    ends: Ends,
}

impl Cluster {
    /// Starts a broker and makes topics.
    pub async fn start(topics: &[&str], partitions: i32) -> Self {
        let broker = Broker::start();
        let config = KafkaConfig { brokers: broker.address(), ..KafkaConfig::default() };
        make_all(&config.brokers, topics, partitions).await;
        let producer = Producer::new(&config).expect("the configuration is good");
        Self { ends: Ends::new(&config).expect("the configuration is good"), producer, broker }
    }

    pub fn brokers(&self) -> String {
        self.broker.address()
    }

    /// Does something while the broker is away.
    pub fn while_away(&mut self, act: impl FnOnce()) {
        self.broker.stop();
        act();
        self.broker.restart();
    }

    /// Sends a message; its place in the log is the answer.
    pub async fn send(&self, message: &Outgoing) -> (i32, i64) {
        self.producer.send(message).await.expect("the broker takes messages")
    }

    /// The offset after the last of each partition of a topic.
    pub fn ends(&self, topic: &str) -> Vec<(i32, i64)> {
        let ends = self.ends.of(topic, DEADLINE).expect("the broker answers");
        ends.iter().map(|end| (end.partition, end.high)).collect()
    }
}

/// A message as tests write it.
pub fn message(topic: &str, value: impl Into<Vec<u8>>) -> Outgoing {
    Outgoing { topic: topic.to_owned(), key: None, value: Some(value.into()), headers: Vec::new(), timestamp: None }
}
