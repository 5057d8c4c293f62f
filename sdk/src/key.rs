//! Keys: what a message and a wanted message must have in common.
//!
//! A key is a list of fields. Each field is written as a tag of its type, its length and its bytes, so that no list of
//! values can look like another one: `("ab", "c")` differs from `("a", "bc")`, the text `1` from the number.

use crate::{EventTime, Extract};

/// The tag of a field, the first of its bytes.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Tag {
    Any = 0,
    Text = 1,
    Boolean = 2,
    /// A whole number between `i64::MIN` and `i64::MAX`.
    Integer = 3,
    /// A whole number between `i64::MAX` and `u64::MAX`.
    Large = 4,
    /// Any other number.
    Float = 5,
}

/// A list of typed fields; a message is a candidate for a wanted message if they have an equal key.
///
/// [`key!`](crate::key!) builds one in a line.
///
/// ```
/// use eventlatch_sdk::{Key, key};
///
/// assert_eq!(key!["db", "table", 7], Key::new().text("db").text("table").integer(7));
/// assert_ne!(key!["db", "table"], key!["dbt", "able"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl Key {
    /// A key without fields. Equal only to other keys without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a text.
    pub fn text(mut self, text: &str) -> Self {
        write_text(&mut self.0, text.as_bytes());
        self
    }

    /// Adds a boolean.
    ///
    /// ```
    /// # use eventlatch_sdk::Key;
    /// assert_ne!(Key::new().boolean(true), Key::new().text("true"));
    /// ```
    pub fn boolean(mut self, value: bool) -> Self {
        write_boolean(&mut self.0, value);
        self
    }

    /// Adds a whole number.
    pub fn integer(mut self, value: i64) -> Self {
        write_integer(&mut self.0, value);
        self
    }

    /// Adds a number. Equal numbers are equal fields, however they were written: 1 and 1.0 are the same.
    ///
    /// ```
    /// # use eventlatch_sdk::Key;
    /// assert_eq!(Key::new().number(1.0), Key::new().integer(1));
    /// ```
    pub fn number(mut self, value: f64) -> Self {
        write_float(&mut self.0, value);
        self
    }

    /// Adds a field that stands for "any". It equals only itself: the message must carry a key with it too.
    ///
    /// So a message that may be wanted with or without its carrier has two keys:
    ///
    /// ```
    /// use eventlatch_sdk::{Extract, Key, key};
    ///
    /// let (order, carrier) = ("o-17", "dhl");
    /// let message = Extract::from(key![order, carrier]).or(Key::new().text(order).any());
    /// ```
    pub fn any(mut self) -> Self {
        write_any(&mut self.0);
        self
    }

    /// Adds anything that can be a field.
    pub fn with<T: KeyField + ?Sized>(self, field: &T) -> Self {
        field.add_to(self)
    }

    /// This key, carried by a message that tells of something which happened at `time`.
    ///
    /// ```
    /// # use eventlatch_sdk::{EventTime, Extract, key};
    /// # let shipped_at = EventTime::from_millis(0);
    /// assert_eq!(key!["o-17"].at(shipped_at), Extract::from(key!["o-17"]).at(shipped_at));
    /// ```
    pub fn at(self, time: EventTime) -> Extract {
        Extract::from(self).at(time)
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A key with the given fields, in order: texts, booleans and whole numbers.
///
/// ```
/// # struct Message { order: String, paid: bool }
/// # let message = Message { order: "o-1".into(), paid: true };
/// let key = eventlatch_sdk::key![message.order, message.paid];
/// ```
#[macro_export]
macro_rules! key {
    ($($field:expr),* $(,)?) => {
        $crate::Key::new()$(.with(&$field))*
    };
}

/// A type whose values can be fields of a [`Key`].
///
/// Implement it for identifiers of your own:
///
/// ```
/// use eventlatch_sdk::{Key, KeyField, key};
///
/// struct OrderId(u32);
///
/// impl KeyField for OrderId {
///     fn add_to(&self, key: Key) -> Key {
///         key.text("order").with(&self.0)
///     }
/// }
///
/// assert_eq!(key![OrderId(7)], key!["order", 7]);
/// ```
pub trait KeyField {
    /// The key with this field added.
    fn add_to(&self, key: Key) -> Key;
}

impl KeyField for str {
    fn add_to(&self, key: Key) -> Key {
        key.text(self)
    }
}

impl KeyField for String {
    fn add_to(&self, key: Key) -> Key {
        key.text(self)
    }
}

impl KeyField for bool {
    fn add_to(&self, key: Key) -> Key {
        key.boolean(*self)
    }
}

impl<T: KeyField + ?Sized> KeyField for &T {
    fn add_to(&self, key: Key) -> Key {
        (**self).add_to(key)
    }
}

/// Whole numbers of every size that fits.
macro_rules! integer_fields {
    ($($integer:ty)*) => {$(
        impl KeyField for $integer {
            fn add_to(&self, key: Key) -> Key {
                key.integer(i64::from(*self))
            }
        }
    )*};
}

integer_fields!(i8 i16 i32 i64 u8 u16 u32);

impl KeyField for u64 {
    fn add_to(&self, mut key: Key) -> Key {
        write_unsigned(&mut key.0, *self);
        key
    }
}

/// The keys of a wanted message. Most have one; [`Key`] converts into it.
///
/// ```
/// use eventlatch_sdk::{Keys, key};
///
/// let one: Keys = key!["invoice-7"].into();
/// let either: Keys = ["eu", "us"].into_iter().map(|region| key![region]).collect();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(pub(crate) Vec<Key>);

impl From<Key> for Keys {
    fn from(key: Key) -> Self {
        Self(vec![key])
    }
}

impl FromIterator<Key> for Keys {
    fn from_iter<I: IntoIterator<Item = Key>>(keys: I) -> Self {
        Self(keys.into_iter().collect())
    }
}

/// Short texts are copied in blocks of this size, then cut: a copy of unknown length is a call out of the guest, and
/// costs more than all the rest of a field.
const BLOCK: usize = 16;

#[inline]
fn write_head(out: &mut Vec<u8>, tag: Tag, length: usize) {
    // A field longer than 4 GiB cannot exist in a 32-bit guest.
    let [a, b, c, d] = (length as u32).to_le_bytes();
    out.extend_from_slice(&[tag as u8, a, b, c, d]);
}

#[inline]
pub(crate) fn write_any(out: &mut Vec<u8>) {
    write_head(out, Tag::Any, 0);
}

#[inline]
pub(crate) fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    write_head(out, Tag::Text, text.len());
    out.extend_from_slice(text);
}

