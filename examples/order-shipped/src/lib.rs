//! Knows the messages of the topic `order-shipped`: `{"order": "o-17", "carrier": "dhl", "shipped_at": 1562486400}`.

use eventlatch_sdk::prelude::*;

/// What a sensor waits for: an order.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Wanted {
    order: String,
}

/// What arrives on the topic.
#[derive(Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Message {
    order: String,
    shipped_at: EventTime,
}

/// An order left the warehouse.
pub struct OrderShipped;

impl Matcher for OrderShipped {
    type Config = NoConfig;
    type Wanted = Wanted;
    type Message = Message;

    const NAME: &'static str = "order-shipped";
    const SUMMARY: &'static str = "an order left the warehouse";
    const TOPICS: &'static [&'static str] = &["order-shipped"];

    fn configure(_: NoConfig) -> Result<Self, Problems> {
        Ok(Self)
    }

    fn prepare(&self, wanted: &mut Wanted, _on: Date) -> Result<Keys, Problem> {
        Ok(key![wanted.order].into())
    }

    fn extract(&self, message: &Message, _: &Envelope<'_>) -> Result<Extract, Reject> {
        Ok(key![message.order].at(message.shipped_at))
    }
}

export_matcher!(OrderShipped);

#[cfg(test)]
mod tests {
    use super::*;
    use eventlatch_sdk::testing::{Bench, Outcome};

    #[test]
    fn an_order_that_shipped_today_fulfils() {
        let bench = Bench::of::<OrderShipped>("{}").unwrap();
        let judge = |message| {
            bench
                .judge(r#"{"order": "o-17"}"#, message, "2019-07-07 09:00:00")
                .unwrap()
        };

        assert_eq!(
            judge(r#"{"order": "o-17", "shipped_at": "2019-07-07 08:00:00"}"#),
            Outcome::Fulfilled
        );
        assert_eq!(
            judge(r#"{"order": "o-18", "shipped_at": "2019-07-07 08:00:00"}"#),
            Outcome::Other
        );
        assert!(matches!(
            judge(r#"{"order": "o-17", "shipped_at": "2019-07-06 08:00:00"}"#),
            Outcome::Refused(_)
        ));
        assert!(matches!(judge(r#"{"order": "o-17"}"#), Outcome::Rejected(_)));
    }
}
