//! Who is set aside when a matcher fails, and that nobody else is.

use std::sync::Arc;

use eventlatch::matcher::{Candidate, FaultKind, Moment, Verdict, Worker};
use jiff::{Timestamp, civil::date};

use super::{Bench, UNRULY, faults, messages, with_keys};

#[tokio::test(flavor = "multi_thread")]
async fn several_bad_messages_are_each_found() {
    let bench = Bench::of(UNRULY);
    let mut values = vec![r#"{"name": "good"}"#; 300];
    for at in [0, 77, 78, 299] {
        values[at] = r#"{"name": "bad", "act": "panic"}"#;
    }
    let extraction = bench.extract(&values).await;
    let found: Vec<_> = faults(&extraction).into_iter().map(|(message, _)| message).collect();
    assert_eq!(found, [0, 77, 78, 299]);
    assert_eq!(with_keys(&extraction).len(), 296);
    assert!(extraction.event_time(299).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_tells_where_in_the_guest() {
    let bench = Bench::of(UNRULY);
    let extraction = bench.extract(&[r#"{"name": "bad", "act": "panic"}"#]).await;
    let backtrace = faults(&extraction)[0].1.backtrace.clone().unwrap();
    assert!(backtrace.contains("unruly"), "{backtrace}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_in_the_last_word_concerns_its_candidate_alone() {
    let bench = Bench::of(UNRULY);
    let messages = messages(&[r#"{"name": "any"}"#; 4]);
    let tokens = ["good", "confirm:panic", "confirm:refuse", "good"].map(|name| format!(r#"{{"name": "{name}"}}"#));
    let generation = Arc::clone(&bench.generation);
    let job = move |worker: &mut Worker| {
        let candidate = |(message, token): (_, &'static [u8])| candidate(message, token);
        let tokens: Vec<&'static [u8]> = tokens.iter().map(|token| &*token.clone().into_bytes().leak()).collect();
        let messages: &'static [_] = messages.leak();
        let candidates: Vec<_> = messages.iter().zip(tokens).map(candidate).collect();
        worker.confirm(&generation, &candidates).unwrap()
    };
    let verdicts = bench.pool.run(job).await;
    assert_eq!(verdicts[0], Verdict::Fulfilled);
    assert!(matches!(&verdicts[1], Verdict::Faulted(fault) if fault.kind == FaultKind::Trap));
    assert_eq!(verdicts[2], Verdict::Refused("told to refuse".into()));
    assert_eq!(verdicts[3], Verdict::Fulfilled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_prepare_is_a_problem_of_its_wanted_message_alone() {
    let bench = Bench::of(UNRULY);
    let generation = Arc::clone(&bench.generation);
    let job = move |worker: &mut Worker| {
        let wanted = [r#"{"name": "a"}"#, r#"{"name": "panic"}"#, r#"{"name": "b"}"#];
        worker.prepare(&generation, &wanted, date(2019, 7, 7)).unwrap()
    };
    let answers = bench.pool.run(job).await;
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert!(answers[1].as_ref().is_err_and(|problem| problem.message.contains("panicked")), "{:?}", answers[1]);
}

fn candidate(message: &'static eventlatch::domain::message::Message, token: &'static [u8]) -> Candidate<'static> {
    let day = date(1970, 1, 1);
    let arrival = Moment { instant: Timestamp::UNIX_EPOCH, civil: day.at(0, 0, 0, 0), business_date: day };
    Candidate { topic: "unruly", message, event_time: None, arrival, token }
}
