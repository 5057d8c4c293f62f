use super::*;

const ORDINARY: Patience = Patience { faults: 3, time_outs: 0 };
const ASIDE: Patience = Patience { faults: 3, time_outs: 4 };

fn fault(kind: FaultKind) -> Fault {
    Fault { kind, reason: "bad".into(), backtrace: None }
}

/// Asks about numbers: -1 traps, -2 loops, -3 finds no instance. Says what was answered, and in how many calls.
fn search(patience: Patience, items: &[i32]) -> (Result<Vec<Option<i32>>, GaveUp>, usize) {
    let (mut answer, mut calls) = (Vec::new(), 0);
    let ask = |part: &[i32], answer: &mut Vec<Option<i32>>| {
        calls += 1;
        match part.iter().find(|item| **item < 0) {
            Some(-1) => Err(Failed::Call(fault(FaultKind::Trap))),
            Some(-2) => Err(Failed::Call(fault(FaultKind::TimedOut))),
            Some(_) => Err(Failed::NotStarted(fault(FaultKind::Memory))),
            None => {
                answer.extend(part.iter().copied().map(Some));
                Ok(())
            }
        }
    };
    let outcome =
        Search::new(patience, items.len(), ask, |answer: &mut Vec<_>, _| answer.push(None)).run(items, &mut answer);
    (outcome.map(|()| answer), calls)
}

#[test]
fn nothing_is_not_asked_about() {
    assert_eq!(search(ORDINARY, &[]), (Ok(vec![]), 0));
}

#[test]
fn what_traps_is_found_by_halving() {
    let mut items = vec![1; 1024];
    items[700] = -1;
    let (answer, calls) = search(ORDINARY, &items);
    let answer = answer.unwrap();
    assert_eq!(answer.len(), 1024);
    assert_eq!(answer.iter().position(Option::is_none), Some(700));
    // Two a halving, the whole, and the second chance.
    assert_eq!(calls, 2 * 10 + 1 + 1);
}

#[test]
fn an_ordinary_worker_gives_up_at_the_first_time_out() {
    let (answer, calls) = search(ORDINARY, &[1, -2, 1]);
    assert_eq!((answer, calls), (Err(GaveUp::TimedOut(fault(FaultKind::TimedOut))), 1));
}

#[test]
fn aside_every_looping_item_costs_two_time_outs_and_the_whole_one() {
    let (answer, calls) = search(ASIDE, &[1, -2, 3, -2, 5]);
    assert_eq!(answer, Ok(vec![Some(1), None, Some(3), None, Some(5)]));
    assert_eq!(calls, 1 + 5 + 2);
}

#[test]
fn more_faults_than_are_tolerated_end_the_search() {
    for bad in [-1, -2] {
        let (answer, calls) = search(ASIDE, &[bad; 100]);
        let Err(GaveUp::KeepsFailing { faults, of, .. }) = answer else { panic!("{answer:?}") };
        assert_eq!((faults, of), (4, 100));
        assert!(calls < 20, "{calls}");
    }
}

#[test]
fn a_matcher_that_does_not_start_is_nobodys_fault() {
    assert_eq!(search(ASIDE, &[1, -3]).0, Err(GaveUp::NotStarted(fault(FaultKind::Memory))));
}
