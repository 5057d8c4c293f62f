//! Write matchers for eventlatch: typed Rust in, one WebAssembly file out.
//!
//! eventlatch waits for Kafka messages so that no workflow task has to. A *matcher* tells it what a message is. Anyone
//! can write one for a topic of their own; a running service picks the file up.
//!
//! A matcher answers three questions:
//!
//! * What does a **wanted message** ask for? It turns the fields that a sensor lists into a [`Key`].
//! * What is a **message** about? It turns what Kafka brings into a [`Key`], and says when it happened.
//! * Where the two keys are equal: does the message really **fulfil** what is wanted?
//!
//! The service compares keys by hash. So a message costs the same whether one or a million wanted messages wait.
//!
//! # A first matcher
//!
//! Start a library, `cargo new --lib order-shipped`, with this in its `Cargo.toml`:
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib", "rlib"]
//!
//! [dependencies]
//! eventlatch-sdk = "0.1"
//! ```
//!
//! Messages of the topic `order-shipped` look like `{"order": "o-17", "carrier": "dhl", "shipped_at": 1562486400}`.
//! What is wanted is told by two of the fields, so a [`FieldMatcher`] will do. This is all of `src/lib.rs`:
//!
//! ```
//! use eventlatch_sdk::fields::text;
//! use eventlatch_sdk::prelude::*;
//!
//! pub struct OrderShipped;
//!
//! impl FieldMatcher for OrderShipped {
//!     type Config = NoConfig;
//!
//!     const NAME: &'static str = "order-shipped";
//!     const SUMMARY: &'static str = "an order left the warehouse";
//!
//!     fn fields(_: NoConfig) -> Result<Fields, Problems> {
//!         Ok(Fields::on("order-shipped")
//!             .key(text("order"))
//!             .optional(text("carrier"))
//!             .time("shipped_at")
//!             .same_business_day())
//!     }
//! }
//!
//! export_matcher!(OrderShipped: FieldMatcher);
//! # use eventlatch_sdk::testing::{Bench, Outcome};
//! # let bench = Bench::of_fields::<OrderShipped>("{}").unwrap();
//! # let message = r#"{"order": "o-17", "carrier": "dhl", "shipped_at": 1562486400}"#;
//! # let outcome = bench.judge(r#"{"order": "o-17"}"#, message, "2019-07-07 09:00:00");
//! # assert_eq!(outcome, Ok(Outcome::Fulfilled));
//! ```
//!
//! Build it with `cargo build --release --target wasm32-unknown-unknown` and copy the `.wasm` file from
//! `target/wasm32-unknown-unknown/release/` into the service's folder of matchers. There are no other tools to install
//! and no flags to set. Now a sensor may wait for
//!
//! ```json
//! {"topic": "order-shipped", "frequency": "D", "order": "o-17", "task_id": "bill_customer"}
//! ```
//!
//! # A matcher with types
//!
//! Where fields and rules are not enough, implement [`Matcher`]: it reads messages and wanted messages into types of
//! its own. This one wants an order of at least a certain value. The order is the key; how much is enough is for
//! [`confirm`](Matcher::confirm), since it is no matter of equality:
//!
//! ```
//! use eventlatch_sdk::prelude::*;
//!
//! #[derive(Deserialize, Serialize, JsonSchema)]
//! #[serde(crate = "eventlatch_sdk::serde")]
//! struct Wanted {
//!     shop: String,
//!     at_least: u64,
//! }
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(crate = "eventlatch_sdk::serde")]
//! struct Message {
//!     shop: String,
//!     total: u64,
//!     placed_at: EventTime,
//! }
//!
//! struct LargeOrder;
//!
//! impl Matcher for LargeOrder {
//!     type Config = NoConfig;
//!     type Wanted = Wanted;
//!     type Message = Message;
//!
//!     const NAME: &'static str = "large-order";
//!     const SUMMARY: &'static str = "an order of some value was placed";
//!     const TOPICS: &'static [&'static str] = &["orders"];
//!
//!     fn configure(_: NoConfig) -> Result<Self, Problems> {
//!         Ok(Self)
//!     }
//!
//!     fn prepare(&self, wanted: &mut Wanted, _on: Date) -> Result<Keys, Problem> {
//!         if wanted.shop.is_empty() {
//!             return Err(Problem::of("shop", "must not be empty"));
//!         }
//!         Ok(key![wanted.shop].into())
//!     }
//!
//!     fn extract(&self, message: &Message, _: &Envelope<'_>) -> Result<Extract, Reject> {
//!         Ok(key![message.shop].at(message.placed_at))
//!     }
//!
//!     fn confirm(&self, candidate: &Candidate<'_, Self>) -> Verdict {
//!         match &candidate.message {
//!             Some(order) if order.total >= candidate.wanted.at_least => Verdict::Fulfilled,
//!             Some(order) => Verdict::refused(format!("a total of {} is not enough", order.total)),
//!             None => Verdict::refused("the order was deleted"),
//!         }
//!     }
//! }
//!
//! export_matcher!(LargeOrder);
//! # use eventlatch_sdk::testing::{Bench, Outcome};
//! # let bench = Bench::of::<LargeOrder>("{}").unwrap();
//! # let judge = |total| {
//! #     let message = format!(r#"{{"shop": "s", "total": {total}, "placed_at": "2019-07-07T08:00:00Z"}}"#);
//! #     bench.judge(r#"{"shop": "s", "at_least": 100}"#, message, "2019-07-07 09:00:00").unwrap()
//! # };
//! # assert_eq!(judge(100), Outcome::Fulfilled);
//! # assert_eq!(judge(99), Outcome::Refused("a total of 99 is not enough".into()));
//! ```
//!
//! The `crate` attribute tells serde's derives where serde is. A crate that depends on serde itself does without.
//!
//! # Other formats than JSON
//!
//! [`decode`](Matcher::decode) says how bytes become a message. What a schema registry's serializers put before them,
//! [`registry::Frame`] takes off; the rest is the format's own crate. `examples/schema-registry` has a matcher for Avro,
//! which finds its schemas in its configuration, and one for Protobuf:
//!
//! ```
//! use eventlatch_sdk::{Reject, registry::Frame};
//! # struct Shipment { order: String }
//! # impl Shipment {
//! #     fn decode(bytes: &[u8]) -> Result<Self, std::string::FromUtf8Error> {
//! #         String::from_utf8(bytes.to_vec()).map(|order| Self { order })
//! #     }
//! # }
//!
//! fn decode(value: &[u8]) -> Result<Shipment, Reject> {
//!     let (_, bytes) = Frame::of(value)?.protobuf()?;
//!     Shipment::decode(bytes).map_err(|error| Reject::new(format!("not a `Shipment`: {error}")))
//! }
//! # assert_eq!(decode(b"\0\0\0\0\x07\0o-17").unwrap().order, "o-17");
//! ```
//!
//! # Tests
//!
//! Natively a matcher is a library like any other. [`testing::Bench`] runs it as the service would: give it a wanted
//! message, a message and the time of arrival, and it says what comes of it.
//!
//! # What is refused, and how
//!
//! * A [`Problem`] is about a configuration or a wanted message: whoever wrote the file sees it at once, with the field.
//! * A [`Reject`] is about a message: it is malformed. The service sets it aside with the reason; other messages go on.
//! * A refusal ([`Verdict::Refused`]) is about one message *and* one wanted message: a near miss, shown to whoever asks
//!   why a sensor still waits.
//!
//! Their texts are lower-case fragments that say what is wrong and what would be right.
//!
//! # Dates and templates
//!
//! What counts as a day is the *business date*: the day on the calendar of the sensor's zone, which may begin
//! [some seconds before midnight](Fields::day_shift_seconds). The service resolves event times and arrivals before it asks;
//! a matcher compares dates as they are ([`Moment::business_date`]).
//!
//! A wanted message is prepared once for each business date. A [`Matcher`] fills in what depends on it in place:
//!
//! ```
//! # use eventlatch_sdk::prelude::*;
//! # #[derive(Deserialize, Serialize, JsonSchema)]
//! # #[serde(crate = "eventlatch_sdk::serde")]
//! # struct Wanted { table: String, #[serde(default)] partition: String }
//! fn prepare(wanted: &mut Wanted, on: Date) -> Result<Keys, Problem> {
//!     let yesterday = on.yesterday().map_err(|error| Problem::new(error.to_string()))?;
//!     wanted.partition = yesterday.strftime("%Y%m%d").to_string();
//!     Ok(key![wanted.table, wanted.partition].into())
//! }
//! # let mut wanted = Wanted { table: "t".into(), partition: String::new() };
//! # prepare(&mut wanted, eventlatch_sdk::civil::date(2019, 7, 1)).unwrap();
//! # assert_eq!(wanted.partition, "20190630");
//! ```
//!
//! A field-wise matcher may let a text be a [template](fields::Field::template) over that date, say under the name
//! `yyyymm`; a typed one fills in its own ([`template::Templates`]):
//!
//! | template | on 2019-07-08, two days of lag |
//! |---|---|
//! | `{{ yyyymm\|dt.format(format='%Y%m') }}` | `201907` |
//! | `{{ yyyymm\|dt.add_day(n=-6) }}` | `2019-06-30` |
//! | `{{ yyyymm\|dt.add_month(n=-1, format='%Y/%m') }}` | `2019/06` |
//! | `p={{ yyyymm }}` | `p=2019-07-06` |
//!
//! # Rules of the house
//!
//! * A matcher is pure: there is no clock, file, network or randomness to be had. What time it is a message says, in
//!   its arrival.
//! * An instance serves many batches on one thread, and may be replaced at any time. What it keeps may only save work.
//! * A panic is a fault of the matcher: it is logged, and the message that caused it is set aside. Return a [`Reject`]
//!   instead.
//! * The interface is `eventlatch:matcher@1.0.0` (`wit/1.0.0/matcher.wit`); the version travels in the file, and a service
//!   that does not know it says so.
#![deny(missing_docs)]

#[doc(hidden)]
pub mod adapter;
#[doc(hidden)]
#[allow(missing_docs, unsafe_code, clippy::allow_attributes, reason = "generated; whether it needs them is not ours")]
pub mod bindings;
pub mod fields;
mod key;
pub mod log;
mod macros;
mod matcher;
pub mod prelude;
mod problem;
pub mod registry;
#[doc(hidden)]
pub mod scan;
mod schema;
pub mod template;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod time;

pub use jiff::civil;
pub use {schemars, serde, serde_json};

pub use fields::{FieldMatcher, Fields};
pub use key::{Key, KeyField, Keys};
pub use matcher::{
    Candidate, Envelope, Extract, Header, Matcher, Needs, NoConfig, Settings, Verdict, same_business_day,
};
pub use problem::{Problem, Problems, Reject};
pub use time::{EventTime, Moment};
