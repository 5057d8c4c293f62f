//! A Kafka cluster inside the process, for the demonstration: no broker is needed.

use rdkafka::{error::KafkaError, mocking::MockCluster, producer::DefaultProducerContext};

/// Lives as long as this value. It drops old messages and knows no offsets by time: nothing for tests of those.
pub struct Mock {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Mock {
    /// Starts one broker with these topics and their numbers of partitions.
    pub fn start(topics: &[(&str, i32)]) -> Result<Self, KafkaError> {
        let cluster = MockCluster::new(1)?;
        for (topic, partitions) in topics {
            cluster.create_topic(topic, *partitions, 1)?;
        }
        Ok(Self { cluster })
    }

    /// What to write for `brokers` in `[kafka]`.
    pub fn brokers(&self) -> String {
        self.cluster.bootstrap_servers()
    }
}
