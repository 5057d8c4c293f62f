//! Messages as Kafka brings them, made ours.

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use rdkafka::message::{BorrowedMessage, Headers, Message as _};

use super::native::partition_queue::Taken;
use crate::domain::message::{Header, Message};

pub(super) fn owned(message: &BorrowedMessage<'_>) -> Message {
    Message {
        offset: message.offset(),
        arrival: arrival(message.timestamp().to_millis(), Timestamp::now()),
        key: message.key().map(Bytes::copy_from_slice),
        value: message.payload().map(Bytes::copy_from_slice),
        headers: message.headers().map(headers).unwrap_or_default(),
    }
}

/// What messages that are taken together share.
#[derive(Debug)]
pub(super) struct Tray {
    /// A moment that has passed, and is renewed where it is too old.
    now: Timestamp,
    /// Keys and values lie in it side by side: allocating each would cost more than to copy it.
    room: BytesMut,
}

/// So many bytes of keys and values lie together.
const ROOM: usize = 64 << 10;

impl Default for Tray {
    fn default() -> Self {
        Self { now: Timestamp::now(), room: BytesMut::with_capacity(ROOM) }
    }
}

impl Tray {
    /// Says that more are taken, some time after the last.
    pub(super) fn renew(&mut self) {
        self.now = Timestamp::now();
    }

    /// A message made ours.
    pub(super) fn owned(&mut self, message: &Taken) -> Message {
        let record = message.timestamp();
        if record > self.now.as_millisecond() {
            self.now = Timestamp::now();
        }
        Message {
            offset: message.offset(),
            arrival: arrival(Some(record), self.now),
            key: message.key().map(|key| self.copy(key)),
            value: message.value().map(|value| self.copy(value)),
            headers: message.headers(),
        }
    }

    fn copy(&mut self, bytes: &[u8]) -> Bytes {
        self.room.extend_from_slice(bytes);
        self.room.split().freeze()
    }
}

fn headers<H: Headers>(headers: &H) -> Vec<Header> {
    headers
        .iter()
        .map(|header| Header { name: header.key.to_owned(), value: header.value.unwrap_or_default().to_vec() })
        .collect()
}

/// The record's timestamp, never later than now; now where it has none.
pub(super) fn arrival(record: Option<i64>, now: Timestamp) -> Timestamp {
    let record = record.filter(|ms| *ms >= 0).and_then(|ms| Timestamp::from_millisecond(ms).ok());
    record.map_or(now, |record| record.min(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrival_is_never_in_the_future() {
        let now = Timestamp::from_millisecond(1_000).unwrap();
        assert_eq!(arrival(Some(999), now).as_millisecond(), 999);
        assert_eq!(arrival(Some(1_001), now), now);
        assert_eq!(arrival(Some(-1), now), now);
        assert_eq!(arrival(None, now), now);
    }
}
