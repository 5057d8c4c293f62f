use super::*;
use crate::domain::{
    dead_letter::{
        Cause, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterKind, Kept, Rejudged, Rejudgement, Sample,
        StoredDeadLetter,
    },
    recording::JudgedBy,
};

pub(super) fn letter(offset: i64, payload: &[u8]) -> DeadLetter {
    DeadLetter {
        offset,
        arrival: at("2019-07-07T08:00:00Z"),
        kept: Kept {
            key: Some(Sample(b"k".to_vec())),
            payload: Some(Sample(payload.to_vec())),
            payload_size: Some(payload.len()),
        },
        cause: Cause::Reject,
        reason: "expected an object".to_owned(),
        by: by(),
        forward: None,
    }
}

fn faulted(offset: i64) -> DeadLetter {
    let cause = Cause::Fault { word: "trap".into(), backtrace: Some("0: extract".to_owned()) };
    let by = JudgedBy { matcher: "other".into(), sha256: "def".into() };
    DeadLetter { cause, kept: Kept::default(), by, ..letter(offset, b"") }
}

impl Fixture {
    /// A message of the partition that is set aside.
    async fn set_aside(&mut self) -> StoredDeadLetter {
        let mut recording = self.recording(1);
        recording.dead_letters = vec![letter(recording.span.to - 1, b"broken")];
        assert_eq!(self.record(recording).await, Recorded::Stored);
        self.store.dead_letters(DeadLetterFilter::default(), None, 1).await.unwrap().remove(0)
    }

    async fn redrive(&self, letter: &StoredDeadLetter, verdict: Rejudgement) {
        let rejudged = Rejudged { id: letter.id, partition: letter.position().partition, verdict };
        self.store.redrive(vec![rejudged], Actor::Cli).await.unwrap();
    }

    fn outcomes(&self) -> Vec<String> {
        self.sql("SELECT offset, redriven_at IS NOT NULL, outcome FROM dead_letters ORDER BY id")
    }
}

#[tokio::test]
async fn they_are_kept_once_and_read_as_they_were_written() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let mut recording = fixture.recording(2);
    recording.dead_letters = vec![letter(0, b"one"), faulted(1), letter(0, b"the same again")];
    assert_eq!(fixture.record(recording).await, Recorded::Stored);
    let letters = fixture.store.dead_letters(DeadLetterFilter::default(), None, 10).await.unwrap();
    let [fault, reject] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((fault.offset, fault.kind, fault.fault.as_deref()), (1, DeadLetterKind::Fault, Some("trap")));
    assert_eq!((fault.backtrace.as_deref(), &fault.payload, fault.payload_size), (Some("0: extract"), &None, None));
    assert_eq!((reject.offset, reject.kind, &reject.fault), (0, DeadLetterKind::Reject, &None));
    assert_eq!((&reject.payload, reject.payload_size), (&Some(Sample(b"one".to_vec())), Some(3)));
    assert_eq!(fixture.store.dead_letter(fault.id).await.unwrap().as_ref(), Some(fault));
    assert_eq!(fixture.store.dead_letter(DeadLetterId(99)).await.unwrap(), None);
}

