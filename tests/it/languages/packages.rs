//! The SDKs as packages: their own tests, their types, and that each carries the interface as it is.

use std::{fs, path::Path};

use eventlatch_tests::languages::{Language, repository, run};

#[test]
fn the_python_sdk_passes_its_tests_and_type_checks() {
    let python = |arguments: &[&str], folder: &Path| {
        run(Language::Python.interpreter().args(arguments).current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1"))
    };
    let sdk = Language::Python.sdk();
    assert!(python(&["-m", "pytest", "-q", "-p", "no:cacheprovider"], &sdk).contains(" passed"));
    python(&["-m", "mypy", "--cache-dir=/dev/null"], &sdk);
    python(&["-m", "ruff", "check", "--no-cache", "."], &sdk);
    python(&["-m", "ruff", "format", "--no-cache", "--check", "."], &sdk);
    let example = repository().join("examples/order-paid/python");
    assert!(python(&["-m", "pytest", "-q", "-p", "no:cacheprovider"], &example).contains(" passed"));
    python(&["-m", "mypy", "--strict", "--cache-dir=/dev/null", "matcher.py"], &example);
}

#[test]
fn the_javascript_sdk_passes_its_tests_and_type_checks() {
    let sdk = Language::JavaScript.sdk();
    let node = |arguments: &[&str]| run(Language::JavaScript.interpreter().args(arguments).current_dir(&sdk));
    assert!(node(&["--test"]).contains("# fail 0"));
    node(&["node_modules/typescript/bin/tsc"]);
    let example = repository().join("examples/order-paid/js/matcher.test.js");
    let resolve = sdk.join("test/resolve.js");
    let mut tests = Language::JavaScript.interpreter();
    tests.arg("--import").arg(resolve).arg("--test").arg(example);
    assert!(run(&mut tests).contains("# pass 2"));
}

#[test]
fn each_package_carries_the_interface_as_it_is() {
    let read = |file: &str| fs::read_to_string(repository().join("sdk").join(file)).unwrap();
    let interface = read("wit/1.0.0/matcher.wit");
    for copy in ["python/src/eventlatch_sdk/wit/matcher.wit", "js/wit/matcher.wit"] {
        assert!(read(copy) == interface, "sdk/{copy} differs from sdk/wit/1.0.0/matcher.wit: copy it anew");
    }
}
