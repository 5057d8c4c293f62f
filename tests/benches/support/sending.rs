//! Messages as a producer of today sends them.

use jiff::Timestamp;

/// The length of a message.
const BYTES: usize = 215;

/// A table was written just now.
pub(crate) fn written(table: &str, rows: u64) -> Vec<u8> {
    let now = Timestamp::now().as_second();
    let text = format!(
        r#"{{"db":"db","table":"{table}","partition_values":"","timestamp":{now},"job_id":"application_{rows:012}","rows":{rows},"ok":true,"path":"/"#
    );
    let fill = "/".repeat(BYTES.saturating_sub(text.len() + 2));
    format!("{text}{fill}\"}}").into_bytes()
}
