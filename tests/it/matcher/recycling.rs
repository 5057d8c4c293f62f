//! Instances are replaced by fresh ones, and what that shows of matchers that keep state.

use std::sync::{Arc, Barrier};

use eventlatch::matcher::{Extraction, Limits, Pool, Worker};

use super::{Bench, UNRULY, bare::bare, faults, limits, load, messages, runtime, with_keys, with_limits};

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_grows_is_replaced_before_it_meets_its_limit() {
    let bench = Bench::of(UNRULY);
    // Without a fresh instance now and then a hundred of these would need more than the limit of 64 MiB.
    for _ in 0..100 {
        let extraction = bench.extract(&[r#"{"name": "grows", "act": "grow"}"#]).await;
        assert_eq!(with_keys(&extraction), [0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn growth_by_one_page_a_call_never_meets_the_limit() {
    let bench = Bench::of(&bare("EVERY", "(drop (memory.grow (i32.const 1)))"));
    // 125 MiB in all.
    for _ in 0..2_000 {
        assert_eq!(faults(&bench.extract(&["a"]).await), []);
    }
}

fn key(extraction: &Extraction) -> Vec<u8> {
    extraction.keys().next().unwrap().1.to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn state_kept_across_calls_ends_with_the_instance() {
    let bench = Bench::with(&with_limits(Limits { recycle_calls: 4, ..limits() }), UNRULY);
    let mut keys = Vec::new();
    for _ in 0..9 {
        // Aside there is one worker, so one instance at a time. `configure` is the first of its four calls.
        keys.push(key(&bench.extract_aside(&[r#"{"name": "counts", "act": "count"}"#]).await.unwrap()));
    }
    assert!(keys[0] != keys[1] && keys[1] != keys[2], "the matcher has state");
    assert_eq!(keys[..3], keys[3..6]);
    assert_eq!(keys[..3], keys[6..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_differ_between_runs_are_each_whole() {
    let bench = Bench::of(UNRULY);
    let values = [r#"{"name": "plain"}"#, r#"{"name": "counts", "act": "count"}"#, r#"{"name": "plain"}"#];
    let first = bench.extract_aside(&values).await.unwrap();
    let second = bench.extract_aside(&values).await.unwrap();
    assert_eq!((with_keys(&first), with_keys(&second)), (vec![0, 1, 2], vec![0, 1, 2]));
    let keys = |extraction: &Extraction| extraction.keys().map(|(_, key)| key.to_vec()).collect::<Vec<_>>();
    let (first, second) = (keys(&first), keys(&second));
    assert_ne!(first[1], second[1]);
    assert_eq!((&first[0], &first[2]), (&second[0], &second[2]), "its neighbours are as they were");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_on_the_nth_call_is_nobodys_fault() {
    let trap = "(if (i32.eq (global.get $calls) (i32.const 5)) (then unreachable))";
    let bench = Bench::of(&bare("EVERY", trap));
    // Whoever it meets is asked about again on a fresh instance, and is fine there.
    for _ in 0..20 {
        assert_eq!(faults(&bench.extract_aside(&["a", "b"]).await.unwrap()), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_of_replaced_generations_are_let_go() {
    let runtime = runtime();
    let pool = Pool::start(&runtime, 2).unwrap();
    let mut before = None;
    for _ in 0..300 {
        let generation = Arc::new(load(&runtime, UNRULY).unwrap());
        let both = Arc::new(Barrier::new(2));
        // Each worker asks it: one cannot go on to the second job before the other has begun the first.
        let job = || {
            let (generation, both) = (Arc::clone(&generation), Arc::clone(&both));
            move |worker: &mut Worker| {
                both.wait();
                let messages = messages(&[r#"{"name": "good"}"#]);
                worker.extract(&generation, &generation.topics[0], &messages.iter().collect::<Vec<_>>()).map(|_| ())
            }
        };
        let (first, second) = tokio::join!(pool.run(job()), pool.run(job()));
        first.and(second).unwrap();
        before = Some(generation);
    }
    drop(before);
    let Some(instances) = runtime.instances() else { return };
    // Each worker keeps the last one's, and perhaps that of the one before, which it was asked about in between.
    assert!(instances <= 4, "{instances} instances");
}
