//! A mended build of the matcher `unruly`: it does nothing of what its messages tell it to.

use eventlatch_sdk::prelude::*;

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Wanted {
    name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Message {
    name: String,
}

pub struct Tame;

impl Matcher for Tame {
    type Config = NoConfig;
    type Wanted = Wanted;
    type Message = Message;

    const NAME: &'static str = "unruly";
    const SUMMARY: &'static str = "does nothing of what its messages tell it to";
    const TOPICS: &'static [&'static str] = &["unruly"];

    fn configure(_: NoConfig) -> Result<Self, Problems> {
        Ok(Self)
    }

    fn prepare(&self, wanted: &mut Wanted, _on: Date) -> Result<Keys, Problem> {
        Ok(key![wanted.name].into())
    }

    fn extract(&self, message: &Message, _: &Envelope<'_>) -> Result<Extract, Reject> {
        Ok(key![message.name].into())
    }

    fn confirm(&self, _: &Candidate<'_, Self>) -> Verdict {
        Verdict::Fulfilled
    }
}

export_matcher!(Tame);
