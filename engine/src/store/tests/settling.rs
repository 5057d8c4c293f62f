//! Where the tasks of a wait are, the gate that stands for all of them, and when nothing is left to be told.

use serde_json::{Value, json};

use super::*;
use crate::domain::{
    change::Change,
    mark::MarkKind,
    target::WrongTarget,
    wait::{OnTimeout, WaitState},
};

const NOON: &str = "2019-07-07T12:00:00Z";
const LATER: &str = "2019-07-07T13:00:00Z";
const MARKS: &str = "SELECT kind, task_id, state, status FROM marks ORDER BY id";

fn target(value: Value) -> Target {
    Target::read(&value).unwrap()
}

fn request(own: Value) -> WaitRequest {
    let (sensor, name, timeout) = ("s".to_owned(), "r".to_owned(), Some(Timeout::Seconds(60)));
    WaitRequest { sensor, name, timeout, target: target(own), ..WaitRequest::default() }
}

/// Two tasks, and a wait that brings something to the sensor's target.
async fn asked(own: Value, on_timeout: OnTimeout) -> Fixture {
    let mut fixture = Fixture::new(MarkMode::Outbox(Order::None));
    let sensor = sensor("s", &[("a", D), ("b", D)]);
    let aim = target(json!({"dag_id": "d", "run_id": "{{ wait }}-{{ business_date|dt.format('%Y%m%d') }}"}));
    fixture.define(vec![Sensor { opening: Opening::Request, target: aim, on_timeout, ..sensor }]).await;
    fixture.render("2019-07-07").await;
    fixture.store.open_wait(at(NOON), request(own), anything()).await.unwrap().unwrap();
    fixture
}

impl Fixture {
    async fn due(&self) -> Vec<Mark> {
        self.store.pending_marks(at(LATER), 10).await.unwrap()
    }

    async fn due_tasks(&self) -> String {
        self.due().await.iter().map(|mark| mark.task_id.as_str()).collect::<Vec<_>>().join(" ")
    }

    async fn deliver_all(&self) {
        let due = self.due().await.into_iter().map(|mark| (mark.id, Outcome::Delivered));
        self.store.resolve(due.collect()).await.unwrap();
    }

    async fn is_settled(&self) -> bool {
        self.store.wait("s".to_owned(), "r".to_owned()).await.unwrap().unwrap().settled
    }
}

/// The ends and settlements that were told.
fn told(listening: &mut Listening) -> Vec<(&'static str, WaitState)> {
    let mut told = Vec::new();
    while let Ok(change) = listening.from_now.try_recv() {
        if let Change::WaitEnded { state, .. } | Change::WaitSettled { state, .. } = change.change {
            told.push((change.change.word(), state));
        }
    }
    told
}

#[tokio::test]
async fn a_mark_knows_where_its_task_is_and_how_long_it_may_be_awaited() {
    let fixture = &mut asked(json!({"map_index": 3, "dag_id": "e"}), OnTimeout::Fail).await;
    fixture.send("2019-07-07T12:00:30Z", &["s.a"]).await;
    let mark = fixture.due().await.remove(0);
    assert_eq!(mark.target, target(json!({"dag_id": "e", "run_id": "r-20190707", "map_index": 3})));
    assert_eq!((mark.kind, mark.expected_until), (MarkKind::Task, at("2019-07-08T00:00:00Z")));
    let shown = fixture.store.wait("s".to_owned(), "r".to_owned()).await.unwrap().unwrap();
    assert_eq!(shown.target, mark.target);
}

#[tokio::test]
async fn the_gate_goes_out_when_its_tasks_are_settled_whatever_became_of_them() {
    let fixture = &mut asked(json!({"gate": "all", "on_complete": {}}), OnTimeout::Fail).await;
    let mut listening = fixture.store.changes(None);
    fixture.send("2019-07-07T12:00:30Z", &["s.a", "s.b"]).await;
    assert_eq!(told(&mut listening), [("wait-ended", WaitState::Complete)]);
    assert_eq!((fixture.due_tasks().await.as_str(), fixture.is_settled().await), ("a b", false));
    let rejected = Outcome::Rejected { reason: String::new() };
    fixture.store.resolve(vec![(MarkId(1), Outcome::Delivered), (MarkId(2), rejected)]).await.unwrap();
    assert_eq!((fixture.due_tasks().await.as_str(), fixture.is_settled().await), ("all on_complete", false));
    assert_eq!(told(&mut listening), []);
    fixture.deliver_all().await;
    assert!(fixture.is_settled().await);
    assert_eq!(told(&mut listening), [("wait-settled", WaitState::Complete)]);
    let marks = ["task|a|success|delivered", "task|b|success|rejected", "gate|all|success|delivered"];
    assert_eq!(fixture.sql(MARKS), [&marks[..], &["on-complete|on_complete|success|delivered"]].concat());
}

