use super::*;
use crate::domain::catch_up::{CatchUpState, CaughtUp, ScanId, Stretch};

const NOW: &str = "2019-07-10T12:00:00Z";

/// `task date` of all that is to be caught up, and the scan that does it.
fn wanted(fixture: &Fixture) -> Vec<String> {
    let sql = "SELECT task_id, business_date, scan FROM to_catch_up JOIN wanted ON wanted.id = wanted_id
                ORDER BY task_id, business_date";
    fixture.sql(sql)
}

async fn change(fixture: &Fixture, sensors: Vec<Sensor>) -> Changed {
    let put = sensors.into_iter().map(|sensor| (file("a.toml"), sensor)).collect();
    fixture.store.change_sensors(at(NOW), put, Vec::new()).await.unwrap()
}

async fn fixture(wanted: &[(&str, Frequency)]) -> Fixture {
    let mut fixture = Fixture::new(MarkMode::Local);
    change(&fixture, vec![sensor("s", wanted)]).await;
    fixture.learn().await;
    fixture
}

/// A scan of one partition, from the offset 5 to 9.
async fn begin(fixture: &Fixture, epoch: i64) -> ScanId {
    let scan = fixture.store.begin_catch_up("t".into(), at(NOW)).await.unwrap();
    let partition = Partition { epoch, ..empty(0, None, 0).partition };
    let stretch = Stretch { partition, since: at(NOW), first: 5, cut: 9, wanted: 2, lacking: None };
    fixture.store.plan_catch_up(scan, vec![stretch]).await.unwrap();
    scan
}

async fn piece(fixture: &Fixture, scan: ScanId, from: i64, to: i64, matches: &[&str]) -> CaughtUp {
    let of = fixture.store.scan(scan).await.unwrap().remove(0);
    let mut found = Vec::new();
    for name in matches {
        found.push(fulfilled(fixture.sighting(name, NOW, from).await));
    }
    CaughtUp {
        id: of.id,
        partition: of.partition(),
        from,
        to,
        messages: 1,
        matches: found,
        near_misses: Vec::new(),
        lacking: None,
    }
}

#[tokio::test]
async fn what_comes_is_noted_with_the_change() {
    let fixture = fixture(&[("a", D), ("b", M), ("c", Frequency::Once)]).await;
    assert_eq!(wanted(&fixture), ["a|2019-07-10|", "b|2019-07-10|"], "nothing came before what opens now");
    assert_eq!(fixture.store.catching_up("t".to_owned(), at(NOW)).await.unwrap(), Some(0));
    assert_eq!(fixture.store.catching_up("other".to_owned(), at(NOW)).await.unwrap(), None);

    // What goes and comes back may have missed something.
    fixture.render("2019-07-10").await;
    change(&fixture, vec![sensor("s", &[("a", D), ("b", M)])]).await;
    change(&fixture, vec![sensor("s", &[("a", D), ("b", M), ("c", Frequency::Once)])]).await;
    assert_eq!(wanted(&fixture), ["a|2019-07-10|", "b|2019-07-10|", "c|2019-07-10|"]);
}

#[tokio::test]
async fn another_text_is_noted_where_messages_met_the_one_before() {
    let fixture = fixture(&[("a", D), ("b", M)]).await;
    fixture.store.give_up_catch_ups(at(NOW)).await.unwrap();
    let save = async |date: &str, text: &str, occasion: Occasion| {
        let all = fixture.wanted.values().map(|it| (it.id, date.parse().unwrap(), text.to_owned()));
        fixture.store.save_renderings(all.collect(), occasion).await.unwrap();
        wanted(&fixture)
    };
    assert_eq!(save("2019-07-10", "A", Occasion::NewDay).await, [""; 0]);
    assert_eq!(save("2019-07-11", "A", Occasion::NewDay).await, [""; 0]);
    assert_eq!(save("2019-07-12", "B", Occasion::NewDay).await, ["b|2019-07-12|"]);
    assert_eq!(save("2019-07-12", "C", Occasion::CatchUp).await, ["b|2019-07-12|"]);
    assert_eq!(save("2019-07-12", "D", Occasion::Anew).await, ["a|2019-07-12|", "b|2019-07-12|"]);
    // Before its sensor was there nobody asks what a text would have been.
    assert_eq!(save("2019-07-09", "E", Occasion::NewDay).await.len(), 2);
    // Not before the date begins.
    assert_eq!(fixture.store.catching_up("t".to_owned(), at(NOW)).await.unwrap(), None);
    assert_eq!(fixture.store.next_catch_up(at(NOW)).await.unwrap(), Some(at("2019-07-12T00:00:00Z")));
}

