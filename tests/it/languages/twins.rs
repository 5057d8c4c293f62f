//! `examples/order-paid` in Python and JavaScript beside the same matcher in Rust: whatever one says, the others say.

use std::{collections::BTreeMap, sync::Arc};

use eventlatch::matcher::{Candidate, Limits, Moment, Settings, Verdict, Worker};
use eventlatch_tests::languages::Language;
use jiff::{Timestamp, civil::date};

use super::{BOTH, Bench, messages, told};
use crate::guests::ORDER_PAID;

fn twin(language: Language) -> Arc<[u8]> {
    language.component(match language {
        Language::Python => "examples/order-paid/python",
        Language::JavaScript => "examples/order-paid/js",
    })
}

const MESSAGES: [&[u8]; 14] = [
    br#"{"order": "o-17", "amount": 99.5, "paid_at": 1562486400}"#,
    br#"{"order": "o-17", "amount": 99.5, "paid_at": 1562486400.123}"#,
    br#"{"order": "o-17", "amount": 100, "paid_at": "2019-07-07 08:00:00"}"#,
    br#"{"order": "o-17", "amount": 100.0, "paid_at": "2019-07-07T08:00:00.5+08:00", "more": [1, {"a": null}]}"#,
    "{\"order\": \"größer\\u4e2d\\ud83d\\ude00\", \"amount\": -1e-3, \"paid_at\": 0}".as_bytes(),
    br#"{"order": "", "amount": 0, "paid_at": -1}"#,
    b"",
    b"\0\0\0\0\x07{}",
    br#"{"order": 17, "amount": 1, "paid_at": 0}"#,
    br#"{"order": "o-17", "amount": 1, "paid_at": 1562486400000}"#,
    br#"{"order": "o-17", "amount": 1}"#,
    br#"{"order": "o-17", "amount": "1", "paid_at": 0}"#,
    b"[1, 2]",
    br#"{"order": "o-17", "amount": 1, "paid_at": 0"#,
];

