//! Each limit, met by one message among good ones: that message alone is set aside, with a reason that names the limit.

use eventlatch::matcher::FaultKind;

use super::{Bench, UNRULY, faults, with_keys};

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
    let bench = Bench::of(UNRULY);
    let extraction = bench.extract(&[r#"{"name": "talks", "act": "log"}"#]).await;
    assert_eq!(with_keys(&extraction), [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_grows_is_replaced_before_it_meets_its_limit() {
    let bench = Bench::of(UNRULY);
    // Without a fresh instance now and then a hundred of these would need more than the limit of 64 MiB.
    for _ in 0..100 {
        let extraction = bench.extract(&[r#"{"name": "grows", "act": "grow"}"#]).await;
        assert_eq!(with_keys(&extraction), [0]);
    }
}
