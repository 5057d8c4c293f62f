//! The promise of compatibility: what was released stays as it is, and matchers built with it go on as they did.
//!
//! `tests/golden/README.md` says how a golden matcher is made and when.

use std::{fs, io::Read, path::PathBuf};

use eventlatch_tests::languages::repository;
use sha2::{Digest, Sha256};

use super::{
    Bench,
    order_paid::{judged, prepared, verdicts},
};
use crate::guests::ORDER_PAID;

/// Each released version of the interface, with the SHA-256 of its WIT.
const RELEASED: [(&str, &str); 1] = [("1.0.0", "d850098c91acbe1e8678a371119fe0710119957f993de9aaf18c6f85caabfd03")];

#[test]
fn a_released_interface_never_changes() {
    for (version, expected) in RELEASED {
        let wit = fs::read(repository().join(format!("sdk/wit/{version}/matcher.wit"))).unwrap();
        let found: String = Sha256::digest(wit).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, expected, "sdk/wit/{version} is frozen: what changes goes into a new version beside it");
    }
}

#[test]
fn every_interface_that_there_is_has_been_released() {
    let folders = fs::read_dir(repository().join("sdk/wit")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut folders: Vec<_> = folders.map(|name| name.into_string().unwrap()).collect();
    folders.sort();
    assert_eq!(folders, RELEASED.map(|(version, _)| version));
}

/// The golden matchers, by file name.
fn golden() -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(repository().join("tests/golden")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|it| it == "zst")).collect();
    files.sort();
    files.into_iter().map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), unpacked(&path))).collect()
}

fn unpacked(path: &std::path::Path) -> Vec<u8> {
    let packed = fs::File::open(path).unwrap();
    let mut bytes = Vec::new();
    ruzstd::decoding::StreamingDecoder::new(packed).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

/// Everything that `order-paid` says when it is asked.
async fn everything(bench: &Bench) -> String {
    let about = &bench.generation.description;
    let described = format!("{} {:?} {}", about.name, bench.generation.topics, about.summary);
    let verdicts = verdicts(bench).await.into_iter().map(|verdict| format!("{verdict:?}")).collect();
    [vec![described], judged(bench).await, prepared(bench).await, verdicts].concat().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn golden_matchers_say_what_they_always_said() {
    let golden = golden();
    let names: Vec<_> = golden.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.len() >= 3, "there is one of each language: {names:?}");
    for (name, component) in &golden {
        let said = everything(&Bench::of(component)).await;
        insta::with_settings!({ description => name.as_str() }, { insta::assert_snapshot!("order-paid", said) });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_built_today_says_the_same() {
    insta::assert_snapshot!("order-paid", everything(&Bench::of(ORDER_PAID)).await);
}
