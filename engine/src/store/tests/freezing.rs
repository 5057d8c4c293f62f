use super::{dead_letters::letter, *};
use crate::domain::{
    dead_letter::{DeadLetter, DeadLetterFilter, Forward},
    partition::Release,
    recording::{Halt, HaltKind},
};

impl Fixture {
    /// A slice of so many messages that ends before its last one.
    async fn freeze(&mut self, messages: i64) -> Partition {
        let mut recording = self.recording(messages);
        recording.span.to -= 1;
        self.next = Some(recording.span.to);
        let (partition, letter) = (recording.partition.clone(), letter(recording.span.to, b"broken"));
        recording.halt = Some(Halt { how: HaltKind::Freeze, letter });
        assert_eq!(self.record(recording).await, Recorded::Stored);
        partition
    }

    async fn release(&self, partition: &Partition, how: Release) -> Option<i64> {
        let reason = Some("it was looked at".to_owned());
        self.store.release(partition.clone(), how, Actor::Cli, reason).await.unwrap()
    }

    fn stands_at(&self) -> Vec<String> {
        self.sql("SELECT next, (SELECT \"offset\" FROM frozen_partitions) FROM offsets")
    }
}

#[tokio::test]
async fn nothing_is_recorded_of_a_frozen_partition_until_it_is_released() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let partition = fixture.freeze(3).await;
    assert_eq!(fixture.stands_at(), ["2|2"]);
    let stored = fixture.store.stored_offsets("c", "t").unwrap();
    assert_eq!((stored[0].next, stored[0].frozen), (2, true));

    let next = empty(0, Some(2), 5);
    assert_eq!(fixture.record(next.clone()).await, Recorded::Superseded { next: Some(2) });
    let other = empty(1, None, 5);
    assert_eq!(fixture.record(other).await, Recorded::Stored);
    assert_eq!(fixture.release(&partition, Release::Unfreeze).await, Some(2));
    assert_eq!(fixture.release(&partition, Release::Unfreeze).await, None);
    assert_eq!(fixture.record(next).await, Recorded::Stored);
    let audit = [r#"cli|partition unfreeze|partition t/0|{"offset":2,"reason":"it was looked at"}"#];
    assert_eq!(fixture.sql("SELECT actor, action, subject, detail FROM audit"), audit);
}

#[tokio::test]
async fn a_message_that_is_skipped_is_set_aside_as_it_would_have_been() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let mut changes = fixture.store.changes(None).from_now;
    let partition = fixture.freeze(1).await;
    assert_eq!(fixture.release(&partition, Release::Skip).await, Some(1));
    assert_eq!(fixture.stands_at(), ["1|"]);
    let letter = fixture.store.dead_letters(DeadLetterFilter::default(), None, 2).await.unwrap().remove(0);
    assert_eq!((letter.offset, letter.reason.as_str(), letter.payload_size), (0, "expected an object", Some(6)));
    let told: Vec<_> = std::iter::from_fn(|| changes.try_recv().ok().map(|it| it.change.word())).collect();
    assert_eq!(told, ["partition-frozen", "dead-letter", "partition-released"]);
    fixture.next = Some(1);
    let next = fixture.recording(1);
    assert_eq!(fixture.record(next).await, Recorded::Stored);
}

#[tokio::test]
async fn partitions_are_listed_with_why_they_stand_still() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.freeze(4).await;
    fixture.record(empty(1, None, 5)).await;
    let shown = |it: &crate::domain::partition::PartitionStatus| {
        let frozen = it.frozen.as_ref().map(|frozen| (frozen.offset, frozen.matcher.clone()));
        (it.partition, it.next, frozen)
    };
    let all: Vec<_> = fixture.store.partitions(None).await.unwrap().iter().map(shown).collect();
    assert_eq!(all, [(0, 3, Some((3, "job-finish".to_owned()))), (1, 5, None)]);
    assert_eq!(fixture.store.partitions(Some("other".to_owned())).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_to_be_published_of_a_message_is_due_when_it_is_set_aside() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let forward = Forward { topic: "dead".to_owned(), key: None, value: Some(b"whole".to_vec()), headers: Vec::new() };
    let mut recording = fixture.recording(2);
    let letter = DeadLetter { forward: Some(Box::new(forward.clone())), ..letter(1, b"sample") };
    recording.span.to = 1;
    recording.halt = Some(Halt { how: HaltKind::Freeze, letter: letter.clone() });
    let partition = recording.partition.clone();
    fixture.record(recording).await;
    assert_eq!(fixture.store.due_forwards(9).await.unwrap(), []);

    fixture.release(&partition, Release::Skip).await;
    let due = fixture.store.due_forwards(9).await.unwrap().remove(0);
    assert_eq!((due.letter.offset, due.forward), (1, forward));
    fixture.store.forwarded(vec![due.letter.id]).await.unwrap();
    assert_eq!(fixture.store.due_forwards(9).await.unwrap(), []);
    let again = fixture.store.dead_letter(due.letter.id).await.unwrap().unwrap();
    assert!(again.published_at.is_some());
    // One that is judged again is set aside already, and was published.
    let recording = Recording { dead_letters: vec![letter], ..fixture.recording(2) };
    fixture.record(recording).await;
    assert_eq!(fixture.store.due_forwards(9).await.unwrap(), []);
}
