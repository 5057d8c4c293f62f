//! Why a wait still waits.

use super::*;
use crate::domain::{
    explanation::{Explanation, Question, ReasonKind, Unexplained},
    generation::{Generation, GenerationState},
};

impl Fixture {
    /// A matcher serves, as far as the store knows.
    async fn serve(&self) {
        let generation = Generation {
            matcher: "job-finish".to_owned(),
            sha256: "abc".to_owned(),
            version: "1".to_owned(),
            interface: "1".to_owned(),
            origin: "built in".to_owned(),
            loaded_at: at("2019-01-01T00:00:00Z"),
            state: GenerationState::Serving,
            reason: None,
            ended_at: None,
            usage: Default::default(),
        };
        self.store.save_generation(generation, None).await.unwrap();
        // There is no log to be read back.
        self.store.give_up_catch_ups(Timestamp::MAX).await.unwrap();
    }

    async fn explain(&self, now: &str) -> Explanation {
        let question = Question { sensor: "s".to_owned(), ..Question::default() };
        self.store.explain(question, at(now)).await.unwrap().unwrap()
    }

    /// The first reason for what is missing, task by task.
    async fn why(&self, now: &str) -> Vec<String> {
        let explanation = self.explain(now).await;
        explanation.missing.iter().map(|it| format!("{}: {}", it.task_id, it.reasons[0].text)).collect()
    }
}

async fn fixture(sensor: Sensor) -> Fixture {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor]).await;
    fixture.serve().await;
    fixture
}

#[tokio::test]
async fn the_headline_says_how_many_are_missing_and_which() {
    let mut fixture = fixture(sensor("s", &[("a", D), ("b", D), ("c", M)])).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture.send("2019-07-07T08:00:00Z", &["s.a"]).await;
    let explanation = fixture.explain("2019-07-07T09:00:00Z").await;
    assert_eq!(explanation.headline(), "waits for 2 of 3: b, c");
    assert_eq!((explanation.here[0].task_id.as_str(), explanation.here[0].since), ("a", at("2019-07-07T08:00:00Z")));
    assert_eq!(explanation.here[0].message.as_deref(), Some("t/0@0"));
    assert_eq!(fixture.why("2019-07-07T09:00:00Z").await, ["b: never seen so far", "c: never seen so far"]);
    fixture.send("2019-07-07T08:00:00Z", &["s.b", "s.c"]).await;
    let explanation = fixture.explain("2019-07-07T09:00:00Z").await;
    assert!(explanation.headline().starts_with("complete at "), "{}", explanation.headline());
    assert_eq!((explanation.received, explanation.missing.len()), (3, 0));
}

#[tokio::test]
async fn what_is_usual_is_of_the_windows_before() {
    let mut fixture = fixture(sensor("s", &[("a", D)])).await;
    for (day, time) in [("03", "03:10"), ("04", "04:55"), ("05", "03:05")] {
        fixture.dawn(&format!("2019-07-{day}T00:00:00Z")).await;
        fixture.send(&format!("2019-07-{day}T{time}:10Z"), &["s.a"]).await;
        fixture.send(&format!("2019-07-{day}T23:00:00Z"), &["s.a"]).await;
    }
    fixture.dawn("2019-07-07T00:00:00Z").await;
    let usually = "usually 03:10, at the latest 04:55 (3 days)";
    assert_eq!(fixture.why("2019-07-07T03:00:00Z").await, [format!("a: not due yet: {usually}")]);
    assert_eq!(fixture.why("2019-07-07T05:00:00Z").await, [format!("a: not seen, and overdue: {usually}")]);
    let last = fixture.explain("2019-07-07T05:00:00Z").await.missing.remove(0).last_came.unwrap();
    assert_eq!((last.arrival, last.message.as_str()), (at("2019-07-05T23:00:00Z"), "t/0@5"));
}

#[tokio::test]
async fn near_misses_are_told_and_the_newest_twenty_shown() {
    let mut fixture = fixture(sensor("s", &[("a", D)])).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    for minute in 10..35 {
        fixture.miss(&format!("2019-07-07T08:{minute}:00Z"), "s.a", "another day").await;
    }
    let why = "a: a message with its key came at 08:34 and was refused: another day (25 near misses)";
    assert_eq!(fixture.why("2019-07-07T09:00:00Z").await, [why]);
    let near = fixture.explain("2019-07-07T09:00:00Z").await.missing.remove(0).near_misses;
    assert_eq!((near.count, near.newest.len()), (25, 20));
    assert_eq!(near.newest[0].came.message, "t/0@24");
    assert_eq!(fixture.why("2019-07-08T09:00:00Z").await, ["a: its window ended at 00:00"], "no new wait is open yet");
}

#[tokio::test]
async fn counted_messages_matchers_that_are_away_and_pauses_are_told() {
    let mut counting = sensor("s", &[("a", D)]);
    counting.wanted[0].count = 3;
    let mut fixture = fixture(counting).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture.send("2019-07-07T08:00:00Z", &["s.a"]).await;
    assert_eq!(fixture.why("2019-07-07T09:00:00Z").await, ["a: 1 of 3 messages are here"]);
    let quarantined = (GenerationState::Quarantined, Some("it traps".to_owned()));
    let (state, reason) = quarantined;
    fixture.store.note_generation("job-finish".to_owned(), "abc".to_owned(), state, reason).await.unwrap();
    let why = "a: its matcher job-finish keeps failing, its topic waits (it traps)";
    assert_eq!(fixture.why("2019-07-07T09:00:00Z").await, [why]);
    fixture.store.pause_sensor("s".to_owned(), true, crate::domain::dead_letter::Actor::Cli, None).await.unwrap();
    let explanation = fixture.explain("2019-07-07T09:00:00Z").await;
    assert_eq!(explanation.headline(), "paused; waits for 1 of 1: a");
    let kinds: Vec<_> = explanation.missing[0].reasons.iter().map(|reason| reason.kind).collect();
    assert_eq!(kinds, [ReasonKind::Paused, ReasonKind::MatcherAway, ReasonKind::Counting]);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let fixture = fixture(sensor("s", &[("a", D)])).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    let ask = async |sensor: &str, task: Option<&str>, wait: Option<&str>| {
        let (task_id, wait) = (task.map(str::to_owned), wait.map(str::to_owned));
        let question = Question { sensor: sensor.to_owned(), task_id, wait };
        fixture.store.explain(question, at("2019-07-07T09:00:00Z")).await.unwrap().map(drop)
    };
    assert_eq!(ask("s", Some("a"), Some("2019-07-07")).await, Ok(()));
    assert_eq!(ask("x", None, None).await, Err(Unexplained::NoSuchSensor("x".to_owned())));
    let (sensor, task_id, wait) = ("s".to_owned(), "b".to_owned(), "w".to_owned());
    assert_eq!(ask("s", Some("b"), None).await, Err(Unexplained::NoSuchTask { sensor: sensor.clone(), task_id }));
    assert_eq!(ask("s", None, Some("w")).await, Err(Unexplained::NoSuchWait { sensor, wait }));
}
