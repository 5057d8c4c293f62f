//! Reads a source into a ledger, as the pipeline does into its store.

use std::{sync::Arc, time::Duration};

use eventlatch::source::{self, Deliveries, KafkaConfig, Source, SourceError};
use eventlatch_tests::{ledger::Ledger, topic::Topic};

pub(crate) struct Reading {
    pub(crate) source: Source,
    pub(crate) deliveries: Deliveries,
    pub(crate) ledger: Ledger,
    /// Slices that lost against the ledger.
    pub(crate) superseded: usize,
}

pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

impl Reading {
    pub(crate) fn open(config: &KafkaConfig, topics: &[&Topic], ledger: &Ledger) -> Self {
        crate::logging::on();
        let topics = topics.iter().map(|topic| topic.name.clone()).collect();
        let (source, deliveries) = source::open(config, topics, Arc::new(ledger.clone())).unwrap();
        Self { source, deliveries, ledger: ledger.clone(), superseded: 0 }
    }

    /// Takes one batch in.
    pub(crate) async fn step(&mut self) -> Result<(), SourceError> {
        let next = tokio::time::timeout(DEADLINE, self.deliveries.next()).await;
        let batch = next.unwrap_or_else(|_| panic!("nothing came; {:?}", self.source.health()));
        for delivery in batch.expect("the source goes on")? {
            match self.ledger.record(&delivery.slice) {
                Ok(()) => delivery.receipt.settle(),
                Err(next) => {
                    self.superseded += 1;
                    delivery.receipt.put_back(next);
                }
            }
        }
        Ok(())
    }

    /// Takes in until a topic has so many messages.
    pub(crate) async fn until(&mut self, topic: &Topic, count: usize) {
        while self.ledger.values(&topic.name).len() < count {
            self.step().await.unwrap();
        }
    }

    /// Takes in until a partition has been read up to an offset.
    pub(crate) async fn until_next(&mut self, topic: &Topic, partition: i32, next: i64) {
        while self.ledger.next(&topic.name, partition) != Some(next) {
            self.step().await.unwrap();
        }
    }

    pub(crate) async fn close(self) {
        tokio::time::timeout(DEADLINE, self.deliveries.close()).await.expect("the source closes");
    }
}

/// Numbered texts.
pub(crate) fn texts(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("{number:06}")).collect()
}

/// The values of a topic, whatever their partition.
pub(crate) fn sorted(ledger: &Ledger, topic: &Topic) -> Vec<String> {
    let mut values = ledger.values(&topic.name);
    values.sort();
    values
}
