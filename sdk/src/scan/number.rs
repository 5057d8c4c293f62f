//! Numbers.

/// Up to this many bytes a number without exponent is in range, whatever its digits: the largest double has 309.
const SURELY_IN_RANGE: usize = 300;

/// The index after the number that begins at `start`.
#[inline]
pub(super) fn number(document: &[u8], start: usize) -> Option<usize> {
    let end = digits(document, start);
    let plain = end > start && end - start <= SURELY_IN_RANGE && byte(document, start) != b'0';
    if plain && !matches!(byte(document, end), b'.' | b'e' | b'E') { Some(end) } else { general(document, start) }
}

/// Any number: with a sign, a fraction, an exponent.
#[inline(never)]
fn general(document: &[u8], start: usize) -> Option<usize> {
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
    serde_json::from_slice::<serde_json::Value>(&document[start..at]).is_ok().then_some(at)
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

/// A whole number of 8 to 16 digits without a sign, such as a timestamp.
#[inline]
pub(crate) fn long_integer(digits: &[u8]) -> Option<i64> {
    let more = digits.len().checked_sub(8).filter(|more| *more <= 8)?;
    let (first, last) = (u64::from_le_bytes(*digits.first_chunk()?), u64::from_le_bytes(*digits.last_chunk()?));
    if not_digits(first) | not_digits(last) != 0 {
        return None;
    }
    // The first digits but those that are among the last eight, behind as many zeros as it takes.
    let head = if more == 0 { 0 } else { (first & DIGIT_VALUES) << (64 - 8 * more) };
    Some((value_of_eight(head) * 100_000_000 + value_of_eight(last & DIGIT_VALUES)).cast_signed())
}

const DIGIT_VALUES: u64 = 0x0f0f_0f0f_0f0f_0f0f;

/// The number of eight digits, one in each byte, the first in the lowest: pairs, fours, then all.
#[inline]
fn value_of_eight(digits: u64) -> u64 {
    let pairs = (digits * 10 + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (fours * 10_000 + (fours >> 32)) & 0xffff_ffff
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

        #[test]
        fn long_integers_are_what_they_say(text in "[0-9]{8,16}|[0-9/:]{7,17}") {
            let expected = text.parse().ok().filter(|_| (8..=16).contains(&text.len()));
            prop_assert_eq!(long_integer(text.as_bytes()), expected);
        }
    }
}
