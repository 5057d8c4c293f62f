//! What was sent so far: stands for Kafka, one partition a topic, and can be read back as Kafka can.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;

use super::steps::Sent;
use crate::{
    domain::message::{Message, Partition, Slice, Span},
    source::{self, Extent, Piece, SourceError, Start},
};

const CLUSTER: &str = "scenario";

/// By topic its messages, whose offsets are their places.
type Topics = BTreeMap<String, Vec<Message>>;

/// The topics' messages. Clones share them.
#[derive(Debug, Default, Clone)]
pub(super) struct Log(Arc<Mutex<Topics>>);

impl Log {
    /// Adds a message; the answer is what a source would hand on.
    pub(super) fn append(&self, sent: &Sent) -> Slice {
        let mut topics = self.topics();
        let messages = topics.entry(sent.topic.clone()).or_default();
        let offset = end(messages);
        let Sent { topic, arrival, key, value, headers } = sent.clone();
        let message = Message { offset, arrival, key, value, headers };
        messages.push(message.clone());
        let partition = Partition { cluster: CLUSTER.into(), topic: topic.into(), number: 0, epoch: 0 };
        let span = Span { from: (offset > 0).then_some(offset).into(), to: offset + 1 };
        Slice { partition, span, messages: vec![message] }
    }

    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl source::Log for Log {
    fn cluster(&mut self) -> Result<Arc<str>, SourceError> {
        Ok(CLUSTER.into())
    }

    fn start(&self) -> Start {
        Start::Earliest
    }

    fn extents(&mut self, topic: &str, since: Timestamp) -> Result<Vec<Extent>, SourceError> {
        let topics = self.topics();
        let extent = |messages: &Vec<Message>| {
            let first = messages.iter().find(|message| message.arrival >= since);
            let since = first.map_or(end(messages), |message| message.offset);
            Extent { partition: 0, low: 0, since, high: end(messages) }
        };
        Ok(topics.get(topic).map(extent).into_iter().collect())
    }

    fn read(&mut self, topic: &str, _partition: i32, from: i64, until: i64) -> Result<Piece, SourceError> {
        let topics = self.topics();
        let asked = |message: &&Message| (from..until).contains(&message.offset);
        let messages = topics.get(topic).into_iter().flatten().filter(asked).cloned().collect();
        Ok(Piece { messages, next: until, gone_before: None })
    }
}

/// The offset after the last.
fn end(messages: &[Message]) -> i64 {
    messages.len() as i64
}
