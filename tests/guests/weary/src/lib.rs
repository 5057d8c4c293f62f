//! A later build of the matcher `unruly` which passes every check and then fails on all messages from a number on. It
//! renders wanted messages differently than the one before it.

use eventlatch_sdk::prelude::*;

/// The first number that is too much.
const TOO_MUCH: u64 = 10_000;

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Wanted {
    name: String,
    /// What the build before it does not know: wanted messages render differently.
    #[serde(skip_deserializing)]
    tired: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Message {
    name: String,
    number: u64,
}

pub struct Weary;

impl Matcher for Weary {
    type Config = NoConfig;
    type Wanted = Wanted;
    type Message = Message;

    const NAME: &'static str = "unruly";
    const SUMMARY: &'static str = "fails on messages from a number on";
    const TOPICS: &'static [&'static str] = &["unruly"];

    fn configure(_: NoConfig) -> Result<Self, Problems> {
        Ok(Self)
    }

    fn prepare(&self, wanted: &mut Wanted, _on: Date) -> Result<Keys, Problem> {
        Ok(key![wanted.name].into())
    }

    fn extract(&self, message: &Message, _: &Envelope<'_>) -> Result<Extract, Reject> {
        assert!(message.number < TOO_MUCH, "tired of messages");
        Ok(key![message.name].into())
    }

    fn confirm(&self, _: &Candidate<'_, Self>) -> Verdict {
        Verdict::Fulfilled
    }
}

export_matcher!(Weary);