#[tokio::test]
async fn progress_moves_with_the_matches_or_not_at_all() {
    let fixture = fixture(&[("a", D), ("b", D)]).await;
    fixture.dawn(NOW).await;
    let scan = begin(&fixture, 0).await;
    let first = piece(&fixture, scan, 5, 7, &["s.a"]).await;
    assert!(fixture.store.record_catch_up(first.clone()).await.unwrap());
    assert!(!fixture.store.record_catch_up(first).await.unwrap(), "it was recorded already");
    fixture.store.note_catch_up(scan, "no answer".to_owned()).await.unwrap();
    let standing = "SELECT next, messages, state, reason FROM catch_ups";
    assert_eq!(fixture.sql(standing), ["7|1|running|no answer"]);
    assert_eq!(fixture.tasks(), ["s/2019-07-10/a=success", "s/2019-07-10/b=pending"]);
    assert_eq!(fixture.store.catching_up("t".to_owned(), at(NOW)).await.unwrap(), Some(2));

    let last = piece(&fixture, scan, 7, 9, &["s.b", "s.a"]).await;
    assert!(fixture.store.record_catch_up(last).await.unwrap());
    assert_eq!(fixture.sql(standing), ["9|2|done|"]);
    assert_eq!(fixture.tasks(), ["s/2019-07-10/a=success", "s/2019-07-10/b=success"]);
    assert_eq!(fixture.sql("SELECT count(*) FROM offsets"), ["0"], "reading goes on where it was");
    fixture.store.finish_catch_up(scan, "t".into()).await.unwrap();
    assert_eq!(wanted(&fixture), [""; 0]);
    assert_eq!(fixture.store.catching_up("t".to_owned(), at(NOW)).await.unwrap(), None);
}

#[tokio::test]
async fn a_message_is_a_match_once_whichever_epoch_it_came_in() {
    let mut fixture = fixture(&[("a", D)]).await;
    fixture.dawn(NOW).await;
    let mut came = fixture.recording(9);
    for (offset, arrival) in [(5, NOW), (7, "2019-07-10T11:00:00Z")] {
        let sighting = fixture.sighting("s.a", arrival, offset).await;
        came.near_misses.push(NearMiss { sighting: sighting.clone(), by: by(), reason: "no".to_owned() });
        came.matches.push(fulfilled(sighting));
    }
    let Partition { cluster, topic, .. } = came.partition.clone();
    assert_eq!(fixture.record(came).await, Recorded::Stored);
    let begun = NewEpoch { cluster: cluster.to_string(), topic: topic.to_string(), id: None, starts: vec![(0, 9)] };
    fixture.store.begin_epoch(begun).await.unwrap();
    let scan = begin(&fixture, 1).await;
    for (from, to) in [(5, 7), (7, 9)] {
        let mut again = piece(&fixture, scan, from, to, &["s.a"]).await;
        let sighting = again.matches[0].sighting.clone();
        again.near_misses.push(NearMiss { sighting, by: by(), reason: "no".to_owned() });
        assert!(fixture.store.record_catch_up(again).await.unwrap());
    }
    for kind in ["matches", "near_misses"] {
        let rows = fixture.sql(&format!("SELECT epoch, \"offset\" FROM {kind} ORDER BY 1, 2"));
        assert_eq!(rows, ["0|5", "0|7", "1|7"], "{kind}: at 7 another message arrived at another time");
    }
}

#[tokio::test]
async fn a_scan_goes_on_and_what_comes_meanwhile_waits_for_the_next() {
    let fixture = fixture(&[("a", D)]).await;
    let scan = begin(&fixture, 0).await;
    change(&fixture, vec![sensor("s", &[("a", D), ("b", D)])]).await;
    assert_eq!(wanted(&fixture), ["a|2019-07-10|1", "b|2019-07-10|"]);
    assert_eq!(fixture.store.begin_catch_up("t".into(), at(NOW)).await.unwrap(), scan);
    let blocks = fixture.store.catch_up_blocks(scan, "t".into()).await.unwrap();
    assert_eq!(blocks.iter().map(|(block, count)| (block.frequency, *count)).collect::<Vec<_>>(), [(D, 1)]);
    // Wanted once more while the scan runs: it is done once more.
    let again = fixture.wanted["s.a"].id;
    fixture.store.want_catch_up(vec![(again, "2019-07-10".parse().unwrap())]).await.unwrap();
    fixture.store.finish_catch_up(scan, "t".into()).await.unwrap();
    assert_eq!(wanted(&fixture), ["a|2019-07-10|", "b|2019-07-10|"]);
    assert_eq!(fixture.store.scan(scan).await.unwrap()[0].state, CatchUpState::Done);
    let next = fixture.store.begin_catch_up("t".into(), at(NOW)).await.unwrap();
    assert!(next > scan);
    let targets = fixture.store.catch_up_targets(next, "t".into(), None, 10).await.unwrap();
    assert_eq!(targets.iter().map(|(wanted, _)| wanted.task_id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let (first, date) = &targets[0];
    let rest = fixture.store.catch_up_targets(next, "t".into(), Some((first.id, *date)), 10).await.unwrap();
    assert_eq!(rest, targets[1..]);
}

#[tokio::test]
async fn days_are_known_that_were_rendered() {
    let fixture = Fixture::new(MarkMode::Local);
    let calendar = Calendar::new(TimeZone::get("Europe/Berlin").unwrap(), 7200);
    let date = "2019-07-10".parse().unwrap();
    assert!(!fixture.store.was_rendered(&calendar, date).await.unwrap());
    fixture.store.note_rendered_day(&calendar, date).await.unwrap();
    fixture.store.note_rendered_day(&calendar, date).await.unwrap();
    assert!(fixture.store.was_rendered(&calendar, date).await.unwrap());
    let other = Calendar::new(TimeZone::get("Europe/Berlin").unwrap(), 0);
    assert!(!fixture.store.was_rendered(&other, date).await.unwrap());
}
