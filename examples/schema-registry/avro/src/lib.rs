//! Knows the messages of the topic `payments`: Avro, with a schema registry's magic byte and schema id before it.
//!
//! Avro can only be read by the schema that it was written with. A matcher cannot ask the registry for it, so each that
//! producers use is in the configuration, by its id:
//!
//! ```toml
//! [matchers.payment-avro.config.schemas]
//! 7 = '{"type": "record", "name": "Payment", "fields": [{"name": "order", "type": "string"}, …]}'
//! ```
//!
//! What they say is resolved to the reader's schema, `Payment` below: fields in another order, more fields and such with
//! defaults are fine.

use std::collections::BTreeMap;

use apache_avro::Schema;
use eventlatch_sdk::prelude::*;
use eventlatch_sdk::registry::Frame;

/// By which a message is read, whatever it was written with.
const PAYMENT: &str = r#"{
    "type": "record", "name": "Payment",
    "fields": [
        {"name": "order", "type": "string"},
        {"name": "amount", "type": "double"},
        {"name": "paid_at", "type": {"type": "long", "logicalType": "timestamp-millis"}}
    ]
}"#;

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Config {
    /// The schemas that messages may be written with: the id in the registry, and the schema as JSON.
    schemas: BTreeMap<String, String>,
}

/// What a sensor waits for: an order of which at least so much is paid.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Wanted {
    order: String,
    #[serde(default)]
    at_least: f64,
}

/// What arrives on the topic.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Payment {
    order: String,
    amount: f64,
    paid_at: i64,
}

/// An order was paid, told in Avro.
pub struct PaymentAvro {
    reader: Schema,
    writers: BTreeMap<u32, Schema>,
}

impl Matcher for PaymentAvro {
    type Config = Config;
    type Wanted = Wanted;
    type Message = Payment;

    const NAME: &'static str = "payment-avro";
    const SUMMARY: &'static str = "an order was paid, told in Avro";
    const TOPICS: &'static [&'static str] = &["payments"];

    fn configure(config: Config) -> Result<Self, Problems> {
        let reader = Schema::parse_str(PAYMENT).map_err(|error| Problem::new(error.to_string()))?;
        let writers = config.schemas.iter().map(|(id, text)| schema(id, text)).collect::<Result<_, _>>()?;
        Ok(Self { reader, writers })
    }

    fn prepare(&self, wanted: &mut Wanted, _on: Date) -> Result<Keys, Problem> {
        Ok(key![wanted.order].into())
    }

    fn decode(&self, value: &[u8]) -> Result<Payment, Reject> {
        let Frame { schema_id, mut payload } = Frame::of(value)?;
        let writer = self.writers.get(&schema_id).ok_or_else(|| {
            Reject::new(format!("written with schema {schema_id}, which `config.schemas` of the matcher does not have"))
        })?;
        let datum = apache_avro::from_avro_datum(writer, &mut payload, Some(&self.reader));
        let payment = datum.and_then(|datum| apache_avro::from_value(&datum));
        payment.map_err(|error| Reject::new(format!("not a payment of schema {schema_id}: {error}")))
    }

    fn extract(&self, payment: &Payment, _: &Envelope<'_>) -> Result<Extract, Reject> {
        Ok(key![payment.order].at(EventTime::from_millis(payment.paid_at)))
    }

    fn confirm(&self, candidate: &Candidate<'_, Self>) -> Verdict {
        match &candidate.message {
            Some(payment) if payment.amount < candidate.wanted.at_least => {
                Verdict::refused(format!("{} is less than {}", payment.amount, candidate.wanted.at_least))
            }
            _ => eventlatch_sdk::same_business_day(candidate.event_time.as_ref(), &candidate.arrival),
        }
    }
}

fn schema(id: &str, text: &str) -> Result<(u32, Schema), Problem> {
    let field = format!("schemas.{id}");
    let id = id.parse().map_err(|_| Problem::of(&field, "the name must be the id of the schema, a number"))?;
    let schema = Schema::parse_str(text).map_err(|error| Problem::of(&field, format!("is no Avro schema: {error}")))?;
    Ok((id, schema))
}

export_matcher!(PaymentAvro);

#[cfg(test)]
mod tests {
    use super::*;
    use apache_avro::types::Record;
    use eventlatch_sdk::serde_json::json;
    use eventlatch_sdk::testing::{Bench, Outcome};

    /// Another order of fields, and one more.
    const WRITER: &str = r#"{
        "type": "record", "name": "Payment",
        "fields": [
            {"name": "paid_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "currency", "type": "string"},
            {"name": "amount", "type": "double"},
            {"name": "order", "type": "string"}
        ]
    }"#;

    fn bench() -> Bench {
        Bench::of::<PaymentAvro>(&json!({ "schemas": { "7": WRITER } }).to_string()).unwrap()
    }

    fn written(order: &str, amount: f64) -> Vec<u8> {
        let schema = Schema::parse_str(WRITER).unwrap();
        let mut record = Record::new(&schema).unwrap();
        record.put("order", order);
        record.put("amount", amount);
        record.put("currency", "EUR");
        record.put("paid_at", apache_avro::types::Value::TimestampMillis(1_562_486_400_000));
        [b"\0\0\0\0\x07".to_vec(), apache_avro::to_avro_datum(&schema, record).unwrap()].concat()
    }

    fn judge(message: &[u8]) -> Outcome {
        bench().judge(r#"{"order": "o-17", "at_least": 100.0}"#, message, "2019-07-07 09:00:00").unwrap()
    }

    #[test]
    fn reads_what_another_version_of_the_schema_wrote() {
        assert_eq!(judge(&written("o-17", 100.0)), Outcome::Fulfilled);
        assert_eq!(judge(&written("o-18", 100.0)), Outcome::Other);
        assert_eq!(judge(&written("o-17", 99.5)), Outcome::Refused("99.5 is less than 100".to_owned()));
    }

    #[test]
    fn says_what_is_malformed() {
        for (message, part) in [
            (&b"{}"[..], "magic byte"),
            (b"\0\0\0\0\x08", "schema 8"),
            (b"\0\0\0\0\x07\x02", "not a payment of schema 7"),
        ] {
            let Outcome::Rejected(reason) = judge(message) else { panic!("{message:?} was not rejected") };
            assert!(reason.contains(part), "{reason}");
        }
    }

    #[test]
    fn says_what_is_wrong_with_its_configuration() {
        for (schemas, part) in [(json!({ "7": "{" }), "schemas.7: is no Avro schema"), (json!({ "x": "" }), "a number")] {
            let problems = Bench::of::<PaymentAvro>(&json!({ "schemas": schemas }).to_string()).err().unwrap();
            assert!(problems.to_string().contains(part), "{problems}");
        }
    }
}
