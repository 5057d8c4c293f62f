//! Topics of the tests: each has a name of its own, so that tests do not meet.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use eventlatch::source::{KafkaConfig, Outgoing, Producer};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::RDKafkaErrorCode,
};

use crate::{broker::brokers, home::DEADLINE};

/// A name that nobody had before.
pub fn unique(name: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let start = SystemTime::UNIX_EPOCH.elapsed().expect("the clock is after 1970").as_millis();
    format!("{name}-{start}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A configuration for the shared broker with a group of its own.
pub fn config() -> KafkaConfig {
    KafkaConfig { brokers: brokers().to_owned(), group: unique("group"), ..KafkaConfig::default() }
}

/// A topic on the shared broker.
#[derive(Debug, Clone)]
pub struct Topic {
    pub name: String,
}

impl Topic {
    pub async fn create(name: &str, partitions: i32) -> Self {
        let topic = Self::planned(name);
        topic.make(partitions).await;
        topic
    }

    /// A name for a topic that is not made yet.
    pub fn planned(name: &str) -> Self {
        Self { name: unique(name) }
    }

    pub async fn make(&self, partitions: i32) {
        make_all(brokers(), &[&self.name], partitions).await;
    }

    pub async fn grow(&self, partitions: usize) {
        grow(brokers(), &self.name, partitions).await;
    }

    pub async fn delete(&self) {
        done(admin().delete_topics(&[&self.name], &options()).await);
    }

    /// Deletes what is before an offset, as retention does.
    pub async fn cut(&self, partition: i32, before: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name, partition, Offset::Offset(before)).expect("offsets are not negative");
        admin().delete_records(&list, &options()).await.expect("the broker deletes records");
    }

    /// What Kafka holds of it for a group: partition, offset and metadata.
    pub fn committed(&self, group: &str, partitions: i32) -> Vec<(i32, i64, String)> {
        let mut list = TopicPartitionList::new();
        list.add_partition_range(&self.name, 0, partitions - 1);
        let answer = member(group).committed_offsets(list, DEADLINE).expect("the broker answers");
        let elements = answer.elements();
        let known = elements.iter().filter_map(|it| Some((it, it.offset().to_raw().filter(|offset| *offset >= 0)?)));
        known.map(|(it, offset)| (it.partition(), offset, it.metadata().to_owned())).collect()
    }

    /// Sets the offset of a group that nobody is in, as somebody does by hand.
    pub fn set_committed(&self, group: &str, partition: i32, offset: i64) {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.name, partition, Offset::Offset(offset)).expect("offsets are not negative");
        member(group).commit(&list, CommitMode::Sync).expect("the group is empty");
    }

    /// A message for this topic with a text as its value.
    pub fn message(&self, value: &str) -> Outgoing {
        let value = Some(value.as_bytes().to_vec().into());
        Outgoing { topic: self.name.clone(), key: None, value, headers: Vec::new(), timestamp: None }
    }

    /// Messages with texts as their keys and values: their keys spread them over the partitions.
    pub fn keyed(&self, values: impl IntoIterator<Item = String>) -> impl Iterator<Item = Outgoing> {
        values.into_iter().map(|value| Outgoing { key: Some(value.clone().into()), ..self.message(&value) })
    }

    /// Sends texts, spread over the partitions, and waits until they have arrived.
    pub async fn send(&self, values: impl IntoIterator<Item = String>) -> u64 {
        producer().send_all(self.keyed(values)).await.expect("the broker takes messages")
    }

    /// Sends texts at a rate a second, one by one, each without waiting for the one before to arrive.
    pub async fn send_at(&self, rate: u32, values: impl IntoIterator<Item = String>) {
        let producer = producer();
        let mut tick = tokio::time::interval(Duration::from_secs(1) / rate);
        let mut sending = tokio::task::JoinSet::new();
        for message in self.keyed(values) {
            tick.tick().await;
            let producer = producer.clone();
            sending.spawn(async move { producer.send(&message).await });
        }
        for sent in sending.join_all().await {
            sent.expect("the broker takes messages");
        }
    }
}

/// The producer of all tests: a new one takes a second to get its identity from the broker.
pub fn producer() -> Producer {
    static PRODUCER: OnceLock<Producer> = OnceLock::new();
    PRODUCER.get_or_init(|| Producer::new(&config()).expect("the configuration is good")).clone()
}

/// Makes topics of these names. A broker that is slow to answer forwards the request to its controller again, and then
/// hears that its own topic is there already.
pub async fn make_all(brokers: &str, names: &[&str], partitions: i32) {
    let new = names.iter().map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(1)));
    let answer = admin_of(brokers).create_topics(&new.collect::<Vec<_>>(), &options()).await;
    for result in answer.expect("the broker answers") {
        let made =
            result.or_else(
                |(name, code)| {
                    if code == RDKafkaErrorCode::TopicAlreadyExists { Ok(name) } else { Err((name, code)) }
                },
            );
        made.expect("the broker makes a topic");
    }
}

/// Somebody who asks for a group without joining it.
fn member(group: &str) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers()).set("group.id", group);
    config.create().expect("the configuration is good")
}

/// Gives a topic so many partitions.
pub(crate) async fn grow(brokers: &str, name: &str, partitions: usize) {
    done(admin_of(brokers).create_partitions(&[NewPartitions::new(name, partitions)], &options()).await);
}

fn admin() -> AdminClient<DefaultClientContext> {
    admin_of(brokers())
}

fn admin_of(brokers: &str) -> AdminClient<DefaultClientContext> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config.create().expect("the configuration is good")
}

fn options() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(DEADLINE / 2))
}

fn done(answer: rdkafka::error::KafkaResult<Vec<rdkafka::admin::TopicResult>>) {
    for result in answer.expect("the broker answers") {
        result.expect("the broker does what it is asked");
    }
}
