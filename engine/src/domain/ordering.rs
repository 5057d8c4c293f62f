//! In which order marks go out.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::message::Partition;

/// `order` of `[marking]`. Whatever it is, those of one task go out one after the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// One after the other, as they were recorded: one that must be tried again holds up all others.
    Serial,
    /// So within those that rest on messages of one partition.
    Partition,
    /// So within those that rest on messages of one topic with one key.
    Key,
    /// As they are due, several at once: one that must be tried again holds up no other.
    #[default]
    None,
}

/// Marks with the same one go out one after the other. Two that have nothing to do with each other may share one, by a
/// chance of one in many billions: then one waits for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OrderingKey(pub i64);

/// What orders a mark: where its message came from, and its key.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    pub partition: &'a Partition,
    pub key: Option<&'a [u8]>,
}

impl Order {
    /// Whether the message that a mark rests on matters.
    pub fn is_by_message(self) -> bool {
        matches!(self, Self::Partition | Self::Key)
    }

    /// None: in no order. Marks that rest on no message belong to no partition and no key, and a message without a key
    /// to no key.
    pub fn key(self, origin: Option<Origin<'_>>) -> Option<OrderingKey> {
        match self {
            Self::Serial => Some(OrderingKey(0)),
            Self::None => None,
            Self::Partition => {
                let partition = origin?.partition;
                Some(hashed(partition, &partition.number.to_be_bytes()))
            }
            Self::Key => {
                let origin = origin?;
                Some(hashed(origin.partition, origin.key?))
            }
        }
    }
}

/// An epoch is not part of it: a topic that begins anew is in order behind what was before.
fn hashed(partition: &Partition, within: &[u8]) -> OrderingKey {
    let mut hash = Sha256::new();
    for part in [partition.cluster.as_bytes(), partition.topic.as_bytes(), within] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let first = hash.finalize().first_chunk().copied().unwrap_or_default();
    OrderingKey(i64::from_be_bytes(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(order: Order, topic: &str, number: i32, key: Option<&str>) -> Option<OrderingKey> {
        let partition = Partition { cluster: "c".into(), topic: topic.into(), number, epoch: 0 };
        order.key(Some(Origin { partition: &partition, key: key.map(str::as_bytes) }))
    }

    #[test]
    fn the_order_says_what_belongs_together() {
        assert_eq!(key(Order::Serial, "a", 0, None), key(Order::Serial, "b", 1, Some("k")));
        assert_eq!(key(Order::None, "a", 0, Some("k")), None);
        assert_eq!(key(Order::Partition, "a", 0, Some("k")), key(Order::Partition, "a", 0, Some("l")));
        assert_ne!(key(Order::Partition, "a", 0, None), key(Order::Partition, "a", 1, None));
        assert_ne!(key(Order::Partition, "a", 0, None), key(Order::Partition, "b", 0, None));
        assert_eq!(key(Order::Key, "a", 0, Some("k")), key(Order::Key, "a", 1, Some("k")));
        assert_ne!(key(Order::Key, "a", 0, Some("k")), key(Order::Key, "b", 0, Some("k")));
        assert_ne!(key(Order::Key, "a", 0, Some("foo")), key(Order::Key, "a", 0, Some("FOO")));
        assert_eq!(key(Order::Key, "a", 0, None), None);
        assert_eq!([Order::Partition, Order::Key].map(|order| order.key(None)), [None, None]);
        assert!(Order::Serial.key(None).is_some());
    }
}
