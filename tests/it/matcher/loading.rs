//! What is refused before it serves, and in which words.

use std::fs;

use eventlatch::matcher::{BUILTINS, Cache, Config, Registry, Runtime, files};

use super::{Bench, ORDER_SHIPPED, UNRULY, load, refusal, runtime, with_keys, words};

fn check(bytes: &[u8], expected: &[&str]) {
    let words = refusal(bytes);
    for part in expected {
        assert!(words.contains(part), "`{part}` is not said in: {words}");
    }
}

#[test]
fn what_is_no_webassembly_is_refused() {
    check(b"#!/bin/sh\n", &["not a WebAssembly file"]);
    check(b"", &["not a WebAssembly file"]);
}

#[test]
fn a_damaged_file_is_refused() {
    check(&UNRULY[..UNRULY.len() / 2], &["damaged"]);
}

#[test]
fn another_world_is_refused_with_what_it_exports() {
    let wat = r#"(module (func (export "run")))"#;
    check(&wat::parse_str(wat).unwrap(), &["eventlatch:matcher/guest", "`run`", "hint"]);
}

#[test]
fn another_version_is_refused_before_compiling_naming_both() {
    let module = r#"(module (func (export "eventlatch:matcher/guest@2.1.0#describe")))"#;
    check(&wat::parse_str(module).unwrap(), &["2.1.0", "1.0.0", "hint"]);
    let component = r#"(component (instance $i) (export "eventlatch:matcher/guest@0.9.0" (instance $i)))"#;
    check(&wat::parse_str(component).unwrap(), &["0.9.0", "1.0.0", "hint"]);
}

#[test]
fn an_import_beyond_the_host_interface_is_refused_by_name() {
    let module = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func))
        (func (export "eventlatch:matcher/guest@1.0.0#describe")))"#;
    check(&wat::parse_str(module).unwrap(), &["wasi_snapshot_preview1", "hint"]);
}

#[test]
fn the_right_name_with_the_wrong_functions_is_refused() {
    let component = r#"(component (instance $i) (export "eventlatch:matcher/guest@1.0.0" (instance $i)))"#;
    check(&wat::parse_str(component).unwrap(), &["describe"]);
}

#[test]
fn a_compiled_matcher_is_kept_and_a_damaged_one_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = || Runtime::new(Default::default(), Cache::open(directory.path())).unwrap();
    let first = load(&runtime(), UNRULY).unwrap();
    let kept: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1);
    let name = kept[0].file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with(&**first.sha256()), "{name}");
    let whole = fs::read(&kept[0]).unwrap();
    for damaged in [&whole[..whole.len() / 2], &[], b"garbage that is longer than a checksum would be, by a bit"] {
        fs::write(&kept[0], damaged).unwrap();
        assert_eq!(load(&runtime(), UNRULY).unwrap().sha256(), first.sha256());
        assert_eq!(fs::read(&kept[0]).unwrap().len(), whole.len(), "it was not made anew");
    }
}

#[cfg(unix)]
#[test]
fn compiled_matchers_are_private() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    load(&Runtime::new(Default::default(), Cache::open(&cache)).unwrap(), UNRULY).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&cache), 0o700);
    let file = fs::read_dir(&cache).unwrap().next().unwrap().unwrap().path();
    assert_eq!(mode(&file), 0o600);
}

#[test]
fn a_file_replaces_the_built_in_matcher_of_its_name_but_not_another_file() {
    let directory = tempfile::tempdir().unwrap();
    // A custom section changes the hash and nothing else.
    let mut etl_finish = BUILTINS[0].to_vec();
    etl_finish.extend(b"\x00\x05\x04note");
    fs::write(directory.path().join("mine.wasm"), &etl_finish).unwrap();
    let config = Config { directory: Some(directory.path().to_owned()), ..Config::default() };
    let registry =
        Registry::load(&runtime(), &config, &files::directory(&config).unwrap(), |_, error| Err(error)).unwrap();
    assert!(registry.get("etl-finish").unwrap().origin.to_string().ends_with("mine.wasm"));

    fs::write(directory.path().join("too.wasm"), BUILTINS[0]).unwrap();
    let error =
        Registry::load(&runtime(), &config, &files::directory(&config).unwrap(), |_, error| Err(error)).err().unwrap();
    let words = words(&error);
    assert!(words.contains("mine.wasm") && words.contains("too.wasm"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_matcher_needs_nothing_but_cargo_build() {
    let bench = Bench::of(ORDER_SHIPPED);
    assert_eq!(&**bench.generation.name(), "order-shipped");
    let messages =
        [r#"{"order": "o-17", "shipped_at": 1562486400}"#, r#"{"order": "o-18", "shipped_at": 0, "x": [1]}"#];
    assert_eq!(with_keys(&bench.extract(&messages).await), [0, 1]);
}
