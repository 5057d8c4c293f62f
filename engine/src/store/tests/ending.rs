//! Waits on request, deadlines, late messages and decisions by hand.

use super::*;
use crate::domain::{
    dead_letter::Actor,
    handling::{HandledTask, Handling},
    wait::{OpenError, WaitRequest},
};

fn request(sensor: &str, name: &str) -> WaitRequest {
    WaitRequest { sensor: sensor.to_owned(), name: name.to_owned(), ..WaitRequest::default() }
}

fn on_request(sensor: Sensor) -> Sensor {
    Sensor { opening: Opening::Request, ..sensor }
}

impl Fixture {
    async fn open(&self, now: &str, request: WaitRequest) -> Result<String, OpenError> {
        let opened = self.store.open_wait(at(now), request, anything()).await.unwrap()?;
        Ok(format!("{} until {}", opened.state.word(), opened.deadline.map(columns::instant).unwrap_or_default()))
    }

    /// Lets all deadlines up to an instant take effect.
    pub(super) async fn end(&self, now: &str) {
        while let Some(due) = self.store.due_waits(at(now), None, 1).await.unwrap().pop() {
            self.store.end_waits(at(now), vec![due.id]).await.unwrap();
        }
    }

    async fn handle(&self, task: &str, handling: Handling) {
        let (sensor, wait, task_id) = ("s".to_owned(), "r".to_owned(), task.to_owned());
        let task = HandledTask { sensor, wait, task_id, handling, reason: Some("because".to_owned()) };
        self.store.handle_task(at("2019-07-07T13:30:00Z"), task, Actor::Cli).await.unwrap().unwrap();
    }

    /// How the waits and their tasks stand.
    fn stands(&self) -> String {
        let waits = self.sql("SELECT name || ' ' || state FROM waits ORDER BY id").join(", ");
        let tasks = self.sql("SELECT task_id || ' ' || state FROM tasks ORDER BY wait, task_id").join(", ");
        format!("{waits}: {tasks}")
    }
}

const NOON: &str = "2019-07-07T12:00:00Z";

async fn two() -> Fixture {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![on_request(sensor("s", &[("a", D), ("b", D)]))]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture
}

#[tokio::test]
async fn a_wait_sees_at_once_what_is_there() {
    let mut fixture = two().await;
    fixture.send("2019-07-07T08:00:00Z", &["s.a"]).await;
    assert_eq!(fixture.open(NOON, request("s", "r")).await.unwrap(), "waiting until 2019-07-08T00:00:00.000Z");
    assert_eq!(fixture.stands(), "r waiting: a success, b pending");
    fixture.send("2019-07-07T13:00:00Z", &["s.b"]).await;
    assert_eq!(fixture.open(NOON, request("s", "q")).await.unwrap(), "complete until ");
    assert_eq!(fixture.stands(), "r complete, q complete: a success, b success, a success, b success");
}

#[tokio::test]
async fn waits_are_due_page_by_page_also_where_many_are_at_once() {
    let fixture = two().await;
    for (name, seconds) in [("a", 20), ("b", 10), ("c", 10), ("d", 10), ("e", 30), ("f", 3_600)] {
        let timeout = Some(Timeout::Seconds(seconds));
        fixture.open(NOON, WaitRequest { timeout, ..request("s", name) }).await.unwrap();
    }
    for limit in 1..5 {
        let (mut after, mut names) = (None, String::new());
        loop {
            let page = fixture.store.due_waits(at("2019-07-07T12:30:00Z"), after, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.deadline, last.id));
            for due in page {
                names += &fixture.sql(&format!("SELECT name FROM waits WHERE id = {}", due.id.0))[0];
            }
        }
        assert_eq!(names, "bcdae");
    }
}