#[tokio::test]
async fn a_gate_fails_or_is_skipped_as_its_wait_is_and_heals_with_it() {
    for (on_timeout, word) in [(OnTimeout::Fail, "failed"), (OnTimeout::Skip, "skipped")] {
        let fixture = &mut asked(json!({"gate": "all", "on_complete": {}}), on_timeout).await;
        fixture.end(LATER).await;
        fixture.deliver_all().await;
        fixture.deliver_all().await;
        let marks = ["task|a", "task|b", "gate|all"].map(|mark| format!("{mark}|{word}|delivered"));
        assert_eq!(fixture.sql(MARKS), marks);
        assert!(fixture.is_settled().await);
    }
    let mut fixture = Fixture::new(MarkMode::Outbox(Order::None));
    let (opening, late) = (Opening::Request, Late::Heal);
    fixture.define(vec![Sensor { opening, late, ..sensor("s", &[("a", D)]) }]).await;
    fixture.render("2019-07-07").await;
    fixture.store.open_wait(at(NOON), request(json!({"gate": "all"})), anything()).await.unwrap().unwrap();
    fixture.end(LATER).await;
    fixture.send("2019-07-07T12:30:00Z", &["s.a"]).await;
    fixture.deliver_all().await;
    fixture.deliver_all().await;
    let newest = "SELECT task_id, state, status FROM marks WHERE state = 'success' ORDER BY id";
    assert_eq!(fixture.sql(newest), ["a|success|delivered", "all|success|delivered"]);
}

#[tokio::test]
async fn in_an_order_a_gate_holds_up_nobody() {
    let mut fixture = Fixture::new(MarkMode::Outbox(Order::Serial));
    let (opening, late) = (Opening::Request, Late::Heal);
    fixture.define(vec![Sensor { opening, late, ..sensor("s", &[("a", D), ("b", D)]) }]).await;
    fixture.render("2019-07-07").await;
    fixture.store.open_wait(at(NOON), request(json!({"gate": "all"})), anything()).await.unwrap().unwrap();
    fixture.send("2019-07-07T12:00:30Z", &["s.a"]).await;
    fixture.end(LATER).await;
    fixture.send("2019-07-07T12:30:00Z", &["s.b"]).await;
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(fixture.due_tasks().await);
        fixture.deliver_all().await;
    }
    assert_eq!(told, ["a", "b", "all"]);
}

#[tokio::test]
async fn what_has_nothing_to_be_told_is_settled_with_its_end() {
    let fixture = &mut asked(json!({}), OnTimeout::Fail).await;
    let mut listening = fixture.store.changes(None);
    let cancelled = fixture.store.cancel_wait("s".to_owned(), "r".to_owned(), Actor::Cli, None).await.unwrap();
    assert_eq!(cancelled, Some(WaitState::Waiting));
    let expected = [("wait-ended", WaitState::Cancelled), ("wait-settled", WaitState::Cancelled)];
    assert_eq!((told(&mut listening).as_slice(), fixture.is_settled().await), (&expected[..], true));
}

#[tokio::test]
async fn a_wait_with_a_target_that_nobody_can_use_does_not_open() {
    let fixture = asked(json!({}), OnTimeout::Fail).await;
    let refused = |own: Value, accepts: Box<Accepts>| {
        let request = WaitRequest { name: "other".to_owned(), ..request(own) };
        fixture.store.open_wait(at(NOON), request, accepts)
    };
    let gate = refused(json!({"gate": "b"}), anything()).await.unwrap();
    assert_eq!(gate, Err(WrongTarget::Task("b".to_owned()).into()));
    let adapter = refused(
        json!({"run_id": null}),
        Box::new(|target| match target.text("run_id") {
            None => Err("there is no `run_id`".to_owned()),
            Some(_) => Ok(()),
        }),
    );
    assert_eq!(adapter.await.unwrap().unwrap_err().to_string(), "`target`: there is no `run_id`");
    assert_eq!(fixture.waits(), ["s|r|waiting"]);
}

#[tokio::test]
async fn what_opened_with_a_window_follows_the_target_of_its_sensor() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let aim = |run: &str| target(json!({"run_id": run, "gate": "all"}));
    fixture.define(vec![Sensor { target: aim("old"), ..sensor("s", &[("a", D)]) }]).await;
    fixture.dawn(NOON).await;
    fixture.define(vec![Sensor { target: aim("{{ wait }}"), ..sensor("s", &[("a", D)]) }]).await;
    fixture.dawn(NOON).await;
    assert_eq!(fixture.sql("SELECT target FROM waits"), [r#"{"gate":"all","run_id":"2019-07-07"}"#]);
    fixture.send(LATER, &["s.a"]).await;
    assert_eq!(fixture.tasks(), ["s/2019-07-07/a=success", "s/2019-07-07/all=success"]);
}
