//! `examples/order-paid` in Python and JavaScript beside the same matcher in Rust: whatever one says, the others say.

use std::{collections::BTreeMap, fs, sync::Arc};

use eventlatch::matcher::{Limits, Settings, Verdict, cases};
use eventlatch_tests::languages::{Language, repository};

use super::{
    BOTH, Bench,
    order_paid::{MESSAGES, judged, prepared, verdicts},
    told,
};
use crate::guests::ORDER_PAID;

fn twin(language: Language) -> Arc<[u8]> {
    language.component(match language {
        Language::Python => "examples/order-paid/python",
        Language::JavaScript => "examples/order-paid/js",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_have_the_keys_and_times_of_their_twins() {
    let expected = judged(&Bench::of(ORDER_PAID)).await;
    assert!(expected[0].contains("6f, 2d, 31, 37"), "the key is that of `o-17`: {expected:?}");
    for language in BOTH {
        assert_eq!(judged(&Bench::of(&twin(language))).await, expected, "{language:?}");
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

#[tokio::test(flavor = "multi_thread")]
async fn wanted_messages_are_prepared_as_by_their_twins() {
    let expected = prepared(&Bench::of(ORDER_PAID)).await;
    assert!(expected[1].contains("must not be empty") && expected[3] == "missing", "{expected:?}");
    for language in BOTH {
        assert_eq!(prepared(&Bench::of(&twin(language))).await, expected, "{language:?}");
    }
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

#[test]
fn each_passes_its_cases_which_are_those_of_its_twins() {
    let file = |folder: &str| repository().join("examples/order-paid").join(folder).join("cases/messages.json");
    let (python, javascript) = (twin(Language::Python), twin(Language::JavaScript));
    for (folder, component) in [("rust", ORDER_PAID), ("python", &python[..]), ("js", &javascript[..])] {
        assert!(fs::read(file(folder)).unwrap() == fs::read(file("rust")).unwrap(), "{folder} has cases of its own");
        let bench = Bench::of(component);
        let ran = cases::run(&bench.runtime, &bench.generation, &cases::read(&file(folder)).unwrap()).unwrap();
        assert!(ran.len() >= 6, "{folder}");
        for ran in ran {
            assert!(ran.passed(), "{folder}: {}: {:?}", ran.case, ran.differences);
        }
    }
}