#[tokio::test]
async fn what_arrives_at_the_deadline_is_late() {
    let mut fixture = two().await;
    let timeout = Some(Timeout::Seconds(60));
    fixture.open(NOON, WaitRequest { timeout, ..request("s", "r") }).await.unwrap();
    fixture.send("2019-07-07T12:01:00Z", &["s.b"]).await;
    fixture.send("2019-07-07T12:00:59.999Z", &["s.a"]).await;
    assert_eq!(fixture.stands(), "r waiting: a success, b pending");
    fixture.end("2019-07-07T12:00:59.999Z").await;
    assert_eq!(fixture.stands(), "r waiting: a success, b pending");
    fixture.end("2019-07-07T12:05:00Z").await;
    assert_eq!(fixture.stands(), "r failed: a success, b failed");
    assert_eq!(fixture.sql("SELECT ended_at, ended_by FROM waits"), ["2019-07-07T12:01:00.000Z|deadline"]);
    assert_eq!(fixture.store.next_deadline().await.unwrap(), None);
}

#[tokio::test]
async fn a_late_message_heals_where_it_may() {
    for before_the_end in [true, false] {
        let mut fixture = two().await;
        let healing = WaitRequest { timeout: Some(Timeout::Seconds(60)), late: Some(Late::Heal), ..request("s", "r") };
        fixture.open(NOON, healing).await.unwrap();
        if before_the_end {
            fixture.send("2019-07-07T12:02:00Z", &["s.a"]).await;
            assert_eq!(fixture.stands(), "r waiting: a pending, b pending");
            fixture.end("2019-07-07T12:05:00Z").await;
        } else {
            fixture.end("2019-07-07T12:05:00Z").await;
            assert_eq!(fixture.stands(), "r failed: a failed, b failed");
            fixture.send("2019-07-07T12:06:00Z", &["s.a"]).await;
        }
        assert_eq!(fixture.stands(), "r failed: a success, b failed");
        // Another day is another window.
        fixture.send("2019-07-08T00:00:00Z", &["s.b"]).await;
        assert_eq!(fixture.stands(), "r failed: a success, b failed");
        fixture.send("2019-07-07T23:59:59Z", &["s.b"]).await;
        assert_eq!(fixture.stands(), "r complete: a success, b success");
    }
}

#[tokio::test]
async fn a_day_that_was_received_waits_on_for_the_month() {
    let messages = [("2019-07-07T08:00:00Z", "s.day"), ("2019-07-09T08:00:00Z", "s.month")];
    for order in [[0, 1], [1, 0]] {
        let mut fixture = Fixture::new(MarkMode::Local);
        fixture.define(vec![on_request(sensor("s", &[("day", D), ("month", M)]))]).await;
        fixture.dawn("2019-07-07T00:00:00Z").await;
        fixture.dawn("2019-07-09T00:00:00Z").await;
        let ask = || WaitRequest { business_date: Some("2019-07-07".parse().unwrap()), ..request("s", "r") };
        assert_eq!(fixture.open(NOON, ask()).await.unwrap(), "waiting until 2019-07-08T00:00:00.000Z");
        for message in order {
            fixture.send(messages[message].0, &[messages[message].1]).await;
        }
        fixture.end("2019-07-10T00:00:00Z").await;
        assert_eq!(fixture.stands(), "r complete: day success, month success");
    }
    // Without the day's message the wait ends with the day, whatever the month brings later.
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![on_request(sensor("s", &[("day", D), ("month", M)]))]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture.open(NOON, request("s", "r")).await.unwrap();
    fixture.dawn("2019-07-09T00:00:00Z").await;
    fixture.send(messages[1].0, &["s.month"]).await;
    fixture.end("2019-07-10T00:00:00Z").await;
    assert_eq!(fixture.stands(), "r failed: day failed, month failed");
}

#[tokio::test]
async fn so_many_messages_or_values() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let mut counting = on_request(sensor("s", &[("a", D), ("b", D)]));
    counting.wanted[0].count = 2;
    counting.wanted[1].count = 2;
    counting.wanted[1].distinct = vec!["region".to_owned()];
    fixture.define(vec![counting]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture.open(NOON, request("s", "r")).await.unwrap();
    for value in ["eu", "eu", "us"] {
        assert_eq!(fixture.sql("SELECT state FROM tasks WHERE task_id = 'b'"), ["pending"]);
        let mut recording = fixture.recording(1);
        let sighting = fixture.sighting("s.b", "2019-07-07T13:00:00Z", recording.span.to - 1).await;
        recording.matches.push(Match { distinct: Some(format!("[{value:?}]")), ..fulfilled(sighting) });
        fixture.record(recording).await;
    }
    fixture.send("2019-07-07T14:00:00Z", &["s.a"]).await;
    assert_eq!(fixture.stands(), "r waiting: a pending, b success");
    fixture.send("2019-07-07T14:00:00Z", &["s.a"]).await;
    assert_eq!(fixture.stands(), "r complete: a success, b success");
    assert_eq!(fixture.sql("SELECT task_id, match_id FROM marks"), ["b|3", "a|5"]);
}

