//! What is to be told of waits that ended with something missing.

use super::*;
use crate::domain::{
    mark::Outcome,
    report::{Batch, ReportKind},
};

const END: &str = "2019-07-08T00:00:30Z";

impl Fixture {
    async fn end_all(&self) {
        let due = self.store.due_waits(at(END), None, 100).await.unwrap();
        self.store.end_waits(at(END), due.into_iter().map(|due| due.id).collect()).await.unwrap();
    }

    /// What goes out next on a channel.
    async fn gathered(&self, channel: &'static str) -> Option<Batch> {
        self.store.gather_reports(channel, Timestamp::MAX).await.unwrap();
        self.store.due_report(channel, Timestamp::now()).await.unwrap()
    }

    fn reports(&self) -> Vec<String> {
        self.sql("SELECT channel, kind, state FROM reports ORDER BY id")
    }
}

/// Two sensors that want a message a day.
async fn fixture(channels: &[&'static str]) -> Fixture {
    let mut fixture = Fixture::new(MarkMode::Local);
    let healing = Sensor { late: Late::Heal, ..sensor("s", &[("a", D), ("b", D)]) };
    fixture.define(vec![healing, sensor("other", &[("c", D)])]).await;
    fixture.store.report_to(channels.to_vec()).await.unwrap();
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture
}

#[tokio::test]
async fn nobody_is_told_where_nobody_wants_to_be() {
    let fixture = fixture(&[]).await;
    fixture.end_all().await;
    assert_eq!(fixture.reports(), [""; 0]);
}

#[tokio::test]
async fn waits_that_end_together_are_told_of_together_and_once() {
    let fixture = fixture(&["email", "webhook"]).await;
    fixture.end_all().await;
    let mail = fixture.gathered("email").await.unwrap();
    assert_eq!(mail.entries.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [ReportKind::Missing; 2]);
    let retry = Outcome::Retry { at: Timestamp::now(), reason: "away".to_owned() };
    fixture.store.resolve_report(mail.id, retry).await.unwrap();
    assert_eq!(fixture.gathered("email").await, Some(Batch { attempts: 1, ..mail.clone() }), "the same again");
    fixture.store.resolve_report(mail.id, Outcome::Delivered).await.unwrap();
    assert_eq!(fixture.gathered("email").await, None);
    let post = fixture.gathered("webhook").await.unwrap();
    fixture.store.resolve_report(post.id, Outcome::Rejected { reason: "404".to_owned() }).await.unwrap();
    let stand = ["email|missing|sent", "webhook|missing|failed", "email|missing|sent", "webhook|missing|failed"];
    assert_eq!(fixture.reports(), stand);
}

#[tokio::test]
async fn what_heals_is_told_to_those_who_were_told_and_what_was_missing_as_it_stood() {
    let mut fixture = fixture(&["email"]).await;
    fixture.send("2019-07-07T08:00:00Z", &["s.b"]).await;
    let open = "2019-07-07T00:00:00Z";
    let timeout = Some(Timeout::Seconds(3600));
    let request = WaitRequest { sensor: "s".to_owned(), name: "r".to_owned(), timeout, ..WaitRequest::default() };
    fixture.store.open_wait(at(open), request, anything()).await.unwrap().unwrap();
    fixture.store.end_waits(at("2019-07-07T02:00:00Z"), vec![WaitId(3)]).await.unwrap();
    assert_eq!(fixture.reports(), ["email|missing|pending"]);
    fixture.send("2019-07-07T09:00:00Z", &["s.a"]).await;
    assert_eq!(fixture.reports(), ["email|missing|pending", "email|healed|pending"]);
    let batch = fixture.gathered("email").await.unwrap();
    let told = fixture.store.explain_reported(batch.entries, at("2019-07-07T10:00:00Z")).await.unwrap();
    assert_eq!(told[0].headline(), "failed at 01:00, lacking 2 of 2: a, b");
    assert_eq!(
        told[0].missing[0].reasons[0].text,
        "it came at 2019-07-07 09:00, after the deadline 01:00: t/0@1".replace("2019-07-07 ", "")
    );
    assert!(told[1].headline().starts_with("complete at "), "{}", told[1].headline());
}

#[tokio::test]
async fn a_channel_that_is_gone_is_told_nothing_more() {
    let fixture = fixture(&["email", "webhook"]).await;
    fixture.end_all().await;
    fixture.store.report_to(vec!["webhook"]).await.unwrap();
    assert_eq!(fixture.gathered("email").await, None);
    assert!(fixture.gathered("webhook").await.is_some());
    assert!(fixture.reports().contains(&"email|missing|failed".to_owned()));
}
