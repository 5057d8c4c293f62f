//! What a bench tells.

use crate::bindings::exports::eventlatch::matcher::guest;

/// What a message is to a wanted message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It fulfils it.
    Fulfilled,
    /// Its key is equal, but the matcher refused it, for this reason: a near miss.
    Refused(String),
    /// It is about something else.
    Other,
    /// It is malformed, for this reason.
    Rejected(String),
}

/// A wanted message on a business date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its own fields as JSON, templates filled in.
    pub rendered: String,
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) token: Vec<u8>,
}

/// The service's join, in small.
pub(super) fn share_a_key(keys: &guest::Column, wanted: &[Vec<u8>]) -> bool {
    crate::adapter::column(keys).any(|key| wanted.iter().any(|wanted| wanted == key))
}

/// The headers of a batch of one message.
pub(super) fn header_columns(headers: &[(String, Vec<u8>)]) -> guest::Headers {
    let mut columns = guest::Headers { messages: vec![0; headers.len()], names: empty(), values: empty() };
    for (name, value) in headers {
        push(&mut columns.names, name.as_bytes());
        push(&mut columns.values, value);
    }
    columns
}

fn empty() -> guest::Column {
    guest::Column { bytes: Vec::new(), ends: Vec::new() }
}

fn push(column: &mut guest::Column, item: &[u8]) {
    column.bytes.extend_from_slice(item);
    column.ends.push(column.bytes.len() as u32);
}
