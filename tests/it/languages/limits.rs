//! Guests in Python and JavaScript that try what a matcher must not do: each attempt ends with its message.

use std::{num::NonZeroU16, sync::Arc};

use eventlatch::matcher::Limits;
use eventlatch_tests::languages::Language;

use super::{BOTH, Bench, told};

fn nosy(language: Language) -> Arc<[u8]> {
    language.component(match language {
        Language::Python => "tests/nosy/python",
        Language::JavaScript => "tests/nosy/js",
    })
}

/// What came of each act, in one batch and between two messages that are fine.
async fn acts(bench: &Bench, acts: &[&str]) -> Vec<String> {
    let acts = [&["count"][..], acts, &["count"]].concat();
    let values: Vec<_> = acts.iter().map(|act| format!(r#"{{"act": "{act}"}}"#)).collect();
    let told = told(&bench.extract(&values.iter().map(String::as_bytes).collect::<Vec<_>>()).await, acts.len());
    let told: Vec<_> = told.into_iter().map(|told| readable(&told)).collect();
    assert!(told[0].contains("key") && told[told.len() - 1].contains("key"), "the neighbours are judged: {told:?}");
    told[1..told.len() - 1].to_vec()
}

/// The text in a key, for a person.
fn readable(told: &str) -> String {
    let Some(bytes) = told.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return told.to_owned();
    };
    let bytes: Vec<_> = bytes.0.split(", ").filter_map(|byte| u8::from_str_radix(byte, 16).ok()).skip(5).collect();
    format!("key {}", String::from_utf8_lossy(&bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_to_be_had_of_the_machine() {
    let bench = Bench::of(&nosy(Language::Python));
    let told = acts(&bench, &["sleep", "read", "write", "connect", "run", "clock", "environment", "say"]).await;
    let expected = [
        "key slept",
        "key FileNotFoundError",
        "key FileNotFoundError",
        "key ",
        "key ",
        "key 0.0",
        "key {}",
        "key said",
    ];
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "`{told}` where `{expected}` was expected");
    }
    assert!(told[3].contains("Error: ") && told[4].contains("Error: "), "{told:?}");
    let told = acts(&bench, &["leave"]).await;
    assert!(told[0].starts_with("fault Trap"), "{told:?}");

    let bench = Bench::of(&nosy(Language::JavaScript));
    let told = acts(&bench, &["read", "connect", "say"]).await;
    assert!(told[0].starts_with("key no files"), "{told:?}");
    assert!(told[1].contains("fetch") || told[1].starts_with("fault Trap"), "{told:?}");
    assert_eq!(told[2], "key said");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_message_has_the_same_result() {
    for language in BOTH {
        let bench = Bench::of(&nosy(language));
        let told = [acts(&bench, &["clock", "random"]).await, acts(&bench, &["clock", "random"]).await];
        assert_eq!(told[0], told[1], "{language:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_over_a_limit_is_set_aside_alone() {
    for language in BOTH {
        let limits = Limits { base_ms: 500, ..Limits::default() };
        let bench = Bench::with(&nosy(language), limits, &Default::default());
        let told = acts(&bench, &["loop", "hoard", "recurse", "fail", "reject"]).await;
        assert!(told[0].starts_with("fault TimedOut"), "{language:?}: {told:?}");
        assert!(told[1].starts_with("fault Memory") || told[1].starts_with("fault Trap"), "{language:?}: {told:?}");
        let recursion = ["key RecursionError", "key InternalError", "fault Trap", "fault Stack"];
        assert!(recursion.iter().any(|expected| told[2].starts_with(expected)), "{language:?}: {told:?}");
        assert!(told[3].starts_with("fault Trap"), "{language:?}: {told:?}");
        assert_eq!(told[4], "rejected: not today", "{language:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_recycled_and_forget() {
    for language in BOTH {
        let limits = Limits { recycle_calls: 3, ..Limits::default() };
        let bench = Bench::with(&nosy(language), limits, &Default::default());
        let mut counts = Vec::new();
        for _ in 0..6 {
            let extraction = bench.pool.run_aside(bench.job(&[br#"{"act": "count"}"#])).await.unwrap();
            counts.push(readable(&told(&extraction, 1)[0]));
        }
        // `configure` is the first of an instance's three calls.
        assert_eq!(counts, ["key 1", "key 2", "key 1", "key 2", "key 1", "key 2"], "{language:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_batches_need_no_more_memory_than_the_first() {
    for language in BOTH {
        // Growth beyond this would replace the instance, and the count would begin anew.
        let limits = Limits { recycle_growth_mib: NonZeroU16::MIN.saturating_add(7), ..Limits::default() };
        let bench = Bench::with(&nosy(language), limits, &Default::default());
        let batch: Vec<&[u8]> = vec![br#"{"act": "count"}"#; 100];
        let mut last = String::new();
        for _ in 0..100 {
            last = readable(&told(&bench.pool.run_aside(bench.job(&batch)).await.unwrap(), 100)[99]);
        }
        assert_eq!(last, "key 10000", "{language:?}");
    }
}
