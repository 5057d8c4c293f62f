use super::*;
use crate::domain::{
    mark::MarkKind,
    outbox::{MarkFilter, MarkStatus, StoredMark},
};

const NOW: &str = "2019-07-07T12:00:00Z";

/// Tasks a to f: a, b, e of partition 0, c, d of partition 1; a and c have one key, b and d another, e has none. Then f fails
/// without a message.
async fn six(order: Order) -> Fixture {
    let mut fixture = Fixture::new(MarkMode::Outbox(order));
    let tasks = ["a", "b", "c", "d", "e", "f"];
    fixture.define(vec![sensor("s", &tasks.map(|task| (task, D)))]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    let sent = [(0, Some("x"), "a"), (0, Some("y"), "b"), (1, Some("x"), "c"), (1, Some("y"), "d"), (0, None, "e")];
    for (partition, key, task) in sent {
        fixture.send_from(partition, key, &[&format!("s.{task}")]).await;
    }
    fail(&fixture, "f").await;
    fixture
}

async fn fail(fixture: &Fixture, task_id: &'static str) {
    let failing = fixture.store.writer.call(move |session| {
        let (sensor, wait, kind) = ("s", "2019-07-07", MarkKind::Task);
        let task = marks::Task { sensor, wait, wait_id: WaitId(1), task_id, kind };
        marks::mark(session, task, crate::domain::mark::TaskState::Failed, None, &columns::now())
    });
    failing.await.unwrap();
}

async fn due(fixture: &Fixture) -> String {
    let marks = fixture.store.pending_marks(at(NOW), 100).await.unwrap();
    marks.into_iter().map(|mark| mark.task_id).collect()
}

async fn resolve(fixture: &Fixture, id: i64, outcome: Outcome) -> String {
    fixture.store.resolve(vec![(MarkId(id), outcome)]).await.unwrap();
    due(fixture).await
}

fn later() -> Outcome {
    Outcome::Retry { at: at("2019-07-07T13:00:00Z"), reason: "not now".to_owned() }
}

fn never() -> Outcome {
    Outcome::Rejected { reason: "never".to_owned() }
}

#[tokio::test]
async fn serial_is_one_after_the_other() {
    let fixture = six(Order::Serial).await;
    assert_eq!(due(&fixture).await, "a");
    assert_eq!(resolve(&fixture, 1, later()).await, "");
    assert_eq!(fixture.store.next_mark_due(at(NOW)).await.unwrap(), Some(at("2019-07-07T13:00:00Z")));
    assert_eq!(resolve(&fixture, 1, Outcome::Delivered).await, "b");
    assert_eq!(resolve(&fixture, 2, never()).await, "c");
    for (id, next) in [(3, "d"), (4, "e"), (5, "f"), (6, "")] {
        assert_eq!(resolve(&fixture, id, Outcome::Delivered).await, next);
    }
}

#[tokio::test]
async fn within_a_partition_one_holds_up_the_rest() {
    let fixture = six(Order::Partition).await;
    assert_eq!(due(&fixture).await, "acf");
    assert_eq!(resolve(&fixture, 1, later()).await, "cf");
    assert_eq!(resolve(&fixture, 3, Outcome::Delivered).await, "df");
    assert_eq!(resolve(&fixture, 1, Outcome::Delivered).await, "bdf");
    assert_eq!(resolve(&fixture, 2, Outcome::Delivered).await, "def");
}

#[tokio::test]
async fn within_a_key_one_holds_up_the_rest_and_no_key_is_in_no_order() {
    let fixture = six(Order::Key).await;
    assert_eq!(due(&fixture).await, "abef");
    assert_eq!(resolve(&fixture, 1, Outcome::Delivered).await, "bcef");
    assert_eq!(resolve(&fixture, 2, later()).await, "cef");
}

#[tokio::test]
async fn in_no_order_all_are_due() {
    let fixture = six(Order::None).await;
    assert_eq!(due(&fixture).await, "abcdef");
    assert_eq!(resolve(&fixture, 1, later()).await, "bcdef");
}

#[tokio::test]
async fn what_is_superseded_or_forgotten_holds_up_nobody() {
    let fixture = six(Order::Partition).await;
    fail(&fixture, "a").await;
    assert_eq!(due(&fixture).await, "bcfa");
    let forgetting = fixture.store.writer.call(|session| {
        session.db.execute("DELETE FROM marks WHERE task_id = 'b'", [])?;
        Ok(())
    });
    forgetting.await.unwrap();
    assert_eq!(due(&fixture).await, "cefa");
}

#[tokio::test]
async fn what_was_rejected_takes_its_old_place_when_it_is_tried_again() {
    let fixture = six(Order::Partition).await;
    assert_eq!(resolve(&fixture, 1, never()).await, "bcf");
    let retried = fixture.store.retry_marks(vec![MarkId(1), MarkId(99)], Actor::Cli).await.unwrap();
    assert_eq!(retried, [MarkId(1)]);
    assert_eq!(due(&fixture).await, "acf");
    assert_eq!(fixture.sql("SELECT actor, action, subject FROM audit"), ["cli|mark retry|mark 1"]);
    let marks =
        fixture.store.marks(MarkFilter { status: Some(MarkStatus::Pending), sensor: None }, None, 9).await.unwrap();
    let shown = |it: &StoredMark| format!("{}{}", it.task_id, if it.behind { "…" } else { "" });
    assert_eq!(marks.iter().map(shown).collect::<Vec<_>>().join(" "), "f e… d… c b… a");
    assert_eq!(resolve(&fixture, 1, later()).await, "cf");
    fixture.store.retry_marks(vec![MarkId(1)], Actor::Cli).await.unwrap();
    assert_eq!(due(&fixture).await, "acf");
    fail(&fixture, "c").await;
    assert_eq!(fixture.store.retry_marks(vec![MarkId(3)], Actor::Cli).await.unwrap(), []);
}

#[tokio::test]
async fn another_order_is_put_into_effect_at_the_start() {
    let mut fixture = six(Order::Serial).await;
    assert_eq!(resolve(&fixture, 1, Outcome::Delivered).await, "b");
    for (order, expect) in
        [(Order::None, "bcdef"), (Order::Partition, "bcf"), (Order::Key, "bcef"), (Order::Serial, "b")]
    {
        fixture.store.close().await.unwrap();
        let config = Config { path: fixture.path.clone(), ..Config::default() };
        fixture.store = Store::open(&config, MarkMode::Outbox(order)).unwrap();
        assert_eq!(due(&fixture).await, expect, "{order:?}");
    }
}

#[tokio::test]
async fn a_number_is_never_given_twice() {
    let fixture = six(Order::None).await;
    let again = fixture.store.writer.call(|session| {
        session.db.execute("DELETE FROM marks WHERE task_id = 'f'", [])?;
        Ok(())
    });
    again.await.unwrap();
    fail(&fixture, "f").await;
    assert_eq!(fixture.sql("SELECT id FROM marks WHERE task_id = 'f'"), ["7"]);
}

#[tokio::test]
async fn keys_are_compared_byte_by_byte() {
    let mut fixture = Fixture::new(MarkMode::Outbox(Order::Key));
    let sent = [("a", "foo"), ("b", "FOO"), ("c", "Foo"), ("d", "foo "), ("e", "foo")];
    fixture.define(vec![sensor("s", &sent.map(|(task, _)| (task, D)))]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    for (task, key) in sent {
        fixture.send_from(0, Some(key), &[&format!("s.{task}")]).await;
    }
    assert_eq!(due(&fixture).await, "abcd");
}
