//! Knows the messages of the topic `order-paid`: `{"order": "o-17", "amount": 99.5, "paid_at": 1562486400}`.

use eventlatch_sdk::prelude::*;

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Config {
    /// Amounts below this are taken for a mistake of the producer.
    #[serde(default)]
    smallest: f64,
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
pub struct Message {
    order: String,
    amount: f64,
    paid_at: EventTime,
}

/// An order was paid.
pub struct OrderPaid {
    config: Config,
}

impl Matcher for OrderPaid {
    type Config = Config;
    type Wanted = Wanted;
    type Message = Message;

    const NAME: &'static str = "order-paid";
    const SUMMARY: &'static str = "an order was paid";
    const TOPICS: &'static [&'static str] = &["order-paid"];

    fn configure(config: Config) -> Result<Self, Problems> {
        if config.smallest < 0.0 {
            return Err(Problem::of("smallest", "must not be negative").into());
        }
        Ok(Self { config })
    }

    fn prepare(&self, wanted: &mut Wanted, _on: Date) -> Result<Keys, Problem> {
        if wanted.order.is_empty() {
            return Err(Problem::of("order", "must not be empty"));
        }
        Ok(key![wanted.order].into())
    }

    fn extract(&self, message: &Message, _: &Envelope<'_>) -> Result<Extract, Reject> {
        if message.amount < self.config.smallest {
            return Err(Reject::new(format!("field `amount` must be at least {:?}", self.config.smallest)));
        }
        Ok(key![message.order].at(message.paid_at))
    }

    fn confirm(&self, candidate: &Candidate<'_, Self>) -> Verdict {
        match &candidate.message {
            Some(message) if message.amount < candidate.wanted.at_least => {
                Verdict::refused(format!("{:?} is less than {:?}", message.amount, candidate.wanted.at_least))
            }
            _ => eventlatch_sdk::same_business_day(candidate.event_time.as_ref(), &candidate.arrival),
        }
    }
}

export_matcher!(OrderPaid);
