use super::*;

#[tokio::test]
async fn a_person_finds_the_columns_without_quotes() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    fixture.send("2019-07-07T08:00:00Z", &["s.a"]).await;
    assert_eq!(fixture.sql("select topic, partition, offset, matcher, sha256 from matches"), ["t|0|0|job-finish|abc"]);
    let times = "select business_date, arrival, event_time, first_day, opens_at, closes_at from matches join windows on windows.id = window_id";
    let expect = "2019-07-07|2019-07-07T08:00:00.000Z|2019-07-07T00:00:00.000Z|2019-07-07|2019-07-07T00:00:00.000Z|2019-07-08T00:00:00.000Z";
    assert_eq!(fixture.sql(times), [expect]);
}

#[tokio::test]
async fn a_slice_that_lost_its_place_is_dropped_and_the_others_are_kept() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    let found = fulfilled(fixture.sighting("s.a", "2019-07-07T08:00:00Z", 3).await);
    let check = async |recording: Recording, expect: Recorded| {
        let recording = Recording { matches: vec![found.clone()], ..recording };
        assert_eq!(fixture.store.record(vec![recording, empty(9, None, 1)]).await.unwrap()[0], expect);
    };
    check(empty(0, Some(4), 5), Recorded::Superseded { next: None }).await;
    check(empty(0, None, 5), Recorded::Stored).await;
    check(empty(0, None, 5), Recorded::Superseded { next: Some(5) }).await;
    check(empty(0, Some(4), 9), Recorded::Superseded { next: Some(5) }).await;
    let mut other_epoch = empty(0, Some(5), 9);
    other_epoch.partition.epoch = 1;
    check(other_epoch, Recorded::Superseded { next: Some(5) }).await;
    assert_eq!(fixture.sql("SELECT count(*) FROM matches"), ["1"]);
    check(empty(0, Some(5), 9), Recorded::Stored).await;
    assert_eq!(fixture.sql("SELECT partition, epoch, next FROM offsets"), ["0|0|9", "9|0|1"]);
    let stored = fixture.store.stored_offsets("c", "t").unwrap();
    assert_eq!(stored[0], StoredOffset { partition: 0, epoch: 0, next: 9, frozen: false });
    assert_eq!(fixture.store.stored_offsets("another", "t").unwrap(), []);
}

#[tokio::test]
async fn a_message_is_recorded_once() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    let found = fulfilled(fixture.sighting("s.a", "2019-07-07T08:00:00Z", 3).await);
    for _ in 0..2 {
        let mut again = fixture.recording(1);
        again.matches = vec![found.clone(), found.clone()];
        assert_eq!(fixture.record(again).await, Recorded::Stored);
    }
    assert_eq!(fixture.sql("SELECT count(*) FROM matches"), ["1"]);
    assert_eq!(fixture.sql("SELECT count(*) FROM marks"), ["1"]);
}

#[tokio::test]
async fn one_that_fails_in_a_group_is_undone_alone() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    let good = fixture.sighting("s.a", "2019-07-07T08:00:00Z", 0).await;
    let mut bad = good.clone();
    bad.rendering = RenderingId(4711);
    let (hold, held) = std::sync::mpsc::channel::<()>();
    let blocker = fixture.store.clone();
    let blocker = tokio::spawn(async move { blocker.writer.call(move |_| Ok(held.recv())).await });
    let slice = |partition, sighting: &Sighting| {
        let matches = vec![fulfilled(sighting.clone())];
        let store = fixture.store.clone();
        tokio::spawn(async move { store.record(vec![Recording { matches, ..empty(partition, None, 1) }]).await })
    };
    let calls = [slice(0, &good), slice(1, &bad), slice(2, &good)];
    let store = fixture.store.clone();
    let panics = tokio::spawn(async move {
        let defect = store.writer.call(|session| -> Result<(), StoreError> {
            session.db.execute("UPDATE sensors SET name = 'gone'", [])?;
            panic!("a defect")
        });
        defect.await
    });
    // All of them are queued while the writer is held up, so that it takes them as one group.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    hold.send(()).unwrap();
    blocker.await.unwrap().unwrap().unwrap();
    assert!(matches!(panics.await.unwrap(), Err(StoreError::Panicked)));
    let mut outcomes = Vec::new();
    for call in calls {
        outcomes.push(call.await.unwrap().is_ok());
    }
    assert_eq!(outcomes, [true, false, true]);
    assert_eq!(fixture.sql("SELECT partition FROM offsets"), ["0", "2"]);
    assert_eq!(fixture.sql("SELECT partition FROM matches"), ["0", "2"]);
    assert_eq!(fixture.sql("SELECT name FROM sensors"), ["s"]);
}

#[tokio::test]
async fn a_full_disk_reaches_everybody_and_passes() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    let pages = |pages: &'static str| {
        fixture.store.writer.call(move |session| {
            let sql = format!("PRAGMA max_page_count = {pages}");
            Ok(session.db.query_row(&sql, [], |row| row.get::<_, i64>(0))?)
        })
    };
    pages("1").await.unwrap();
    let mut letters = empty(0, None, 1000);
    letters.dead_letters = (0..1000).map(|offset| dead_letters::letter(offset, &[b'x'; 4096])).collect();
    let refused = fixture.store.record(vec![letters.clone()]).await.unwrap_err();
    let full = matches!(&refused, StoreError::Trouble(trouble) if trouble.ailment == Ailment::Full);
    assert!(full && refused.passes(), "{refused:?}");
    assert_eq!(fixture.sql("SELECT count(*) FROM offsets"), ["0"]);
    pages("1000000").await.unwrap();
    assert_eq!(fixture.record(letters).await, Recorded::Stored);
    assert_eq!(fixture.sql("SELECT count(*) FROM dead_letters"), ["1000"]);
}

#[tokio::test]
async fn the_newest_twenty_near_misses_are_kept_and_all_are_counted() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    for n in 1..=25 {
        fixture.miss("2019-07-07T08:00:00Z", "s.a", &format!("reason {n}")).await;
    }
    fixture.miss("2019-07-08T08:00:00Z", "s.a", "another day").await;
    let kept = "SELECT count(*), min(nth), max(nth), min(reason) FROM near_misses GROUP BY window_id ORDER BY 1";
    assert_eq!(fixture.sql(kept), ["1|1|1|another day", "20|6|25|reason 10"]);
    let status = fixture.store.status(at("2019-07-07T09:00:00Z"), None, 1).await.unwrap();
    let expect = NearMissStatus { count: 25, newest: Some("reason 25".to_owned()) };
    assert_eq!(status[0].wanted[0].near_misses, expect);
    assert_eq!(fixture.sql("SELECT count(*) FROM waits"), ["0"]);
}