#[tokio::test]
async fn they_are_found_by_what_they_are_and_come_in_pages() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let mut recording = fixture.recording(6);
    recording.dead_letters = (0..6).map(|it| if it % 2 == 0 { letter(it, b"") } else { faulted(it) }).collect();
    fixture.record(recording).await;
    let check = async |filter: DeadLetterFilter, before: Option<i64>, limit: usize, expected: &[i64]| {
        let before = before.map(DeadLetterId);
        let found = fixture.store.dead_letters(filter.clone(), before, limit).await.unwrap();
        assert_eq!(found.iter().map(|it| it.offset).collect::<Vec<_>>(), expected, "{filter:?}");
    };
    let all = DeadLetterFilter::default();
    check(all.clone(), None, 4, &[5, 4, 3, 2]).await;
    check(all.clone(), Some(3), 4, &[1, 0]).await;
    let faults = DeadLetterFilter { kind: Some(DeadLetterKind::Fault), ..all.clone() };
    check(faults, None, 9, &[5, 3, 1]).await;
    check(DeadLetterFilter { matcher: Some("job-finish".to_owned()), ..all.clone() }, None, 2, &[4, 2]).await;
    check(DeadLetterFilter { topic: Some("u".to_owned()), ..all.clone() }, None, 9, &[]).await;
    let after = fixture.store.dead_letters_after(all, Some(DeadLetterId(4)), 9).await.unwrap();
    assert_eq!(after.iter().map(|it| it.offset).collect::<Vec<_>>(), [4, 5]);
}

#[tokio::test]
async fn what_follows_from_one_judged_again_follows_once() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D), ("b", D)])]).await;
    let set_aside = fixture.set_aside().await;
    let judged = Rejudgement::Judged {
        matches: vec![fulfilled(fixture.sighting("s.a", "2019-07-07T08:00:00Z", 0).await)],
        near_misses: vec![NearMiss {
            sighting: fixture.sighting("s.b", "2019-07-07T08:00:00Z", 0).await,
            by: by(),
            reason: "another day".to_owned(),
        }],
        outcome: "fulfilled 1 wanted message".to_owned(),
    };
    for _ in 0..2 {
        fixture.redrive(&set_aside, judged.clone()).await;
        assert_eq!(fixture.tasks(), ["s/2019-07-07/a=success", "s/2019-07-07/b=pending"]);
        assert_eq!(fixture.sql("SELECT count(*) FROM matches UNION ALL SELECT count(*) FROM marks"), ["1", "1"]);
        assert_eq!(fixture.sql("SELECT nth, reason FROM near_misses"), ["1|another day"]);
        assert_eq!(fixture.outcomes(), ["0|1|fulfilled 1 wanted message"]);
    }
    assert_eq!(fixture.sql("SELECT next FROM offsets"), ["1"], "no offset moves");
    let audit = r#"cli|dead-letter redrive|dead-letter 1|{"judged":true,"outcome":"fulfilled 1 wanted message"}"#;
    assert_eq!(fixture.sql("SELECT actor, action, subject, detail FROM audit"), [audit, audit]);
}

#[tokio::test]
async fn one_that_cannot_be_judged_again_keeps_what_was_found_out() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let set_aside = fixture.set_aside().await;
    fixture.redrive(&set_aside, Rejudgement::NotJudged("it is gone".to_owned())).await;
    assert_eq!(fixture.outcomes(), ["0|0|it is gone"]);
    let (matches, near_misses) = (Vec::new(), Vec::new());
    let judged = Rejudgement::Judged { matches, near_misses, outcome: "nobody wants it".to_owned() };
    fixture.redrive(&set_aside, judged).await;
    fixture.redrive(&set_aside, Rejudgement::NotJudged("it is gone".to_owned())).await;
    assert_eq!(fixture.outcomes(), ["0|1|nobody wants it"]);
}

#[tokio::test]
async fn one_that_fails_leaves_nothing_behind() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    let set_aside = fixture.set_aside().await;
    let mut sighting = fixture.sighting("s.a", "2019-07-07T08:00:00Z", 0).await;
    sighting.rendering = RenderingId(4711);
    let matches = vec![fulfilled(sighting)];
    let verdict = Rejudgement::Judged { matches, near_misses: Vec::new(), outcome: "never".to_owned() };
    let rejudged = Rejudged { id: set_aside.id, partition: set_aside.position().partition, verdict };
    fixture.store.redrive(vec![rejudged], Actor::Api).await.unwrap_err();
    assert_eq!(fixture.outcomes(), ["0|0|"]);
    assert_eq!(fixture.sql("SELECT count(*) FROM audit"), ["0"]);
}
