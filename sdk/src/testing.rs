//! Tests of a matcher without WebAssembly, service or broker.
//!
//! A [`Bench`] runs a matcher the way the service does, through the very same code, on one message at a time:
//!
//! ```
//! # use eventlatch_sdk::{FieldMatcher, Fields, NoConfig, Problems, fields::text};
//! # struct OrderShipped;
//! # impl FieldMatcher for OrderShipped {
//! #     type Config = NoConfig;
//! #     const NAME: &'static str = "order-shipped";
//! #     const SUMMARY: &'static str = "an order left the warehouse";
//! #     fn fields(_: NoConfig) -> Result<Fields, Problems> {
//! #         Ok(Fields::on("order-shipped").key(text("order")).time("shipped_at").same_business_day())
//! #     }
//! # }
//! use eventlatch_sdk::testing::{Bench, Outcome};
//!
//! let bench = Bench::of_fields::<OrderShipped>("{}")?;
//! let wanted = r#"{"order": "o-1"}"#;
//! let message = r#"{"order": "o-1", "shipped_at": "2019-07-07 08:00:00"}"#;
//!
//! assert_eq!(bench.judge(wanted, message, "2019-07-07 09:00:00")?, Outcome::Fulfilled);
//! assert!(matches!(bench.judge(wanted, message, "2019-07-08 09:00:00")?, Outcome::Refused(_)));
//! # Ok::<(), Problems>(())
//! ```
//!
//! Times are civil times in the sensor's zone, which is UTC unless [`Bench::offset_hours`] says otherwise.

mod moments;
mod outcome;

use jiff::civil::{Date, DateTime};

use crate::adapter::{Adapter, FieldWise, Typed};
use crate::bindings::exports::eventlatch::matcher::guest;
use crate::{FieldMatcher, Matcher, Problem, Problems, Settings};

pub use outcome::{Outcome, Wanted};

