//! A later build of the matcher `unruly` with a rule of its own: it refuses messages that are told to be picked, and takes those
//! that are told to be renamed for others.

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
    #[serde(default)]
    act: String,
}

pub struct Picky;

impl Matcher for Picky {
    type Config = NoConfig;
    type Wanted = Wanted;
    type Message = Message;

    const NAME: &'static str = "unruly";
    const SUMMARY: &'static str = "refuses some of its messages";
    const TOPICS: &'static [&'static str] = &["unruly"];

    fn configure(_: NoConfig) -> Result<Self, Problems> {
        Ok(Self)
    }

    fn prepare(&self, wanted: &mut Wanted, _on: Date) -> Result<Keys, Problem> {
        Ok(key![wanted.name].into())
    }

    fn extract(&self, message: &Message, _: &Envelope<'_>) -> Result<Extract, Reject> {
        if message.act == "rename" {
            return Ok(key![message.name.to_uppercase()].into());
        }
        Ok(key![message.name].into())
    }

    fn confirm(&self, candidate: &Candidate<'_, Self>) -> Verdict {
        let picked = candidate.message.as_ref().is_some_and(|message| message.act == "pick");
        if picked { Verdict::refused("it is picked") } else { Verdict::Fulfilled }
    }
}

export_matcher!(Picky);
