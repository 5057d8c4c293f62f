//! Guests that mean harm, and what meets them. Where one message sets a guest off, that message alone is set aside, with
//! a reason that names the limit, and the matcher goes on. See `docs/isolation.md`.

mod giving_up;
mod loading;

use eventlatch::matcher::{FaultKind, Limits, Why};

use super::{Bench, LIAR, UNRULY, bare::bare, faults, limits, with_keys, with_limits};

async fn check(act: &str, kind: FaultKind, reason: &str) {
    let bench = Bench::of(UNRULY);
    let bad = format!(r#"{{"name": "bad", "act": "{act}"}}"#);
    let mut values = vec![r#"{"name": "good"}"#; 20];
    values[13] = &bad;
    let extraction = bench.extract(&values).await;
    let faults = faults(&extraction);
    assert_eq!(faults.len(), 1, "{faults:?}");
    let (message, fault) = faults[0];
    assert_eq!((message, fault.kind), (13, kind), "{fault}");
    assert!(fault.reason.contains(reason), "{fault}");
    let good: Vec<_> = (0..20).filter(|message| *message != 13).collect();
    assert_eq!(with_keys(&extraction), good);
    // And the matcher goes on.
    assert_eq!(with_keys(&bench.extract(&[r#"{"name": "good"}"#]).await), [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_runs_out_of_time() {
    check("loop", FaultKind::TimedOut, "CPU time").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_a_trap() {
    check("panic", FaultKind::Trap, "panicked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_recursion_runs_out_of_stack() {
    // Rust guests keep a stack of their own in memory, which ends before the host's does.
    check("recurse", FaultKind::Trap, "recursion").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_bomb_meets_its_limit() {
    check("memory", FaultKind::Memory, "64 MiB").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_logging_is_cut_off_and_no_fault() {
    // A hundred thousand calls of the host take longer in a build that is not optimised.
    let patient = Limits { base_ms: 20_000, ..limits() };
    let bench = Bench::with(&with_limits(patient), UNRULY);
    let extraction = bench.extract(&[r#"{"name": "talks", "act": "log"}"#]).await;
    assert_eq!(with_keys(&extraction), [0]);
}

/// The same with a matcher by hand, whose honest answers have no keys.
async fn check_bare(instructions: &str, kind: FaultKind, reason: &str) {
    let bench = Bench::of(&bare("BAD", instructions));
    let values: Vec<_> = (0..20).map(|message| if message == 13 { "!" } else { "fine" }).collect();
    let extraction = bench.extract(&values).await;
    let faults = faults(&extraction);
    assert_eq!(faults.iter().map(|(message, fault)| (*message, fault.kind)).collect::<Vec<_>>(), [(13, kind)]);
    assert!(faults[0].1.reason.contains(reason), "{}", faults[0].1);
    assert_eq!(bench.extract(&["fine"]).await.set_aside, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_bomb_meets_its_limit() {
    let grow = "(drop (table.grow $table (ref.null func) (i32.const 1000000)))";
    check_bare(grow, FaultKind::Table, "20000 elements").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recursion_on_the_hosts_stack_meets_its_limit() {
    let recurse = "(drop (call $deeper))";
    check_bare(recurse, FaultKind::Stack, "stack").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_that_is_no_text_is_a_bad_result() {
    let reject = "(i32.store offset=40 (i32.const 256) (i32.const 656))
        (i32.store offset=44 (i32.const 256) (i32.const 1))";
    check_bare(reject, FaultKind::BadResult, "utf-8").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_beyond_the_memory_are_a_bad_result() {
    check_bare("(i32.store offset=28 (i32.const 256) (i32.const 1000000))", FaultKind::BadResult, "").await;
    check_bare("(i32.store offset=24 (i32.const 256) (i32.const -8))", FaultKind::BadResult, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lies_in_the_columns_are_faults_of_their_message_alone() {
    let bench = Bench::of(LIAR);
    for lie in ["ends", "messages", "times", "kinds", "instant", "rejects", "both"] {
        let extraction = bench.extract(&["honest", "honest", lie, "honest"]).await;
        let faults = faults(&extraction);
        assert_eq!(faults.len(), 1, "{lie}: {faults:?}");
        assert_eq!((faults[0].0, faults[0].1.kind), (2, FaultKind::BadResult), "{lie}");
        assert_eq!(with_keys(&extraction), [0, 1, 3], "{lie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_over_its_limit_is_not_taken() {
    let extraction = Bench::of(LIAR).extract(&["honest", "huge"]).await;
    let faults = faults(&extraction);
    assert_eq!((faults[0].0, faults[0].1.kind), (1, FaultKind::ReturnedTooMuch), "{}", faults[0].1);
    assert_eq!(with_keys(&extraction), [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_no_text_are_fine() {
    let bench = Bench::of(LIAR);
    let extraction = bench.extract(&["bytes", "honest"]).await;
    assert_eq!(extraction.keys().collect::<Vec<_>>(), [(0, &[0xff][..]), (1, b"k")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_without_end_is_cut() {
    let extraction = Bench::of(LIAR).extract(&["verbose"]).await;
    let Why::Rejected(reason) = &extraction.set_aside[0].why else { panic!("{:?}", extraction.set_aside) };
    assert!(reason.len() < 2_000 && reason.ends_with('…'), "{} bytes", reason.len());
}

/// What this process holds, in MiB.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() >> 10
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn the_memory_of_a_bomb_returns() {
    let bench = Bench::of(UNRULY);
    let before = resident();
    // Twice 64 MiB each.
    for _ in 0..20 {
        bench.extract(&[r#"{"name": "bad", "act": "memory"}"#]).await;
    }
    // Other tests run beside this one; all that the bombs took would be 2,560.
    let after = resident();
    assert!(after < before + 1_000, "{before} MiB, then {after} MiB");
}
