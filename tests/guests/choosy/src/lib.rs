//! A later build of the matcher `unruly` whose wanted messages have another field: it refuses those that are there.

use eventlatch_sdk::prelude::*;

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Wanted {
    title: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
pub struct Message {
    name: String,
}

pub struct Choosy;

impl Matcher for Choosy {
    type Config = NoConfig;
    type Wanted = Wanted;
    type Message = Message;

    const NAME: &'static str = "unruly";
    const SUMMARY: &'static str = "wants another field";
    const TOPICS: &'static [&'static str] = &["unruly"];

    fn configure(_: NoConfig) -> Result<Self, Problems> {
        Ok(Self)
    }

    fn prepare(&self, wanted: &mut Wanted, _on: Date) -> Result<Keys, Problem> {
        Ok(key![wanted.title].into())
    }

    fn extract(&self, message: &Message, _: &Envelope<'_>) -> Result<Extract, Reject> {
        Ok(key![message.name].into())
    }

    fn confirm(&self, _: &Candidate<'_, Self>) -> Verdict {
        Verdict::Fulfilled
    }
}

export_matcher!(Choosy);
