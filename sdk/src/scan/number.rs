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
    while let Some(chunk) = document.get(at..).and_then(<[u8]>::first_chunk) {
        let others = not_digits(u64::from_le_bytes(*chunk));
        if others != 0 {
            return at + (others.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while byte(document, at).is_ascii_digit() {
        at += 1;
    }
    at
}

/// The highest bit of each byte that is no digit; right up to the first of them, which is what counts.
#[inline]
fn not_digits(bytes: u64) -> u64 {
    // A digit becomes 0 to 9; anything else more, and more than 0x7f once 0x76 is added to it.
    let values = bytes ^ 0x3030_3030_3030_3030;
    (values.wrapping_add(0x7676_7676_7676_7676) | values) & 0x8080_8080_8080_8080
}

/// The byte at an index; beyond the end a NUL, which nothing in JSON begins with.
#[inline]
pub(super) fn byte(document: &[u8], at: usize) -> u8 {
    document.get(at).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn digits_end_where_they_end(text in "[0-9]{0,20}[\\x00-\\xff]{0,12}") {
            let expected = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
            prop_assert_eq!(digits(text.as_bytes(), 0), expected);
        }
    }
}
