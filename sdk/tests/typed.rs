//! A typed matcher that uses everything there is, on the bench.

use eventlatch_sdk::civil::date;
use eventlatch_sdk::prelude::*;
use eventlatch_sdk::testing::{Bench, Outcome};

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
struct Config {
    #[serde(default)]
    region: String,
    #[serde(default)]
    limit: i64,
}

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
struct Wanted {
    item: String,
    #[serde(default)]
    day: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "eventlatch_sdk::serde")]
struct Message {
    item: String,
    count: i64,
}

struct Stock {
    config: Config,
}

impl Matcher for Stock {
    type Config = Config;
    type Wanted = Wanted;
    type Message = Message;

    const NAME: &'static str = "stock";
    const SUMMARY: &'static str = "an item is in stock, or no more";
    const TOPICS: &'static [&'static str] = &["stock"];
    const NEEDS: Needs = Needs::KEYS.and(Needs::HEADERS).and(Needs::TOMBSTONES);

    fn configure(config: Config) -> Result<Self, Problems> {
        if config.limit < 0 {
            return Err(Problem::of("limit", "must not be negative").into());
        }
        Ok(Self { config })
    }

    fn settings(&self) -> Settings {
        let topics =
            if self.config.region.is_empty() { Vec::new() } else { vec![format!("stock-{}", self.config.region)] };
        Settings { topics, day_shift_seconds: 60 }
    }

    fn prepare(&self, wanted: &mut Wanted, on: Date) -> Result<Keys, Problem> {
        wanted.day = Some(on.to_string());
        Ok([key![wanted.item], key!["every", "item"]].into_iter().collect())
    }

    fn extract(&self, message: &Message, envelope: &Envelope<'_>) -> Result<Extract, Reject> {
        if message.count < 0 {
            return Err(Reject::new("negative count"));
        }
        let recall = envelope.headers.iter().any(|header| header.name == "recall" && header.value == b"yes");
        Ok(if recall { Extract::nothing() } else { key![message.item].into() })
    }

    fn extract_tombstone(&self, envelope: &Envelope<'_>) -> Result<Extract, Reject> {
        let item = envelope.key.and_then(|key| std::str::from_utf8(key).ok()).ok_or_else(|| Reject::new("no key"))?;
        Ok(key![item].into())
    }

    fn confirm(&self, candidate: &Candidate<'_, Self>) -> Verdict {
        match &candidate.message {
            None => Verdict::refused(format!("no more {}", candidate.wanted.item)),
            Some(message) if message.count < self.config.limit => Verdict::refused("too few"),
            Some(_) => Verdict::Fulfilled,
        }
    }
}

const NAIL: &str = r#"{"item": "nail"}"#;
const AT: &str = "2019-07-07 09:00:00";

fn bench() -> Bench {
    Bench::of::<Stock>(r#"{"limit": 5}"#).expect("a good configuration")
}

#[test]
fn judges_messages() {
    let judge = |message: &str| bench().judge(NAIL, message, AT).unwrap();
    assert_eq!(judge(r#"{"item": "nail", "count": 7}"#), Outcome::Fulfilled);
    assert_eq!(judge(r#"{"item": "nail", "count": 4}"#), Outcome::Refused("too few".to_owned()));
    assert_eq!(judge(r#"{"item": "screw", "count": 7}"#), Outcome::Other);
    assert_eq!(judge(r#"{"item": "nail", "count": -1}"#), Outcome::Rejected("negative count".to_owned()));
    assert_eq!(judge(""), Outcome::Rejected("empty message; expected a JSON object".to_owned()));
    assert!(matches!(judge("\0\0\0\0\x01{}"), Outcome::Rejected(reason) if reason.contains("schema registry")));
    assert!(matches!(judge(r#"{"item": "nail"}"#), Outcome::Rejected(reason) if reason.contains("count")));
}

#[test]
fn sees_headers_keys_and_tombstones() {
    let recalled = bench().header("lot", "8").header("recall", "yes");
    assert_eq!(recalled.judge(NAIL, r#"{"item": "nail", "count": 7}"#, AT), Ok(Outcome::Other));
    let deleted = bench().message_key("nail");
    assert_eq!(deleted.judge_tombstone(NAIL, AT), Ok(Outcome::Refused("no more nail".to_owned())));
    assert_eq!(bench().judge_tombstone(NAIL, AT), Ok(Outcome::Rejected("no key".to_owned())));
}

#[test]
fn shows_what_it_fills_in() {
    let rendered = bench().prepare(NAIL, date(2019, 7, 8)).unwrap().rendered;
    assert_eq!(rendered, r#"{"item":"nail","day":"2019-07-08"}"#);
}

#[test]
fn refuses_unknown_fields_by_name() {
    let problem = bench().prepare(r#"{"item": "nail", "colour": "red"}"#, date(2019, 7, 8)).unwrap_err();
    assert_eq!(problem.to_string(), "colour: unknown field; known: `day`, `item`");
    let problem = bench().prepare("{}", date(2019, 7, 8)).unwrap_err();
    assert!(problem.message().contains("missing field `item`"), "{problem}");
    for (config, part) in
        [(r#"{"limits": 1}"#, "limits: unknown field"), (r#"{"limit": -1}"#, "limit: must not be negative")]
    {
        assert!(Bench::of::<Stock>(config).err().unwrap().to_string().contains(part), "{config}");
    }
}

#[test]
fn settings_follow_the_configuration() {
    let settings = Bench::of::<Stock>(r#"{"region": "eu"}"#).unwrap().settings();
    assert_eq!(settings, Settings { topics: vec!["stock-eu".to_owned()], day_shift_seconds: 60 });
}