#[tokio::test]
async fn every_hour_has_its_wait() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let hourly = Sensor { timezone: "Europe/Berlin".to_owned(), ..sensor("s", &[("a", Frequency::Hour), ("d", D)]) };
    fixture.define(vec![hourly]).await;
    fixture.dawn("2024-10-27T00:30:00Z").await;
    fixture.send("2024-10-27T00:59:59Z", &["s.a", "s.d"]).await;
    fixture.dawn("2024-10-27T01:00:00Z").await;
    assert_eq!(fixture.waits(), ["s|2024-10-27T02:00+01:00|waiting", "s|2024-10-27T02:00+02:00|complete"]);
    fixture.end("2024-10-27T02:00:00Z").await;
    let expect =
        "2024-10-27T02:00+02:00 complete, 2024-10-27T02:00+01:00 failed: a failed, d success, a success, d success";
    assert_eq!(fixture.stands(), expect);
    let ask = WaitRequest { business_date: Some("2024-10-26".parse().unwrap()), ..request("s", "r") };
    assert_eq!(fixture.open("2024-10-27T02:00:00Z", ask).await, Err(OpenError::HourNeeded("s".to_owned())));
    let ask = WaitRequest { business_date: Some("2024-10-27T00:10:00Z".parse().unwrap()), ..request("s", "r") };
    assert_eq!(fixture.open("2024-10-27T02:00:00Z", ask).await.unwrap(), "complete until ");
}

#[tokio::test]
async fn once_is_from_the_registration_on_and_for_ever() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", Frequency::Once)])]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    assert_eq!(fixture.waits(), ["s|once|waiting"]);
    fixture.send("2018-12-31T23:59:59Z", &["s.a"]).await;
    assert_eq!(fixture.sql("SELECT count(*) FROM matches"), ["0"]);
    fixture.end("2029-07-07T00:00:00Z").await;
    fixture.dawn("2020-07-07T00:00:00Z").await;
    fixture.send("2020-07-07T08:00:00Z", &["s.a"]).await;
    assert_eq!(fixture.waits(), ["s|once|complete"]);
    let seen = Reader::open(&fixture.path).unwrap().sensor_status("s", at("2021-01-01T00:00:00Z")).unwrap().unwrap();
    assert_eq!((seen.complete, seen.wanted[0].expires), (true, None));
}

#[tokio::test]
async fn people_decide_otherwise() {
    let mut fixture = two().await;
    fixture.open(NOON, request("s", "r")).await.unwrap();
    fixture.handle("a", Handling::Mark).await;
    assert_eq!(fixture.stands(), "r waiting: a success, b pending");
    fixture.handle("a", Handling::Unmark).await;
    assert_eq!(fixture.stands(), "r waiting: a pending, b pending");
    fixture.handle("a", Handling::Skip).await;
    assert_eq!(fixture.stands(), "r waiting: a skipped, b pending");
    fixture.send("2019-07-07T13:00:00Z", &["s.b"]).await;
    assert_eq!(fixture.stands(), "r complete: a skipped, b success");
    fixture.handle("b", Handling::Mark).await;
    let audit = fixture.sql("SELECT actor, action, subject, detail FROM audit");
    assert_eq!(audit[0], "cli|task mark|s/r/a|\"because\"");
    assert_eq!(audit.len(), 4);
    // What came until now does not count, what comes later does.
    fixture.handle("b", Handling::Unmark).await;
    assert_eq!(fixture.stands(), "r waiting: a skipped, b pending");
    fixture.send("2019-07-07T14:00:00Z", &["s.b"]).await;
    assert_eq!(fixture.stands(), "r complete: a skipped, b success");
}

