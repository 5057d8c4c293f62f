//! The trace that a message belongs to, as W3C Trace Context says it: handed on as it came, never made up.

use std::fmt;

use super::message::{Header, Message};

/// A `tracestate` that is longer is not handed on.
const STATE_BYTES: usize = 512;

/// Where a message stands in its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    pub parent: TraceParent,
    /// The header `tracestate`, where it came with one.
    pub state: Option<String>,
}

/// A well-formed header `traceparent`: version, trace, span and flags in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceParent(String);

impl TraceContext {
    /// What the headers of a message say. One that is malformed, or given twice, counts as none.
    pub fn of(message: &Message) -> Option<Self> {
        let parent = TraceParent::parse(only(&message.headers, "traceparent")?)?;
        let state = only(&message.headers, "tracestate").filter(|state| is_state(state));
        Some(Self { parent, state: state.map(str::to_owned) })
    }
}

impl TraceParent {
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        // Later versions may say more behind the flags.
        let ends = version != "00" || parts.next().is_none();
        let says = |part: &str, length| is_hex(part, length) && part.bytes().any(|digit| digit != b'0');
        let known = is_hex(version, 2) && version != "ff" && is_hex(flags, 2) && ends;
        (known && says(trace, 32) && says(span, 16)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text of a header that is there once.
fn only<'a>(headers: &'a [Header], name: &str) -> Option<&'a str> {
    let mut values = headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
    let value = values.next().filter(|_| values.next().is_none())?;
    str::from_utf8(&value.value).ok()
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_state(text: &str) -> bool {
    !text.is_empty() && text.len() <= STATE_BYTES && text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_parent_is_well_formed_or_none() {
        let check = |text: &str, is: bool| assert_eq!(TraceParent::parse(text).is_some(), is, "{text}");
        check(PARENT, true);
        check("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", true);
        check(&format!("{PARENT}-more"), false);
        check(&PARENT.to_uppercase(), false);
        check(&PARENT.replacen("00", "ff", 1), false);
        check("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false);
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false);
        check("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false);
        check("", false);
    }

    fn context(headers: &[(&str, &str)]) -> Option<(String, Option<String>)> {
        let header =
            |(name, value): &(&str, &str)| Header { name: (*name).to_owned(), value: value.as_bytes().to_vec() };
        let headers = headers.iter().map(header).collect();
        let message = Message { offset: 0, arrival: Timestamp::UNIX_EPOCH, key: None, value: None, headers };
        TraceContext::of(&message).map(|trace| (trace.parent.to_string(), trace.state))
    }

    #[test]
    fn names_of_headers_are_of_any_case_and_two_parents_are_none() {
        assert_eq!(context(&[("TraceParent", PARENT)]), Some((PARENT.to_owned(), None)));
        let both = [("traceparent", PARENT), ("tracestate", "a=1,b=2")];
        assert_eq!(context(&both), Some((PARENT.to_owned(), Some("a=1,b=2".to_owned()))));
        assert_eq!(context(&[("traceparent", PARENT), ("tracestate", "a\u{e9}")]), Some((PARENT.to_owned(), None)));
        assert_eq!(context(&[("traceparent", PARENT), ("traceparent", PARENT)]), None);
        assert_eq!(context(&[("tracestate", "a=1")]), None);
    }
}
