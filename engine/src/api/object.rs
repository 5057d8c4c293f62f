//! The bodies of requests are objects: a list of their values in the order of our source code, which serde takes as well, is
//! no promise of ours.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// Something that is read from an object only.
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Pair {
        a: i32,
        b: Option<i32>,
    }

    #[test]
    fn a_list_is_no_object() {
        let Object(read) = serde_json::from_str::<Object<Pair>>(r#"{"a": 1}"#).unwrap();
        assert_eq!(read, Pair { a: 1, b: None });
        for list in ["[1, 2]", "[]"] {
            let refused = serde_json::from_str::<Object<Pair>>(list).err().unwrap().to_string();
            assert!(refused.starts_with("invalid type: sequence, expected an object"), "{refused}");
        }
    }
}
