//! Numbers.

/// Up to this many bytes a number without exponent is in range, whatever its digits: the largest double has 309.
const SURELY_IN_RANGE: usize = 300;

/// The index after the number that begins at `start`.
#[inline]
pub(super) fn number(document: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    if byte(document, at) == b'-' {
        at += 1;
    }
    match byte(document, at) {
        b'0' => at += 1,
        b'1'..=b'9' => at = digits(document, at + 1),
        _ => return None,
    }
    if byte(document, at) == b'.' {
        let end = digits(document, at + 1);
        if end == at + 1 {
            return None;
        }
        at = end;
    }
    if matches!(byte(document, at), b'e' | b'E') || at - start > SURELY_IN_RANGE {
        return rare(document, start, at);
    }
    Some(at)
}

/// A number that may be out of range: serde_json decides.
#[cold]
#[inline(never)]
fn rare(document: &[u8], start: usize, end: usize) -> Option<usize> {
    let mut at = end;
    if matches!(byte(document, at), b'e' | b'E') {
        at += 1;
        if matches!(byte(document, at), b'+' | b'-') {
            at += 1;
        }
        at = digits(document, at);
    }
    serde_json::from_slice::<serde_json::Value>(&document[start..at])
        .is_ok()
        .then_some(at)
}

/// The index of the first byte from `at` on that is no digit.
#[inline]
fn digits(document: &[u8], mut at: usize) -> usize {
    while byte(document, at).is_ascii_digit() {
        at += 1;
    }
    at
}

/// The byte at an index; beyond the end a NUL, which nothing in JSON begins with.
#[inline]
pub(super) fn byte(document: &[u8], at: usize) -> u8 {
    document.get(at).copied().unwrap_or(0)
}
