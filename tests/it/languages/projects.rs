//! `eventlatch matcher new` in Python and JavaScript: what it makes is built and tested as it is.

use std::{fs, os::unix::fs::symlink};

use eventlatch_tests::{
    home::Home,
    languages::{Language, run},
};

use super::BOTH;

/// A new project, with the packages that are there for the tests in place of fetched ones.
fn project(language: Language) -> Home {
    let word = if language == Language::Python { "python" } else { "js" };
    let home = Home::new("").with("EVENTLATCH_TELEMETRY_LOG", "off");
    let made = home.run(&["matcher", "new", "orders", "--lang", word]);
    assert_eq!(made.code, Some(0), "{made}");
    let interpreter = language.interpreter();
    if language == Language::Python {
        let environment = std::path::Path::new(interpreter.get_program()).ancestors().nth(2).unwrap();
        symlink(environment, home.path("orders/.venv")).unwrap();
    } else {
        let packages = home.path("orders/node_modules");
        fs::create_dir_all(packages.join(".bin")).unwrap();
        symlink(language.sdk(), packages.join("eventlatch-sdk")).unwrap();
        symlink("../eventlatch-sdk/bin/eventlatch-build.js", packages.join(".bin/eventlatch-build")).unwrap();
    }
    home
}

#[test]
fn a_new_project_passes_its_cases_its_scenario_and_its_own_tests() {
    for language in BOTH {
        let home = project(language);
        let own: &[&str] = match language {
            Language::Python => &["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_matcher.py"],
            Language::JavaScript => &["--test"],
        };
        run(language.interpreter().args(own).current_dir(home.path("orders")));
        let tested = home.run(&["matcher", "test", "orders"]);
        assert_eq!(tested.code, Some(0), "{language:?}: {tested}");
        assert!(tested.stdout.contains("yesterday is a near miss"), "{language:?}: {tested}");
        let made = || fs::metadata(home.path("orders/build/.component.wasm")).unwrap().modified().unwrap();
        let first = made();
        let tested = home.run(&["matcher", "test", "orders/"]);
        assert!(tested.code == Some(0) && made() == first, "{language:?}, made again though nothing changed: {tested}");
        let inspected = home.run(&["matcher", "inspect", "orders/build/orders.wasm"]);
        assert!(inspected.stdout.contains("orders"), "{language:?}: {inspected}");
    }
}

#[test]
fn what_is_missing_to_build_it_is_said() {
    let home = Home::new("").with("EVENTLATCH_TELEMETRY_LOG", "off").with("VIRTUAL_ENV", "/nowhere");
    for (language, said) in [("js", "npm install"), ("python", ".venv/bin/pip install -r requirements.txt")] {
        assert_eq!(home.run(&["matcher", "new", language, "--lang", language]).code, Some(0));
        let built = home.run(&["matcher", "build", language]);
        assert!(built.code == Some(4) && built.stderr.contains(said), "{built}");
    }
}