/// A configured matcher under test.
pub struct Bench {
    adapter: Box<dyn Adapter>,
    description: guest::Description,
    offset_seconds: i64,
    key: Option<Vec<u8>>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Bench {
    /// A bench for a matcher with this configuration, a JSON object.
    pub fn of<M: Matcher>(config: &str) -> Result<Self, Problems> {
        Self::new::<Typed<M>>(config)
    }

    /// A bench for a field-wise matcher with this configuration, a JSON object.
    pub fn of_fields<M: FieldMatcher>(config: &str) -> Result<Self, Problems> {
        Self::new::<FieldWise<M>>(config)
    }

    fn new<A: Adapter>(config: &str) -> Result<Self, Problems> {
        let adapter = A::configure(config).map_err(|problems| {
            let problems = problems.into_iter().map(problem_from).collect();
            Problems::check(problems).err().unwrap_or_else(|| Problem::new("refused without a problem").into())
        })?;
        Ok(Self {
            adapter: Box::new(adapter),
            description: A::describe("0.0.0"),
            offset_seconds: 0,
            key: None,
            headers: Vec::new(),
        })
    }

    /// Puts the sensors into a zone so many hours east of Greenwich.
    pub fn offset_hours(mut self, hours: i8) -> Self {
        self.offset_seconds = i64::from(hours) * 3600;
        self
    }

    /// Gives all messages this message key.
    pub fn message_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Gives all messages this header, beside those given before.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// What follows from the configuration.
    pub fn settings(&self) -> Settings {
        let settings = self.adapter.settings();
        Settings { topics: settings.topics, day_shift_seconds: settings.day_shift_seconds }
    }

    /// The JSON Schema of a wanted message.
    pub fn wanted_schema(&self) -> serde_json::Value {
        serde_json::from_str(&self.description.wanted_schema).unwrap_or_default()
    }

    /// A wanted message (a JSON object of its own fields) as it is on a business date.
    pub fn prepare(&self, wanted: &str, on: Date) -> Result<Wanted, Problem> {
        let date = moments::date(on);
        let prepared = self.adapter.prepare(wanted, date).map_err(problem_from)?;
        Ok(Wanted { rendered: prepared.rendered, keys: prepared.keys, token: prepared.token })
    }

    /// Why a message is malformed, if it is.
    pub fn reject(&self, message: impl AsRef<[u8]>) -> Option<String> {
        let extracts = self.extract(Some(message.as_ref()), 0);
        extracts.rejects.into_iter().next().map(|reject| reject.reason)
    }

    /// What a message is to a wanted message if it arrives at a civil time, such as `2019-07-07 08:00:00`.
    ///
    /// The wanted message is rendered for the business date of the arrival, as in the service.
    pub fn judge(&self, wanted: &str, message: impl AsRef<[u8]>, arrival: &str) -> Result<Outcome, Problem> {
        self.judge_value(wanted, Some(message.as_ref()), arrival)
    }

    /// As [`Bench::judge`], for a message without a value.
    pub fn judge_tombstone(&self, wanted: &str, arrival: &str) -> Result<Outcome, Problem> {
        self.judge_value(wanted, None, arrival)
    }

    fn judge_value(&self, wanted: &str, value: Option<&[u8]>, arrival: &str) -> Result<Outcome, Problem> {
        let arrival: DateTime =
            arrival.parse().map_err(|error| Problem::new(format!("`{arrival}` is not a civil time: {error}")))?;
        let zone = moments::Zone::new(self.offset_seconds, self.adapter.settings().day_shift_seconds);
        let arrival = zone.at_civil(moments::millis(arrival));
        let wanted = self.prepare(wanted, moments::date_from(arrival.business_date))?;
        if value.is_none() && self.description.needs & guest::Needs::TOMBSTONES == guest::Needs::empty() {
            return Ok(Outcome::Other);
        }
        let extracts = self.extract(value, arrival.instant);
        if let Some(reject) = extracts.rejects.into_iter().next() {
            return Ok(Outcome::Rejected(reject.reason));
        }
        if !outcome::share_a_key(&extracts.keys, &wanted.keys) {
            return Ok(Outcome::Other);
        }
        let event_time = match extracts.time_kinds.first() {
            Some(1) => extracts.times.first().map(|millis| zone.at_instant(*millis)),
            Some(2) => extracts.times.first().map(|millis| zone.at_civil(*millis)),
            _ => None,
        };
        let candidate = self.candidate(value, event_time, arrival, wanted.token);
        Ok(match self.adapter.confirm(&candidate) {
            guest::Verdict::Fulfilled => Outcome::Fulfilled,
            guest::Verdict::Refused(reason) => Outcome::Refused(reason),
        })
    }

    fn topic(&self) -> String {
        let topics = [self.adapter.settings().topics, self.description.topics.clone()].concat();
        topics.into_iter().next().unwrap_or_default()
    }

    /// A batch of one message.
    fn extract(&self, value: Option<&[u8]>, arrival: i64) -> guest::Extracts {
        let of_one = |bytes: &[u8]| guest::Column { bytes: bytes.to_vec(), ends: vec![bytes.len() as u32] };
        self.adapter.extract(&guest::Batch {
            topic: self.topic(),
            values: of_one(value.unwrap_or_default()),
            tombstones: if value.is_none() { vec![0] } else { Vec::new() },
            arrivals: vec![arrival],
            keys: self.key.as_deref().map(of_one),
            headers: (!self.headers.is_empty()).then(|| outcome::header_columns(&self.headers)),
        })
    }

    fn candidate(
        &self,
        value: Option<&[u8]>,
        event_time: Option<guest::Moment>,
        arrival: guest::Moment,
        token: Vec<u8>,
    ) -> guest::Candidate {
        let header = |(name, value): &(String, Vec<u8>)| guest::Header { name: name.clone(), value: value.clone() };
        guest::Candidate {
            topic: self.topic(),
            value: value.map(<[u8]>::to_vec),
            key: self.key.clone(),
            headers: self.headers.iter().map(header).collect(),
            event_time,
            arrival,
            token,
        }
    }
}

fn problem_from(problem: guest::Problem) -> Problem {
    match problem.field {
        Some(field) => Problem::of(field, problem.message),
        None => Problem::new(problem.message),
    }
}
