//! The rule of `etl-finish` as an Extism plug-in: what `tests/benches/support/native.rs` does, behind Extism's interface of
//! bytes in and bytes out.
//!
//! Numbers are little-endian. `extract` takes messages, each as its length (u32) and its bytes, and answers for each with its
//! event time (i64, seconds), the lengths of its two keys (u32, u32) and the keys. `confirm` takes pairs of days (i32, i32) and
//! answers with a byte each: whether they are the same.

use std::borrow::Cow;

use extism_pdk::{Error, FnResult, plugin_fn};

#[derive(serde::Deserialize)]
struct EtlFinish<'a> {
    #[serde(borrow)]
    db: Cow<'a, str>,
    #[serde(borrow)]
    table: Cow<'a, str>,
    #[serde(borrow)]
    partition_values: Cow<'a, str>,
    timestamp: i64,
}

#[plugin_fn]
pub fn extract(input: Vec<u8>) -> FnResult<Vec<u8>> {
    let (mut rest, mut out) = (input.as_slice(), Vec::with_capacity(input.len()));
    while let Some((length, more)) = rest.split_first_chunk() {
        let (value, others) = more.split_at(u32::from_le_bytes(*length) as usize);
        rest = others;
        extract_one(value, &mut out)?;
    }
    Ok(out)
}

/// One key with the partition, one for whoever takes any.
fn extract_one(value: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let it: EtlFinish<'_> = serde_json::from_slice(value)?;
    let common = 10 + it.db.len() + it.table.len();
    out.extend_from_slice(&it.timestamp.to_le_bytes());
    out.extend_from_slice(&((common + 5 + it.partition_values.len()) as u32).to_le_bytes());
    out.extend_from_slice(&((common + 5) as u32).to_le_bytes());
    let start = out.len();
    write_text(out, &it.db);
    write_text(out, &it.table);
    let end = out.len();
    write_text(out, &it.partition_values);
    out.extend_from_within(start..end);
    out.extend_from_slice(&[0; 5]);
    Ok(())
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(1);
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[plugin_fn]
pub fn confirm(input: Vec<u8>) -> FnResult<Vec<u8>> {
    Ok(input.chunks_exact(8).map(|days| u8::from(days[..4] == days[4..])).collect())
}
