use super::{generations::build, *};
use crate::domain::{
    candidate::{ShadowMatch, Shadowed, StoredCandidate},
    difference::{Comparison, DifferenceKind, Discrepancy, Tally},
    message::Position,
    usage::MatcherUsage,
};

fn candidate(sha256: &str) -> StoredCandidate {
    StoredCandidate {
        matcher: "orders".to_owned(),
        sha256: sha256.to_owned(),
        version: "2.0.0".to_owned(),
        against: None,
        since: Timestamp::UNIX_EPOCH,
        tally: Tally::default(),
        dropped: 0,
        failed: None,
    }
}

fn place(offset: i64) -> Position {
    Partition { cluster: "c".into(), topic: "orders".into(), number: 0, epoch: 0 }.at(offset)
}

/// One message that only the old build matches, and one of both.
fn shadowed(offset: i64) -> Shadowed {
    let (arrival, wanted) = (Timestamp::UNIX_EPOCH, WantedId(7));
    let discrepancy = Discrepancy {
        kind: DifferenceKind::OnlyOld,
        position: place(offset),
        arrival,
        wanted: Some(wanted),
        reason: Some("too small".to_owned()),
    };
    let tally = Tally { messages: 2, different: 1, same: 1, only_old: 1, ..Tally::default() };
    Shadowed {
        comparison: Comparison { tally, discrepancies: vec![discrepancy] },
        matches: vec![ShadowMatch { position: place(offset + 1), arrival, wanted }],
        dropped: 3,
        failed: None,
    }
}

#[tokio::test]
async fn what_is_counted_of_a_candidate_adds_up_until_it_goes() {
    let Fixture { store, _dir, .. } = Fixture::new(MarkMode::Local);
    store.put_candidate(candidate("new"), vec![1]).await.unwrap();
    for offset in [0, 10] {
        let noted = store.note_shadowed("orders".into(), "new".into(), "old".into(), shadowed(offset)).await;
        noted.unwrap();
    }
    let found = store.candidates().await.unwrap();
    let tally = Tally { messages: 4, different: 2, same: 2, only_old: 2, ..Tally::default() };
    assert_eq!((found[0].tally, found[0].dropped, found[0].against.as_deref()), (tally, 6, Some("old")));
    let samples = store.shadow_differences("orders".into()).await.unwrap();
    assert_eq!(samples.iter().map(|it| it.offset).collect::<Vec<_>>(), [0, 10]);
    assert_eq!((samples[0].kind, samples[0].reason.as_deref()), (DifferenceKind::OnlyOld, Some("too small")));

    // Of one that was replaced nothing is counted any more.
    store.put_candidate(candidate("newer"), vec![2]).await.unwrap();
    store.note_shadowed("orders".into(), "new".into(), "old".into(), shadowed(20)).await.unwrap();
    assert_eq!(store.candidates().await.unwrap()[0].tally, Tally::default());
    assert_eq!(store.shadow_differences("orders".into()).await.unwrap(), []);
    assert!(store.drop_candidate("orders".into()).await.unwrap());
    assert!(!store.drop_candidate("orders".into()).await.unwrap());
}

#[tokio::test]
async fn another_build_that_serves_begins_the_count_anew() {
    let Fixture { store, _dir, .. } = Fixture::new(MarkMode::Local);
    store.put_candidate(candidate("new"), vec![1]).await.unwrap();
    for against in ["old", "other"] {
        let noted = store.note_shadowed("orders".into(), "new".into(), against.into(), shadowed(0)).await;
        noted.unwrap();
    }
    let found = &store.candidates().await.unwrap()[0];
    assert_eq!((found.tally.messages, found.against.as_deref()), (2, Some("other")));
    assert_eq!(store.shadow_differences("orders".into()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_build_used_adds_up() {
    let Fixture { store, _dir, .. } = Fixture::new(MarkMode::Local);
    let usage = MatcherUsage { cpu_us: 5, calls: 1, messages: 2, bytes: 30, peak_memory: 100 };
    let m = || ("m".to_owned(), "a".to_owned());
    store.add_usage(vec![(m(), usage)]).await.unwrap();
    store.add_usage(vec![(m(), MatcherUsage { peak_memory: 50, ..usage })]).await.unwrap();
    store.save_generation(build("a", GenerationState::Serving, None), None).await.unwrap();
    let used = store.generations().await.unwrap()[0].usage;
    assert_eq!(used, MatcherUsage { cpu_us: 10, calls: 2, messages: 4, bytes: 60, peak_memory: 100 });
}
