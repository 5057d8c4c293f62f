//! The peer: no sandbox, serde_json on a borrowed struct.

use eventlatch::{
    domain::message::Message,
    matcher::{Candidate, EventTime, Worker},
};
use jiff::Timestamp;

use crate::{
    contestant::{Contestant, PARTITION, Wanted, db, table},
    messages, native,
};

pub(crate) struct Native;

impl Contestant for Native {
    fn name(&self) -> String {
        "native Rust, serde_json".to_owned()
    }

    fn prepare(&mut self, _: &mut Worker, count: u64) -> Vec<Wanted> {
        (0..count).map(|number| Wanted { key: key(number), token: Vec::new() }).collect()
    }

    fn extract(
        &mut self,
        _: &mut Worker,
        messages: &[&Message],
        found: &mut dyn FnMut(usize, &[u8]),
    ) -> Vec<Option<Timestamp>> {
        let extraction = native::extract(messages);
        assert!(extraction.rejects.is_empty());
        extraction.keys().for_each(|(message, key)| found(message, key));
        extraction.times.iter().map(|time| time.map(instant)).collect()
    }

    fn confirm(&mut self, _: &mut Worker, candidates: &[Candidate<'_>]) -> Vec<bool> {
        let same_day =
            |it: &Candidate<'_>| it.event_time.map(|time| time.business_date) == Some(it.arrival.business_date);
        candidates.iter().map(same_day).collect()
    }
}

/// The key of a wanted message: the first of those that a message has which is exactly it.
pub(crate) fn key(number: u64) -> Vec<u8> {
    let message = messages::message(0, messages::value(&db(number), &table(number), PARTITION, 0));
    let extraction = native::extract(&[&message]);
    extraction.keys().next().map(|(_, key)| key.to_vec()).expect("a message has keys")
}

pub(crate) fn instant(time: EventTime) -> Timestamp {
    match time {
        EventTime::Instant(instant) => instant,
        EventTime::Civil(civil) => jiff::tz::TimeZone::UTC.to_zoned(civil).expect("UTC has all times").timestamp(),
    }
}
