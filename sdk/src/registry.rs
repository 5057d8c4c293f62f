//! What a schema registry puts before a message: a magic byte, the id of the schema, and then the message itself.
//!
//! Producers with the serializers of Confluent, Apicurio (in its compatible mode), Redpanda or Karapace write their
//! messages so. A matcher has no network, so it cannot ask the registry for a schema: have it in the matcher, or in its
//! configuration by id. `examples/schema-registry` has a matcher for Avro and one for Protobuf.
//!
//! ```
//! use eventlatch_sdk::registry::Frame;
//!
//! let frame = Frame::of(b"\x00\x00\x00\x00\x07hello").unwrap();
//! assert_eq!((frame.schema_id, frame.payload), (7, &b"hello"[..]));
//! assert!(Frame::of(b"{}").unwrap_err().reason().contains("magic byte"));
//! ```

use crate::Reject;

/// A message as a schema registry's serializer wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The id of the schema by which the message was written.
    pub schema_id: u32,
    /// The message: of Avro one datum, of JSON Schema plain JSON; for Protobuf see [`Frame::protobuf`].
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Takes the frame off a value. A value that does not begin with the magic byte 0 is a reject that says so.
    pub fn of(value: &'a [u8]) -> Result<Self, Reject> {
        match value {
            [0, a, b, c, d, payload @ ..] => Ok(Self { schema_id: u32::from_be_bytes([*a, *b, *c, *d]), payload }),
            [] => Err(Reject::new("empty message; expected the magic byte of a schema registry")),
            _ => Err(Reject::new("does not begin with a schema registry's magic byte and the id of a schema")),
        }
    }

    /// Of a message in Protobuf: which message of the schema file it is, and its bytes.
    ///
    /// The way to the type is a list of indexes, from the outermost: `[0]` is the first message of the file, `[1, 0]` the
    /// first one within the second.
    ///
    /// ```
    /// # use eventlatch_sdk::registry::Frame;
    /// let frame = Frame::of(b"\x00\x00\x00\x00\x07\x00\x0a\x01x").unwrap();
    /// assert_eq!(frame.protobuf().unwrap(), (vec![0], &b"\x0a\x01x"[..]));
    /// ```
    pub fn protobuf(&self) -> Result<(Vec<i64>, &'a [u8]), Reject> {
        let (indexes, rest) =
            indexes(self.payload).ok_or_else(|| Reject::new("its Protobuf message indexes are cut off"))?;
        // The serializers shorten the most frequent list.
        Ok((if indexes.is_empty() { vec![0] } else { indexes }, rest))
    }
}

/// A list of zigzag numbers, its length first.
fn indexes(bytes: &[u8]) -> Option<(Vec<i64>, &[u8])> {
    let (count, mut rest) = zigzag(bytes)?;
    let mut indexes = Vec::new();
    for _ in 0..count {
        let (index, after) = zigzag(rest)?;
        indexes.push(index);
        rest = after;
    }
    Some((indexes, rest))
}

fn zigzag(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some(((value >> 1).cast_signed() ^ -(value & 1).cast_signed(), &bytes[at + 1..]));
        }
    }
    None
}
