//! Knows the messages of the topic `shipments`: `Shipment` of `shipment.proto`, in Protobuf, with a schema registry's
//! magic byte, schema id and message indexes before it.
//!
//! Whatever the schema's id is: Protobuf messages can be read by any version of their type that keeps the rules of
//! compatibility, so the type is compiled in.

use eventlatch_sdk::prelude::*;
use eventlatch_sdk::registry::Frame;
use prost::Message as _;

/// What a sensor waits for: an order.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Wanted {
    order: String,
}

/// What arrives on the topic. It says the same as `shipment.proto`; `prost-build` would write it from there.
#[derive(Clone, PartialEq, prost::Message, Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Shipment {
    #[prost(string, tag = "1")]
    order: String,
    #[prost(int64, tag = "2")]
    shipped_at_ms: i64,
}

/// An order left the warehouse, told in Protobuf.
pub struct ShipmentProtobuf;

impl Matcher for ShipmentProtobuf {
    type Config = NoConfig;
    type Wanted = Wanted;
    type Message = Shipment;

    const NAME: &'static str = "shipment-protobuf";
    const SUMMARY: &'static str = "an order left the warehouse, told in Protobuf";
    const TOPICS: &'static [&'static str] = &["shipments"];

    fn configure(_: NoConfig) -> Result<Self, Problems> {
        Ok(Self)
    }

    fn prepare(&self, wanted: &mut Wanted, _on: Date) -> Result<Keys, Problem> {
        Ok(key![wanted.order].into())
    }

    fn decode(&self, value: &[u8]) -> Result<Shipment, Reject> {
        let (message, bytes) = Frame::of(value)?.protobuf()?;
        if message != [0] {
            return Err(Reject::new(format!("is message {message:?} of its schema, not `Shipment`, the first")));
        }
        Shipment::decode(bytes).map_err(|error| Reject::new(format!("not a `Shipment`: {error}")))
    }

    fn extract(&self, shipment: &Shipment, _: &Envelope<'_>) -> Result<Extract, Reject> {
        // In proto3 a text that is not there is an empty one.
        if shipment.order.is_empty() {
            return Err(Reject::new("field `order` is empty"));
        }
        Ok(key![shipment.order].at(EventTime::from_millis(shipment.shipped_at_ms)))
    }
}

export_matcher!(ShipmentProtobuf);

#[cfg(test)]
mod tests {
    use super::*;
    use eventlatch_sdk::testing::{Bench, Outcome};

    fn judge(message: &[u8]) -> Outcome {
        let bench = Bench::of::<ShipmentProtobuf>("{}").unwrap();
        bench.judge(r#"{"order": "o-17"}"#, message, "2019-07-07 09:00:00").unwrap()
    }

    fn framed(order: &str, shipped_at_ms: i64) -> Vec<u8> {
        let shipment = Shipment { order: order.to_owned(), shipped_at_ms };
        [b"\0\0\0\0\x07\0".to_vec(), shipment.encode_to_vec()].concat()
    }

    #[test]
    fn reads_what_a_serializer_wrote() {
        assert_eq!(judge(&framed("o-17", 1_562_486_400_000)), Outcome::Fulfilled);
        assert_eq!(judge(&framed("o-18", 1_562_486_400_000)), Outcome::Other);
        assert!(matches!(judge(&framed("o-17", 0)), Outcome::Refused(_)));
    }

    #[test]
    fn says_what_is_malformed() {
        for (message, part) in [
            (&b"{}"[..], "magic byte"),
            (b"\0\0\0\0\x07\x02\x02", "message [1]"),
            (b"\0\0\0\0\x07\0\x0a\x09x", "not a `Shipment`"),
            (b"\0\0\0\0\x07\0", "`order` is empty"),
        ] {
            let Outcome::Rejected(reason) = judge(message) else { panic!("{message:?} was not rejected") };
            assert!(reason.contains(part), "{reason}");
        }
    }
}