#[tokio::test]
async fn a_decision_on_a_task_lets_no_late_message_of_another_count() {
    let mut fixture = two().await;
    fixture.open(NOON, WaitRequest { timeout: Some(Timeout::Seconds(60)), ..request("s", "r") }).await.unwrap();
    fixture.end("2019-07-07T12:05:00Z").await;
    fixture.send("2019-07-07T12:06:00Z", &["s.b"]).await;
    fixture.handle("a", Handling::Mark).await;
    assert_eq!(fixture.stands(), "r failed: a success, b failed");
    fixture.handle("b", Handling::Mark).await;
    assert_eq!(fixture.stands(), "r complete: a success, b success");
}

#[tokio::test]
async fn a_wait_that_is_cancelled_is_over() {
    let mut fixture = two().await;
    fixture.open(NOON, request("s", "r")).await.unwrap();
    let cancel = || fixture.store.cancel_wait("s".to_owned(), "r".to_owned(), Actor::Api, None);
    assert_eq!(cancel().await.unwrap(), Some(WaitState::Waiting));
    assert_eq!(cancel().await.unwrap(), Some(WaitState::Cancelled));
    fixture.send("2019-07-07T13:00:00Z", &["s.a"]).await;
    fixture.end("2019-07-09T00:00:00Z").await;
    assert_eq!(fixture.stands(), "r cancelled: a skipped, b skipped");
    assert!(matches!(fixture.open(NOON, request("s", "r")).await, Err(OpenError::Taken { .. })));
    assert!(matches!(fixture.open(NOON, request("x", "r")).await, Err(OpenError::NoSuchSensor(_))));
}

#[tokio::test]
async fn a_paused_sensor_keeps_what_comes_and_does_nothing() {
    let mut fixture = two().await;
    fixture.open(NOON, request("s", "r")).await.unwrap();
    let pause = |paused| fixture.store.pause_sensor("s".to_owned(), paused, Actor::Cli, None);
    assert!(pause(true).await.unwrap().is_some());
    fixture.send("2019-07-07T13:00:00Z", &["s.a"]).await;
    fixture.end("2019-07-09T00:00:00Z").await;
    assert_eq!(fixture.stands(), "r waiting: a pending, b pending");
    let pause = |paused| fixture.store.pause_sensor("s".to_owned(), paused, Actor::Cli, None);
    assert!(pause(false).await.unwrap().is_some());
    fixture.dawn("2019-07-07T14:00:00Z").await;
    assert_eq!(fixture.stands(), "r waiting: a success, b pending");
    fixture.end("2019-07-09T00:00:00Z").await;
    assert_eq!(fixture.stands(), "r failed: a success, b failed");
}

#[tokio::test]
async fn waits_of_a_sensor_that_goes_are_cancelled_and_return_with_it() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture.define(Vec::new()).await;
    assert_eq!(fixture.stands(), "2019-07-07 cancelled: a skipped");
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    fixture.dawn(NOON).await;
    assert_eq!(fixture.stands(), "2019-07-07 waiting: a pending");
    fixture.send("2019-07-07T13:00:00Z", &["s.a"]).await;
    assert_eq!(fixture.stands(), "2019-07-07 complete: a success");
}

#[tokio::test]
async fn days_that_went_by_unnoticed_have_their_waits() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    fixture.dawn("2019-07-07T12:00:00Z").await;
    fixture.dawn("2019-07-10T12:00:00Z").await;
    fixture.send("2019-07-08T12:00:00Z", &["s.a"]).await;
    fixture.end("2019-07-10T12:00:00Z").await;
    let expect = ["s|2019-07-07|failed", "s|2019-07-08|complete", "s|2019-07-09|failed", "s|2019-07-10|waiting"];
    assert_eq!(fixture.waits(), expect);
    // Not those of the time in which it was paused.
    let pause = |paused| fixture.store.pause_sensor("s".to_owned(), paused, Actor::Cli, None);
    assert!(pause(true).await.unwrap().is_some());
    fixture.dawn("2019-07-12T12:00:00Z").await;
    assert_eq!(fixture.waits(), expect);
}
