//! What builds of matchers used, over all times that they served.

use rusqlite::params;

use super::{Store, error::StoreError, writer::Session};
use crate::domain::usage::MatcherUsage;

/// The name of a matcher and the sha256 of a build of it.
type Build = (String, String);

impl Store {
    /// Adds what builds used since they were saved last.
    pub async fn add_usage(&self, used: Vec<(Build, MatcherUsage)>) -> Result<(), StoreError> {
        self.writer.call(move |session| used.iter().try_for_each(|(build, usage)| add(session, build, usage))).await
    }
}

fn add(session: &Session<'_>, (matcher, sha256): &Build, usage: &MatcherUsage) -> Result<(), StoreError> {
    let add = "INSERT INTO matcher_usage (matcher, sha256, cpu_us, calls, messages, bytes, peak_memory)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT (matcher, sha256) DO UPDATE SET
                   cpu_us = cpu_us + excluded.cpu_us, calls = calls + excluded.calls,
                   messages = messages + excluded.messages, bytes = bytes + excluded.bytes,
                   peak_memory = max(peak_memory, excluded.peak_memory)";
    let MatcherUsage { cpu_us, calls, messages, bytes, peak_memory } = *usage;
    let [cpu_us, calls, messages, bytes, peak_memory] =
        [cpu_us, calls, messages, bytes, peak_memory].map(u64::cast_signed);
    let row = params![matcher, sha256, cpu_us, calls, messages, bytes, peak_memory];
    session.db.prepare_cached(add)?.execute(row)?;
    Ok(())
}
