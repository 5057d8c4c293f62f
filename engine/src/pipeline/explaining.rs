//! Explanations: what the store knows of a wait with what Kafka says of its topics, and what one message would do.
//!
//! Looks and changes nothing. Start at [`Handle::explain`]; [`message`] evaluates a message that nobody sent.

pub mod message;

use std::time::Duration;

use jiff::Timestamp;

use super::handle::{Handle, HandleError};
use crate::{
    domain::explanation::{Explanation, PartitionReading, Question, TopicReading, Unexplained},
    source::{End, Ends, KafkaConfig},
};

/// How long Kafka may take to say how far the log of a topic reaches.
const PATIENCE: Duration = Duration::from_secs(2);

impl Handle {
    /// How a wait stands, and why.
    pub async fn explain(&self, question: Question) -> Result<Result<Explanation, Unexplained>, HandleError> {
        let explanation = match self.shared.store.explain(question, Timestamp::now()).await? {
            Ok(explanation) => explanation,
            Err(unexplained) => return Ok(Err(unexplained)),
        };
        let Some(kafka) = self.kafka.clone() else { return Ok(Ok(explanation)) };
        let known = explanation.clone();
        let asking = tokio::task::spawn_blocking(move || with_ends(explanation, &kafka));
        Ok(Ok(asking.await.unwrap_or(known)))
    }
}

/// Adds how far the logs of the topics reach, where Kafka answers. Blocks for some seconds where it does not.
pub fn with_ends(mut explanation: Explanation, kafka: &KafkaConfig) -> Explanation {
    let Ok(ends) = Ends::new(kafka) else { return explanation };
    for topic in &mut explanation.topics {
        match ends.of(&topic.topic, PATIENCE) {
            Ok(ends) => extend(topic, &ends),
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "How far the logs reach is not known");
                break;
            }
        }
    }
    explanation.conclude()
}

fn extend(topic: &mut TopicReading, ends: &[End]) {
    let next = |partition: i32| topic.partitions.iter().find(|it| it.partition == partition).and_then(|it| it.next);
    let lag = |end: &End| (end.high - next(end.partition).unwrap_or(end.low).max(end.low)).max(0);
    let reading = |end: &End| {
        let (partition, next) = (end.partition, next(end.partition));
        PartitionReading { partition, next, end: Some(end.high) }
    };
    let (lag, partitions) = (ends.iter().map(lag).sum(), ends.iter().map(reading).collect());
    (topic.lag, topic.partitions) = (Some(lag), partitions);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_unread_is_counted_from_what_is_still_there() {
        let read = |partition, next| PartitionReading { partition, next, end: None };
        let partitions = vec![read(0, Some(7)), read(1, Some(2))];
        let mut topic = TopicReading { topic: "t".to_owned(), partitions, lag: None };
        let end = |partition, low, high| End { topic: "t".to_owned(), partition, low, high };
        extend(&mut topic, &[end(0, 0, 10), end(1, 5, 6), end(2, 3, 3)]);
        assert_eq!(topic.lag, Some(3 + 1));
        assert_eq!(topic.partitions.len(), 3);
        extend(&mut topic, &[]);
        assert_eq!((topic.lag, topic.partitions.len()), (Some(0), 0), "it is not there");
    }
}
