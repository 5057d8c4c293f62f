//! When a portion is given up: looping, failing on everything, not starting; and what that spares the others.

use std::{num::NonZeroU16, sync::Arc};

use eventlatch::matcher::{FaultKind, GaveUp, Limits, Pool, Prepared, Problem, Worker};
use jiff::civil::date;

use crate::matcher::{Bench, UNRULY, bare::bare, faults, limits, with_keys, with_limits};

const GOOD: &str = r#"{"name": "good"}"#;
const LOOP: &str = r#"{"name": "bad", "act": "loop"}"#;
const PANIC: &str = r#"{"name": "bad", "act": "panic"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_worker_does_not_look_for_what_loops() {
    let bench = Bench::of(UNRULY);
    let gave_up = bench.try_extract(&[GOOD, LOOP, GOOD]).await.unwrap_err();
    assert!(matches!(&gave_up, GaveUp::TimedOut(fault) if fault.kind == FaultKind::TimedOut), "{gave_up}");
}

#[tokio::test(flavor = "multi_thread")]
async fn aside_looping_messages_among_trapping_ones_are_each_found() {
    let bench = Bench::of(UNRULY);
    let extraction = bench.extract_aside(&[GOOD, LOOP, PANIC, GOOD, LOOP, GOOD]).await.unwrap();
    let found: Vec<_> = faults(&extraction).iter().map(|(message, fault)| (*message, fault.kind.word())).collect();
    assert_eq!(found, [(1, "timed-out"), (2, "trap"), (4, "timed-out")]);
    assert_eq!(with_keys(&extraction), [0, 3, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matcher_that_traps_at_once_is_at_fault_and_not_its_messages() {
    let bench = Bench::of(&bare("EVERY", "unreachable"));
    for gave_up in [bench.try_extract(&["a"; 300]).await, bench.extract_aside(&["a"; 300]).await] {
        let Err(GaveUp::KeepsFailing { faults: 51, of: 300, last }) = gave_up else { panic!("{gave_up:?}") };
        assert_eq!(last.kind, FaultKind::Trap);
    }
    // So few could be their own fault.
    assert_eq!(faults(&bench.extract(&["a"; 3]).await).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_cannot_be_had_is_not_the_messages_fault() {
    let bench = Bench::of(UNRULY);
    // As if there were less memory now than when it was loaded: a megabyte is what its own stack takes.
    let less = with_limits(Limits { memory_mib: NonZeroU16::MIN, ..limits() });
    let pool = Pool::start(&less, 2).unwrap();
    for gave_up in [pool.run(bench.job(&[GOOD])).await, pool.run_aside(bench.job(&[GOOD])).await] {
        assert!(matches!(&gave_up, Err(GaveUp::NotStarted(fault)) if fault.kind == FaultKind::Memory), "{gave_up:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_looping_matcher_leaves_the_workers_to_the_others() {
    let bench = Bench::of(UNRULY);
    let looping = bench.pool.run_aside(bench.job(&[LOOP; 5]));
    let (told, tell) = tokio::sync::oneshot::channel();
    let looping = tokio::spawn(async move { drop(told.send(looping.await.unwrap())) });
    for _ in 0..100 {
        assert_eq!(with_keys(&bench.try_extract(&[GOOD]).await.unwrap()), [0]);
    }
    assert_eq!(faults(&tell.await.unwrap()).len(), 5);
    looping.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepare_that_loops_on_one_is_a_problem_of_that_one_and_on_two_is_given_up() {
    let bench = Bench::of(UNRULY);
    let mut wanted = vec![r#"{"name": "fine"}"#; 2_500];
    wanted[1] = r#"{"name": "loop"}"#;
    let answers = prepare(&bench, wanted.clone()).await.unwrap();
    let problems: Vec<_> = answers.iter().enumerate().filter(|(_, answer)| answer.is_err()).collect();
    assert_eq!((answers.len(), problems.len(), problems[0].0), (2_500, 1, 1));
    wanted[1_700] = r#"{"name": "loop"}"#;
    let gave_up = prepare(&bench, wanted).await.unwrap_err();
    assert!(matches!(&gave_up, GaveUp::TimedOut(_)), "{gave_up}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepare_without_an_instance_is_no_problem_of_the_wanted_messages() {
    let bench = Bench::of(UNRULY);
    let less = with_limits(Limits { memory_mib: NonZeroU16::MIN, ..limits() });
    let pool = Pool::start(&less, 2).unwrap();
    let generation = Arc::clone(&bench.generation);
    let gave_up = pool.run(move |worker: &mut Worker| worker.prepare(&generation, &[GOOD], date(2019, 7, 7))).await;
    assert!(matches!(&gave_up, Err(GaveUp::NotStarted(_))), "{gave_up:?}");
}

type Answers = Vec<Result<Prepared, Problem>>;

async fn prepare(bench: &Bench, wanted: Vec<&'static str>) -> Result<Answers, GaveUp> {
    let generation = Arc::clone(&bench.generation);
    bench.pool.run(move |worker: &mut Worker| worker.prepare(&generation, &wanted, date(2019, 7, 7))).await
}
