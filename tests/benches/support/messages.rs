//! Messages of the seed's kind, as many and as random as a bench wants.

use eventlatch::domain::message::Message;
use jiff::Timestamp;

/// The length of a message.
pub(crate) const BYTES: usize = 215;

/// When they happened, on 2019-07-07; they arrive a minute later.
pub(crate) const SECOND: i64 = 1_562_486_400;

/// The seed's fields among others that a producer adds: who wrote how much, where to.
pub(crate) fn value(db: &str, table: &str, partition: &str, rows: u64) -> Vec<u8> {
    let text = format!(
        r#"{{"db":"{db}","table":"{table}","partition_values":"{partition}","timestamp":{SECOND},"job_id":"application_1562400000_{rows:08}","rows":{rows},"ok":true,"path":""#
    );
    let path = format!("/warehouse/{db}/{table}/{partition}");
    let fill = BYTES.saturating_sub(text.len() + path.len() + 2);
    format!("{text}{path}{}\"}}", "/".repeat(fill)).into_bytes()
}

pub(crate) fn message(offset: i64, value: Vec<u8>) -> Message {
    Message {
        offset,
        arrival: Timestamp::from_second(SECOND + 60).expect("2019 is in range"),
        key: None,
        value: Some(value.into()),
        headers: Vec::new(),
    }
}

/// Random numbers, the same in every run.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
