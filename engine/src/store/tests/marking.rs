use super::*;
use crate::domain::mark::MarkKind;

const NOW: &str = "2019-07-07T12:00:00Z";

async fn two_pending() -> Fixture {
    let mut fixture = Fixture::new(MarkMode::Outbox(Order::None));
    fixture.define(vec![sensor("s", &[("a", D), ("b", D), ("c", D)])]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture.send("2019-07-07T08:00:00Z", &["s.a", "s.b"]).await;
    fixture
}

async fn due(fixture: &Fixture, now: &str) -> Vec<(i64, String, u32)> {
    let marks = fixture.store.pending_marks(at(now), 10).await.unwrap();
    marks.into_iter().map(|mark| (mark.id.0, mark.task_id, mark.attempts)).collect()
}

#[tokio::test]
async fn a_mark_carries_its_evidence() {
    let fixture = two_pending().await;
    let marks = fixture.store.pending_marks(at(NOW), 1).await.unwrap();
    let expect = format!("{:?}", marks[0]);
    let parts = [
        "sensor: \"s\"",
        "wait: \"2019-07-07\"",
        "business_date: 2019-07-07",
        "task_id: \"a\"",
        "Success",
        "offset: 0",
        "matcher: \"job-finish\"",
        "sha256: \"abc\"",
        "arrival: 2019-07-07T08:00:00Z",
        "event_time: Some(2019-07-07T00:00:00Z)",
        "key: Some([107])",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "attempts: 0",
    ];
    for part in parts {
        assert!(expect.contains(part), "{part} is not in {expect}");
    }
    assert_eq!(fixture.tasks(), Vec::<String>::new());
}

#[tokio::test]
async fn outcomes_are_kept() {
    let fixture = two_pending().await;
    let retry = Outcome::Retry { at: at("2019-07-07T13:00:00Z"), reason: "no run yet".to_owned() };
    fixture.store.resolve(vec![(MarkId(1), retry), (MarkId(2), Outcome::Delivered)]).await.unwrap();
    assert_eq!(due(&fixture, NOW).await, []);
    assert_eq!(fixture.store.next_mark_due(at(NOW)).await.unwrap(), Some(at("2019-07-07T13:00:00Z")));
    assert_eq!(due(&fixture, "2019-07-07T13:00:00Z").await, [(1, "a".to_owned(), 1)]);
    assert_eq!(fixture.store.next_mark_due(at("2019-07-07T13:00:00Z")).await.unwrap(), None);
    let rejected = Outcome::Rejected { reason: "no such task".to_owned() };
    fixture.store.resolve(vec![(MarkId(1), rejected)]).await.unwrap();
    let marks = "SELECT id, status, attempts, last_error, resolved_at IS NOT NULL FROM marks";
    assert_eq!(fixture.sql(marks), ["1|rejected|2|no such task|1", "2|delivered|1||1"]);
    fixture.store.resolve(vec![(MarkId(1), Outcome::Delivered)]).await.unwrap();
    assert_eq!(fixture.sql(marks)[0], "1|rejected|2|no such task|1");
}

#[tokio::test]
async fn the_longest_due_come_first() {
    let fixture = two_pending().await;
    let retry = |at_: &str| Outcome::Retry { at: at(at_), reason: String::new() };
    let later = vec![(MarkId(1), retry("2019-07-07T11:00:00Z")), (MarkId(2), retry("2019-07-07T10:00:00Z"))];
    fixture.store.resolve(later).await.unwrap();
    assert_eq!(due(&fixture, NOW).await, [(2, "b".to_owned(), 1), (1, "a".to_owned(), 1)]);
}

#[tokio::test]
async fn a_newer_state_supersedes_one_that_is_not_delivered() {
    let fixture = two_pending().await;
    fixture.store.resolve(vec![(MarkId(2), Outcome::Delivered)]).await.unwrap();
    let failing = fixture.store.writer.call(|session| {
        for task_id in ["a", "b"] {
            let (sensor, wait, wait_id, kind) = ("s", "2019-07-07", WaitId(1), MarkKind::Task);
            let task = marks::Task { sensor, wait, wait_id, task_id, kind };
            marks::mark(session, task, crate::domain::mark::TaskState::Failed, None, &columns::now())?;
        }
        Ok(())
    });
    failing.await.unwrap();
    let marks = "SELECT task_id, state, status FROM marks ORDER BY task_id, id";
    assert_eq!(
        fixture.sql(marks),
        ["a|success|superseded", "a|failed|pending", "b|success|delivered", "b|failed|pending"]
    );
    assert!(fixture.store.pending_marks(at(NOW), 10).await.unwrap().iter().all(|mark| mark.evidence.is_none()));
    fixture.store.resolve(vec![(MarkId(1), Outcome::Delivered)]).await.unwrap();
    assert_eq!(fixture.sql(marks)[0], "a|success|superseded");
}

#[tokio::test]
async fn it_is_said_when_marks_appear() {
    let mut fixture = two_pending().await;
    let mut appeared = fixture.store.marks_appeared();
    appeared.mark_unchanged();
    fixture.send("2019-07-07T09:00:00Z", &["s.a"]).await;
    assert!(!appeared.has_changed().unwrap());
    fixture.send("2019-07-07T09:00:00Z", &["s.c"]).await;
    tokio::time::timeout(std::time::Duration::from_secs(10), appeared.changed()).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_was_to_be_delivered_is_settled_when_the_tasks_become_ours() {
    let fixture = two_pending().await;
    fixture.store.resolve(vec![(MarkId(2), Outcome::Delivered)]).await.unwrap();
    fixture.store.close().await.unwrap();
    let store = Store::open(&Config { path: fixture.path.clone(), ..Config::default() }, MarkMode::Local).unwrap();
    assert_eq!(fixture.tasks(), ["s/2019-07-07/a=success"]);
    assert_eq!(store.pending_marks(at(NOW), 10).await.unwrap(), []);
}