/// Whose readers word it differently; that they reject is what counts.
fn worded_alike(told: Vec<String>) -> Vec<String> {
    let alike = |told: String| if told.starts_with("rejected") { "rejected".to_owned() } else { told };
    told.into_iter().map(alike).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_have_the_keys_and_times_of_their_twins() {
    let expected = worded_alike(told(&Bench::of(ORDER_PAID).extract(&MESSAGES).await, MESSAGES.len()));
    assert!(expected[0].contains("o-17") || expected[0].contains("6f, 2d"), "{expected:?}");
    for language in BOTH {
        let found = told(&Bench::of(&twin(language)).extract(&MESSAGES).await, MESSAGES.len());
        assert_eq!(worded_alike(found), expected, "{language:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejects_have_reasons_that_name_the_field() {
    for language in BOTH {
        let told = told(&Bench::of(&twin(language)).extract(&MESSAGES).await, MESSAGES.len());
        assert_eq!(told[6], "rejected: empty message; expected a JSON object");
        assert!(told[7].contains("magic byte of a schema registry"), "{}", told[7]);
        assert_eq!(told[8], "rejected: field `order` must be text, not a number");
        assert!(told[9].contains("`paid_at`") && told[9].contains("looks like milliseconds"), "{}", told[9]);
        assert_eq!(told[10], "rejected: field `paid_at` is missing; it must be epoch seconds or text");
        assert!(told[13].starts_with("rejected: not JSON: "), "{}", told[13]);
    }
}

/// What a wanted message becomes, or what is wrong with it.
async fn prepared(bench: &Bench) -> Vec<String> {
    let generation = Arc::clone(&bench.generation);
    let job = move |worker: &mut Worker| {
        let wanted = [
            r#"{"order": "o-17", "at_least": 99.75}"#,
            r#"{"order": ""}"#,
            r#"{"order": "o-17", "atleast": 1.5}"#,
            r#"{"at_least": 1.5}"#,
        ];
        worker.prepare(&generation, &wanted, date(2019, 7, 7)).unwrap()
    };
    let said = |answer| match answer {
        Ok(eventlatch::matcher::Prepared { rendered, keys, .. }) => format!("{rendered} {keys:02x?}"),
        Err(eventlatch::matcher::Problem { field, message }) => {
            // Rust's reader of JSON says which field is missing in the text alone.
            let missing = message.contains("missing");
            if missing { "missing".to_owned() } else { format!("{field:?}: {message}") }
        }
    };
    bench.pool.run(job).await.into_iter().map(said).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn wanted_messages_are_prepared_as_by_their_twins() {
    let expected = prepared(&Bench::of(ORDER_PAID)).await;
    assert!(expected[1].contains("must not be empty") && expected[3] == "missing", "{expected:?}");
    for language in BOTH {
        let mut found = prepared(&Bench::of(&twin(language))).await;
        // The known fields are listed in the order of the definition.
        found[2] = found[2].replace("known: `order`, `at_least`", "known: `at_least`, `order`");
        assert_eq!(found, expected, "{language:?}");
    }
}

async fn verdicts(bench: &Bench) -> Vec<Verdict> {
    let generation = Arc::clone(&bench.generation);
    let job = move |worker: &mut Worker| {
        let messages = messages(&MESSAGES[..3]);
        let moment = |day| Moment {
            instant: Timestamp::UNIX_EPOCH,
            civil: date(2019, 7, day).at(8, 0, 0, 0),
            business_date: date(2019, 7, day),
        };
        let wanted = [r#"{"order": "o-17", "at_least": 99.75}"#, r#"{"order": "o-17"}"#];
        let prepared = worker.prepare(&generation, &wanted, date(2019, 7, 7)).unwrap();
        let tokens: Vec<_> = prepared.into_iter().map(|prepared| prepared.unwrap().token).collect();
        let candidates: Vec<_> = (messages.iter().flat_map(|message| tokens.iter().map(move |token| (message, token))))
            .flat_map(|(message, token)| [Some(moment(7)), Some(moment(6)), None].map(|event| (message, token, event)))
            .map(|(message, token, event_time)| Candidate {
                topic: "order-paid",
                message,
                event_time,
                arrival: moment(7),
                token,
            })
            .collect();
        worker.confirm(&generation, &candidates).unwrap()
    };
    bench.pool.run(job).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_is_that_of_the_twins() {
    let expected = verdicts(&Bench::of(ORDER_PAID)).await;
    assert!(expected.contains(&Verdict::Refused("99.5 is less than 99.75".to_owned())), "{expected:?}");
    for language in BOTH {
        assert_eq!(verdicts(&Bench::of(&twin(language))).await, expected, "{language:?}");
    }
}

#[test]
fn they_describe_themselves_as_their_twins() {
    let expected = Bench::of(ORDER_PAID).generation;
    for language in BOTH {
        let found = Bench::of(&twin(language)).generation;
        assert_eq!((&found.topics, &found.description.summary), (&expected.topics, &expected.description.summary));
        let defaults = |generation: &eventlatch::matcher::Generation| {
            let number = |value: &serde_json::Value| value.as_f64();
            let defaults = generation.wanted_defaults().map(|(name, value)| (name.clone(), number(value)));
            defaults.collect::<BTreeMap<_, _>>()
        };
        assert_eq!(defaults(&found), defaults(&expected), "{language:?}");
        assert_eq!(found.description.wanted_schema["required"], expected.description.wanted_schema["required"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_configured_as_their_twins() {
    let settings = |config: serde_json::Value| {
        let settings: Settings = serde_json::from_value(serde_json::json!({ "config": config })).unwrap();
        BTreeMap::from([("order-paid".to_owned(), settings)])
    };
    for language in BOTH {
        let named = settings(serde_json::json!({ "smallest": 99.75 }));
        let bench = Bench::with(&twin(language), Limits::default(), &named);
        let told = told(&bench.extract(&MESSAGES[..3]).await, 3);
        assert_eq!(told[0], "rejected: field `amount` must be at least 99.75", "{language:?}");
        assert!(!told[2].starts_with("rejected"), "{language:?}: {}", told[2]);
        for (wrong, said) in [
            (serde_json::json!({ "smallest": -1.5 }), "smallest: must not be negative"),
            (serde_json::json!({ "largest": 1.5 }), "largest: unknown field; known: `smallest`"),
            (serde_json::json!({ "smallest": "1" }), "smallest: must be a number, not text"),
        ] {
            let words = super::refusal(&twin(language), &settings(wrong)).replace('`', "");
            assert!(words.contains(&said.replace('`', "")), "{language:?}: {words}");
        }
    }
}
