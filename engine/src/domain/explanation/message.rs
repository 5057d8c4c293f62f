//! What one given message would do: whom it would fulfil, and why not the others.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a message comes to, for everybody who might want it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MessageExplanation {
    pub topic: String,
    #[schema(value_type = String, format = DateTime)]
    pub arrival: Timestamp,
    /// The matchers that were asked: those that sensors want messages of the topic judged by.
    pub matchers: Vec<String>,
    pub fulfils: Vec<Wanting>,
    /// Wanted messages with its key that do not take it all the same.
    pub refused: Vec<Refusal>,
    /// Matchers that find it malformed, or fail on it.
    pub rejected: Vec<Rejection>,
    /// Where nobody wants its key: the wanted messages that differ from it in the fewest fields.
    pub nearest: Vec<Nearest>,
    /// How many wanted messages of its topic there are.
    pub wanted: usize,
}

/// A wanted message, as it renders on the business date of the arrival.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Wanting {
    pub sensor: String,
    pub task_id: String,
    #[schema(value_type = String, format = Date)]
    pub business_date: Date,
    pub wanted: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Refusal {
    #[serde(flatten)]
    pub wanting: Wanting,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Rejection {
    pub matcher: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Nearest {
    #[serde(flatten)]
    pub wanting: Wanting,
    pub differs: Vec<Difference>,
}

/// A field that is wanted to be something else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Difference {
    pub field: String,
    pub wanted: Value,
    /// None: the message has no such field.
    pub is: Option<Value>,
}

impl MessageExplanation {
    /// What it comes to, in one line.
    pub fn headline(&self) -> String {
        let rejected = self.rejected.first().map(|it| format!("set aside by {}: {}", it.matcher, it.reason));
        match (self.fulfils.len(), self.refused.len(), rejected) {
            (0, 0, Some(rejected)) => rejected,
            (0, 0, None) if self.wanted == 0 => format!("no sensor wants messages of the topic {}", self.topic),
            (0, 0, None) => format!("nobody wants it, of {} wanted messages of its topic", self.wanted),
            (0, 1, _) => "fulfils nothing; one wanted message has its key and refuses it".to_owned(),
            (0, refused, _) => format!("fulfils nothing; {refused} wanted messages have its key and refuse it"),
            (1, ..) => "would fulfil 1 wanted message".to_owned(),
            (fulfils, ..) => format!("would fulfil {fulfils} wanted messages"),
        }
    }
}
