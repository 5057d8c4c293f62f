//! Sixteen bytes at a time: where a string may end or stops being plain.
#![cfg_attr(target_arch = "wasm32", expect(unsafe_code, reason = "a vector load takes a pointer"))]

/// How many bytes are looked at together.
pub(super) const WIDTH: usize = 16;

/// One bit per byte, the lowest for the first: set where the byte is a quote, a backslash, a control character or not
/// ASCII.
#[cfg(target_arch = "wasm32")]
#[inline]
#[target_feature(enable = "simd128")]
pub(super) fn stops(chunk: &[u8; WIDTH]) -> u32 {
    use core::arch::wasm32::{i8x16_bitmask, i8x16_lt, i8x16_splat, u8x16_eq, u8x16_splat, v128_load, v128_or};

    // SAFETY: `chunk` is 16 bytes, and a load needs no alignment.
    let bytes = unsafe { v128_load(chunk.as_ptr().cast()) };
    let quotes = u8x16_eq(bytes, u8x16_splat(b'"'));
    let backslashes = u8x16_eq(bytes, u8x16_splat(b'\\'));
    // Signed: what is not ASCII is negative, and less than a blank as control characters are.
    let below = i8x16_lt(bytes, i8x16_splat(0x20));
    u32::from(i8x16_bitmask(v128_or(v128_or(quotes, backslashes), below)))
}

/// As above, byte by byte: where matchers are only tested.
#[cfg(not(target_arch = "wasm32"))]
#[inline]
pub(super) fn stops(chunk: &[u8; WIDTH]) -> u32 {
    chunk.iter().rev().fold(0, |mask, byte| mask << 1 | u32::from(is_stop(*byte)))
}

/// One bit per byte, the lowest for the first: set where the two are equal.
#[cfg(target_arch = "wasm32")]
#[inline]
#[target_feature(enable = "simd128")]
pub(super) fn equal(one: &[u8; WIDTH], other: &[u8; WIDTH]) -> u32 {
    use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, v128_load};

    // SAFETY: both are 16 bytes, and a load needs no alignment.
    let (one, other) = unsafe { (v128_load(one.as_ptr().cast()), v128_load(other.as_ptr().cast())) };
    u32::from(u8x16_bitmask(u8x16_eq(one, other)))
}

/// As above, byte by byte.
#[cfg(not(target_arch = "wasm32"))]
#[inline]
pub(super) fn equal(one: &[u8; WIDTH], other: &[u8; WIDTH]) -> u32 {
    one.iter().zip(other).rev().fold(0, |mask, (one, other)| mask << 1 | u32::from(one == other))
}

/// What [`stops`] looks for.
#[inline]
pub(super) fn is_stop(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20 | 0x80..)
}