/// As [`write_text`], for the text `document[start..end]`.
#[inline]
pub(crate) fn write_text_in(out: &mut Vec<u8>, document: &[u8], start: usize, end: usize) {
    let length = end.saturating_sub(start);
    write_head(out, Tag::Text, length);
    match document.get(start..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        Some(block) if length <= BLOCK => {
            out.extend_from_slice(block);
            out.truncate(out.len() - (BLOCK - length));
        }
        _ => out.extend_from_slice(document.get(start..end).unwrap_or_default()),
    }
}

/// Repeats a part of what has been written.
#[inline]
pub(crate) fn repeat(out: &mut Vec<u8>, start: usize, end: usize) {
    let mut at = start;
    while let Some(block) = out.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>).copied() {
        out.extend_from_slice(&block);
        at += BLOCK;
        if at >= end {
            out.truncate(out.len() - (at - end));
            return;
        }
    }
    out.extend_from_within(at..end);
}

#[inline]
pub(crate) fn write_boolean(out: &mut Vec<u8>, value: bool) {
    write_head(out, Tag::Boolean, 1);
    out.push(u8::from(value));
}

#[inline]
pub(crate) fn write_integer(out: &mut Vec<u8>, value: i64) {
    write_head(out, Tag::Integer, 8);
    out.extend_from_slice(&value.to_le_bytes());
}

fn write_unsigned(out: &mut Vec<u8>, value: u64) {
    match i64::try_from(value) {
        Ok(value) => write_integer(out, value),
        Err(_) => {
            write_head(out, Tag::Large, 8);
            out.extend_from_slice(&value.to_le_bytes());
        }
    }
}

/// Writes a number that serde_json has read.
pub(crate) fn write_number(out: &mut Vec<u8>, number: &serde_json::Number) {
    if let Some(value) = number.as_i64() {
        write_integer(out, value);
    } else if let Some(value) = number.as_u64() {
        write_unsigned(out, value);
    } else {
        write_float(out, number.as_f64().unwrap_or(f64::NAN));
    }
}

/// Writes a float; a whole one as the integer that it is.
fn write_float(out: &mut Vec<u8>, value: f64) {
    const I64_END: f64 = 9_223_372_036_854_775_808.0;
    const U64_END: f64 = 18_446_744_073_709_551_616.0;

    if value.fract() == 0.0 && (-I64_END..I64_END).contains(&value) {
        write_integer(out, value as i64);
    } else if value.fract() == 0.0 && (I64_END..U64_END).contains(&value) {
        write_unsigned(out, value as u64);
    } else {
        write_head(out, Tag::Float, 8);
        out.extend_from_slice(&value.to_bits().to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    enum Field {
        Any,
        Text(String),
        Boolean(bool),
        Integer(i64),
    }

    fn field() -> impl Strategy<Value = Field> {
        prop_oneof![
            Just(Field::Any),
            "[\\x00-\\x08ab]{0,6}".prop_map(Field::Text),
            any::<bool>().prop_map(Field::Boolean),
            (-3..3i64).prop_map(Field::Integer),
        ]
    }

    fn key_of(fields: &[Field]) -> Key {
        fields.iter().fold(Key::new(), |key, field| match field {
            Field::Any => key.any(),
            Field::Text(text) => key.text(text),
            Field::Boolean(value) => key.boolean(*value),
            Field::Integer(value) => key.integer(*value),
        })
    }

    proptest! {
        #[test]
        fn keys_are_equal_only_if_their_fields_are(
            one in prop::collection::vec(field(), 0..4),
            other in prop::collection::vec(field(), 0..4),
        ) {
            prop_assert_eq!(one == other, key_of(&one) == key_of(&other));
        }

        /// The encoding is self-delimiting: no key is the beginning of another with as many fields.
        #[test]
        fn no_key_continues_another(
            one in prop::collection::vec(field(), 3),
            other in prop::collection::vec(field(), 3),
        ) {
            let (one_key, other_key) = (key_of(&one), key_of(&other));
            prop_assert_eq!(one == other, one_key.as_bytes().starts_with(other_key.as_bytes()));
        }
    }

    fn number(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write_number(&mut out, &serde_json::from_str(text).unwrap());
        out
    }

    #[test]
    fn equal_numbers_are_equal_fields() {
        for equal in [["1", "1.0"], ["100", "1e2"], ["0", "-0.0"], ["-3", "-30e-1"]] {
            assert_eq!(number(equal[0]), number(equal[1]), "{equal:?}");
        }
        assert_eq!(number("9223372036854775808"), number("9223372036854775808.0"));
        assert_ne!(number("1"), number("1.5"));
        assert_ne!(number("18446744073709551615"), number("-1"));
    }

    #[test]
    fn a_number_is_not_its_text() {
        assert_ne!(key!["1"], key![1]);
        assert_ne!(key!["true"], key![true]);
        assert_eq!(key![7_u64], key![7]);
    }
}
