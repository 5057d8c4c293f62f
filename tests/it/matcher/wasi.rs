//! Components that use WASI: nothing is behind it, and nobody can wait in it.

use eventlatch::matcher::{Extraction, FaultKind};
use wit_component::ComponentEncoder;

use super::{Bench, SLEEPER, faults, refusal, with_keys};

/// As other languages deliver a matcher: already a component.
fn component(module: &[u8]) -> Vec<u8> {
    ComponentEncoder::default().module(module).unwrap().encode().unwrap()
}

async fn does(bench: &Bench, act: &str) -> Extraction {
    bench.extract(&[&message(act)]).await
}

fn message(act: &str) -> String {
    format!(r#"{{"act": "{act}"}}"#)
}

/// What came of it, read from the key without its frame.
async fn result(bench: &Bench, act: &str) -> String {
    let extraction = does(bench, act).await;
    assert_eq!(faults(&extraction), [], "{act}");
    String::from_utf8_lossy(extraction.keys().next().unwrap().1).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn sleeping_through_wasi_takes_no_time() {
    let bench = Bench::of(&component(SLEEPER));
    // Hours, if anything waited.
    for act in ["sleep", "poll", "sleep"] {
        assert_eq!(with_keys(&does(&bench, act).await), [0]);
    }
    assert!(result(&bench, "poll").await.contains("[0, 1]"), "all timers are ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_wasi_gives_is_the_same_each_time() {
    let bench = Bench::of(&component(SLEEPER));
    assert!(result(&bench, "time").await.contains("0 0"));
    assert!(result(&bench, "environment").await.contains('0'));
    let random = result(&bench, "random").await;
    does(&bench, "print").await;
    assert_eq!(result(&bench, "random").await, random);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_had_is_a_fault_of_its_message_alone() {
    let bench = Bench::of(&component(SLEEPER));
    let cases = [
        ("exit", FaultKind::Trap, "wasi:cli/exit@0.2.3#exit"),
        ("too much randomness", FaultKind::Memory, "64 MiB"),
        ("hoard", FaultKind::Table, "20000"),
        ("wait", FaultKind::TimedOut, "CPU time"),
    ];
    for (act, kind, reason) in cases {
        let (good, bad) = (message("sleep"), message(act));
        let extraction = bench.extract(&[&good, &bad, &good]).await;
        let faults = faults(&extraction);
        assert_eq!(faults.iter().map(|(at, fault)| (*at, fault.kind)).collect::<Vec<_>>(), [(1, kind)], "{act}");
        assert!(faults[0].1.reason.contains(reason), "{act}: {}", faults[0].1);
        assert_eq!(with_keys(&extraction), [0, 2], "{act}");
    }
}

#[test]
fn a_core_module_may_not_import_wasi() {
    let words = refusal(SLEEPER);
    assert!(words.contains("imports `wasi:"), "{words}");
}

#[test]
fn what_is_not_of_wasis_second_preview_is_refused_by_name() {
    for name in ["wasi:http/types@0.2.3", "wasi:io/poll@0.3.0", "mine:own/thing@1.0.0"] {
        let component = format!(
            r#"(component (import "{name}" (instance)) (instance $i)
                (export "eventlatch:matcher/guest@1.0.0" (instance $i)))"#
        );
        let words = refusal(&wat::parse_str(component).unwrap());
        assert!(words.contains(&format!("imports `{name}`")), "{words}");
    }
}
