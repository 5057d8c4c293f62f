//! A broker with topics whose names are given by what reads them, such as `etl-finish`.

use eventlatch::source::{Ends, KafkaConfig, Outgoing, Producer};

use crate::{
    broker::Broker,
    home::DEADLINE,
    topic::{grow, make_all},
};

/// What is sent while the broker is away arrives when it is back, and a new partition has messages soon.
const SENDING: [(&str, &str); 2] = [("message.timeout.ms", "600000"), ("topic.metadata.refresh.interval.ms", "500")];

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
        let mut config = KafkaConfig { brokers: broker.address(), ..KafkaConfig::default() };
        for (name, value) in SENDING {
            config.properties.set(name, value).expect("it is not refused");
        }
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

    /// Does something while the broker keeps its connections and answers nothing.
    pub fn while_silent(&self, act: impl FnOnce()) {
        self.broker.signal("STOP");
        act();
        self.broker.signal("CONT");
    }

    /// Adds a partition to a topic: its number.
    pub async fn add_partition(&self, topic: &str) -> i32 {
        let partitions = self.ends(topic).len();
        grow(&self.brokers(), topic, partitions + 1).await;
        partitions as i32
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
    Outgoing {
        topic: topic.to_owned(),
        key: None,
        value: Some(value.into().into()),
        headers: Vec::new(),
        timestamp: None,
    }
}
