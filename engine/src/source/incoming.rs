//! Messages as Kafka brings them, made ours.

use jiff::Timestamp;
use rdkafka::message::{BorrowedMessage, Headers, Message as _};

use super::native::partition_queue::Taken;
use crate::domain::message::{Header, Message};

pub(super) fn owned(message: &BorrowedMessage<'_>) -> Message {
    Message {
        offset: message.offset(),
        arrival: arrival(message.timestamp().to_millis(), Timestamp::now()),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: message.headers().map(headers).unwrap_or_default(),
    }
}

/// The same of one that was taken with others. `now` is a moment that has passed, and is renewed where it is too old.
pub(super) fn taken(message: &Taken, now: &mut Timestamp) -> Message {
    let record = message.timestamp();
    if record > now.as_millisecond() {
        *now = Timestamp::now();
    }
    Message {
        offset: message.offset(),
        arrival: arrival(Some(record), *now),
        key: message.key().map(<[u8]>::to_vec),
        value: message.value().map(<[u8]>::to_vec),
        headers: message.headers(),
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
