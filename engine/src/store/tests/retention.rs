use super::*;

/// Forgets all that was over before an instant. The answer is how many rows went.
async fn forget(store: &Store, before: Timestamp) -> usize {
    let (mut gone, mut next) = (0, Some(Forgetting::default()));
    while let Some(piece) = next {
        let (rows, more) = store.forget(before, piece).await.unwrap();
        (gone, next) = (gone + rows, more);
    }
    gone
}

#[tokio::test]
async fn what_is_long_past_goes_and_what_is_needed_stays() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let year = Frequency::Year;
    fixture
        .define(vec![sensor("s", &[("a", D)]), sensor("y", &[("b", year)]), sensor("w", &[("c", D), ("d", D)])])
        .await;
    for (day, tasks) in [("2019-07-07", ["s.a", "y.b", "w.c"]), ("2019-07-08", ["s.a", "y.b", "w.d"])] {
        fixture.dawn(&format!("{day}T00:00:00Z")).await;
        fixture.send(&format!("{day}T08:00:00Z"), &tasks).await;
        fixture.miss(&format!("{day}T08:00:00Z"), "w.d", "not today").await;
    }
    let ended = "UPDATE waits SET ended_at = until || 'T12:00:00.000Z' WHERE ended_at IS NOT NULL;
                 UPDATE matches SET recorded_at = arrival; UPDATE near_misses SET recorded_at = arrival";
    open(&fixture.path).execute_batch(ended).unwrap();
    forget(&fixture.store, at("2019-07-08T06:00:00Z")).await;
    // The first day of `w` waits still, and the year is not over.
    let waits = ["s|2019-07-08|complete", "w|2019-07-07|waiting", "w|2019-07-08|waiting", "y|2019-01-01|complete"];
    assert_eq!(fixture.waits(), waits);
    let tasks = fixture.sql("SELECT wait || '/' || task_id FROM tasks WHERE sensor = 's'");
    assert_eq!(tasks, ["2019-07-08/a"]);
    let matches =
        "SELECT substr(arrival, 1, 10), task_id FROM matches JOIN wanted ON wanted.id = wanted_id ORDER BY 2, 1";
    assert_eq!(fixture.sql(matches), ["2019-07-08|a", "2019-07-07|b", "2019-07-08|b", "2019-07-07|c", "2019-07-08|d"]);
    assert_eq!(fixture.sql("SELECT substr(arrival, 1, 10) FROM near_misses"), ["2019-07-08"]);
    assert_eq!(forget(&fixture.store, at("2019-07-08T06:00:00Z")).await, 0);
}

fn open(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap()
}
