use super::*;

#[tokio::test]
async fn a_daily_and_a_monthly_message() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("day", D), ("month", M)])]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    assert_eq!(fixture.tasks(), ["s/2019-07-07/day=pending", "s/2019-07-07/month=pending"]);

    fixture.send("2019-07-07T08:00:00Z", &["s.month"]).await;
    assert_eq!(fixture.tasks(), ["s/2019-07-07/day=pending", "s/2019-07-07/month=success"]);
    fixture.dawn("2019-07-08T00:00:00Z").await;
    fixture.send("2019-07-08T08:00:00Z", &["s.day"]).await;
    assert_eq!(fixture.waits(), ["s|2019-07-07|waiting", "s|2019-07-08|complete"]);
    assert_eq!(fixture.tasks()[2..], ["s/2019-07-08/day=success", "s/2019-07-08/month=success"]);

    // A new month forgets the message of the old one.
    fixture.dawn("2019-08-01T00:00:00Z").await;
    let tasks =
        fixture.sql("SELECT sensor || '/' || wait || '/' || task_id || '=' || state FROM tasks WHERE wait > '2019-08'");
    assert_eq!(tasks, ["s/2019-08-01/day=pending", "s/2019-08-01/month=pending"]);
}

#[tokio::test]
async fn the_first_one_marks_and_later_ones_are_only_kept() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D), ("b", D)])]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    for _ in 0..3 {
        fixture.send("2019-07-07T08:00:00Z", &["s.a"]).await;
    }
    assert_eq!(fixture.sql("SELECT count(*) FROM matches"), ["3"]);
    assert_eq!(fixture.sql("SELECT task_id, state, match_id, status FROM marks"), ["a|success|1|delivered"]);
    fixture.send("2019-07-07T09:00:00Z", &["s.b"]).await;
    assert_eq!(fixture.waits(), ["s|2019-07-07|complete"]);
}

/// The same messages in any order of arrival in the store, with and without the service being up, end alike.
#[tokio::test]
async fn the_outcome_does_not_depend_on_when_the_service_was_down() {
    let messages = [
        ("2019-07-07T08:00:00Z", "s.day"),
        ("2019-07-07T09:00:00Z", "s.month"),
        ("2019-07-08T08:00:00Z", "s.day"),
        ("2019-07-09T08:00:00Z", "s.other"),
    ];
    let mut outcomes = Vec::new();
    for (dawns, order) in [(true, [0, 1, 2, 3]), (false, [0, 1, 2, 3]), (false, [3, 2, 1, 0]), (false, [2, 0, 3, 1])] {
        let mut fixture = Fixture::new(MarkMode::Local);
        fixture.define(vec![sensor("s", &[("day", D), ("month", M), ("other", D)])]).await;
        for message in order {
            let (arrival, name) = messages[message];
            if dawns {
                fixture.dawn(arrival).await;
            }
            for date in ["2019-07-07", "2019-07-08", "2019-07-09"] {
                fixture.render(date).await;
            }
            fixture.send(arrival, &[name]).await;
        }
        let opened = fixture.sql("SELECT name, opened_at FROM waits ORDER BY 1");
        outcomes.push((fixture.tasks(), fixture.waits(), opened));
    }
    assert_eq!(outcomes[0].2[0], "2019-07-07|2019-07-07T00:00:00.000Z");
    assert_eq!(
        outcomes[0].0[3..6],
        ["s/2019-07-08/day=success", "s/2019-07-08/month=success", "s/2019-07-08/other=pending"]
    );
    for other in &outcomes[1..] {
        assert_eq!(*other, outcomes[0]);
    }
}

#[tokio::test]
async fn a_rendering_that_changes_inside_a_window_is_awaited_afresh() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("day", D), ("month", M)])]).await;
    fixture.texts.insert("s.month".to_owned(), "2019-06".to_owned());
    fixture.dawn("2019-07-01T00:00:00Z").await;
    fixture.send("2019-07-01T08:00:00Z", &["s.month"]).await;
    fixture.dawn("2019-07-02T00:00:00Z").await;
    fixture.texts.insert("s.month".to_owned(), "2019-07".to_owned());
    fixture.dawn("2019-07-03T00:00:00Z").await;
    let months = |fixture: &Fixture| fixture.sql("SELECT wait, state FROM tasks WHERE task_id = 'month' ORDER BY 1");
    assert_eq!(months(&fixture), ["2019-07-01|success", "2019-07-02|success", "2019-07-03|pending"]);
    // A late message of the old text counts where the old text was in force, and nowhere else.
    fixture.texts.insert("s.month".to_owned(), "2019-06".to_owned());
    fixture.send("2019-07-01T09:00:00Z", &["s.month"]).await;
    assert_eq!(months(&fixture)[2], "2019-07-03|pending");
    // Back to the old text: what came before counts again.
    fixture.dawn("2019-07-04T00:00:00Z").await;
    assert_eq!(months(&fixture)[3], "2019-07-04|success");
    fixture.texts.insert("s.month".to_owned(), "2019-07".to_owned());
    fixture.send("2019-07-03T09:00:00Z", &["s.month"]).await;
    assert_eq!(months(&fixture)[2..], ["2019-07-03|success", "2019-07-04|success"]);
}

#[tokio::test]
async fn a_shared_task_is_marked_when_all_are_in() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D), ("a", D), ("b", D)])]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture.send("2019-07-07T08:00:00Z", &["s.a2"]).await;
    fixture.send("2019-07-07T08:01:00Z", &["s.b"]).await;
    assert_eq!(fixture.tasks(), ["s/2019-07-07/a=pending", "s/2019-07-07/b=success"]);
    fixture.send("2019-07-07T08:02:00Z", &["s.a"]).await;
    assert_eq!(fixture.tasks()[0], "s/2019-07-07/a=success");
    assert_eq!(fixture.sql("SELECT match_id FROM marks WHERE task_id = 'a'"), ["3"]);
    assert_eq!(fixture.waits(), ["s|2019-07-07|complete"]);
}

#[tokio::test]
async fn one_message_serves_many() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s1", &[("a", D), ("b", M)]), sensor("s2", &[("x", D)])]).await;
    fixture.send("2019-07-07T08:00:00Z", &["s1.a", "s1.b", "s2.x"]).await;
    assert_eq!(fixture.waits(), ["s1|2019-07-07|complete", "s2|2019-07-07|complete"]);
}

#[tokio::test]
async fn a_monthly_sensor_has_monthly_waits() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", M), ("b", M)])]).await;
    fixture.send("2019-07-20T08:00:00Z", &["s.a"]).await;
    fixture.dawn("2019-07-21T00:00:00Z").await;
    fixture.send("2019-07-05T08:00:00Z", &["s.b"]).await;
    assert_eq!(fixture.waits(), ["s|2019-07-01|complete"]);
    assert_eq!(
        fixture.sql("SELECT business_date, until, opened_at FROM waits"),
        ["2019-07-01|2019-07-31|2019-07-01T00:00:00.000Z"]
    );
}

#[tokio::test]
async fn a_message_of_yesterday_counts_for_the_month_though_the_text_is_another_today() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", M)])]).await;
    fixture.texts.insert("s.a".to_owned(), "of the 20th".to_owned());
    fixture.dawn("2019-07-20T00:00:00Z").await;
    fixture.texts.insert("s.a".to_owned(), "of the 19th".to_owned());
    fixture.send("2019-07-19T08:00:00Z", &["s.a"]).await;
    assert_eq!(fixture.tasks(), ["s/2019-07-01/a=success"]);
}

#[tokio::test]
async fn a_sensor_that_wants_more_waits_again() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture.send("2019-07-07T08:00:00Z", &["s.a"]).await;
    fixture.define(vec![sensor("s", &[("a", D), ("b", D)])]).await;
    fixture.dawn("2019-07-07T09:00:00Z").await;
    assert_eq!(fixture.waits(), ["s|2019-07-07|waiting"]);
    fixture.send("2019-07-07T10:00:00Z", &["s.b"]).await;
    assert_eq!(fixture.tasks(), ["s/2019-07-07/a=success", "s/2019-07-07/b=success"]);
    assert_eq!(fixture.waits(), ["s|2019-07-07|complete"]);
}

#[tokio::test]
async fn nobody_waited_for_a_window_that_had_closed_before_the_sensor_was_there() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    fixture.send("2018-12-31T08:00:00Z", &["s.a"]).await;
    assert_eq!(fixture.sql("SELECT count(*) FROM matches"), ["1"]);
    assert!(fixture.waits().is_empty() && fixture.tasks().is_empty());
}

#[tokio::test]
async fn conditions() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let mut optional = sensor("o", &[("a", D), ("z", D)]);
    optional.wanted[1].optional = true;
    let two = Sensor { require: Require::Number(2), ..sensor("n", &[("a", D), ("b", D), ("c", D)]) };
    let any = Sensor { require: Require::Any, ..sensor("y", &[("a", D), ("b", D)]) };
    fixture.define(vec![optional, two, any]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture.send("2019-07-07T08:00:00Z", &["o.a", "n.c", "y.b"]).await;
    assert_eq!(fixture.waits(), ["n|2019-07-07|waiting", "o|2019-07-07|complete", "y|2019-07-07|complete"]);
    fixture.send("2019-07-07T09:00:00Z", &["n.a", "o.z"]).await;
    let expect = ["n/2019-07-07/a=success", "n/2019-07-07/b=skipped", "n/2019-07-07/c=success"];
    assert_eq!(fixture.tasks()[..3], expect);
    let expect =
        ["o/2019-07-07/a=success", "o/2019-07-07/z=skipped", "y/2019-07-07/a=skipped", "y/2019-07-07/b=success"];
    assert_eq!(fixture.tasks()[3..], expect);
    assert_eq!(fixture.waits()[0], "n|2019-07-07|complete");
}

#[tokio::test]
async fn opening_goes_in_pages_and_may_be_repeated() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let mut on_request = sensor("r", &[("a", M)]);
    on_request.opening = Opening::Request;
    fixture.define(vec![sensor("s1", &[("a", D)]), on_request, sensor("s3", &[("a", D)])]).await;
    for first in [true, false] {
        let now = at("2019-07-07T12:00:00Z");
        let mut after = None;
        let mut pages = 0;
        let mut opened = 0;
        loop {
            let page = fixture.store.waits_to_open(now, after, 2, Vec::new()).await.unwrap();
            opened += page.sensors.len();
            fixture.store.open_waits(now, page.sensors).await.unwrap();
            pages += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        // The second has nothing to be opened but a window that is new.
        assert_eq!((pages, opened), if first { (2, 3) } else { (2, 0) });
        assert_eq!(fixture.waits(), ["s1|2019-07-07|waiting", "s3|2019-07-07|waiting"]);
        let windows = fixture.sql("SELECT frequency, first_day FROM windows ORDER BY 1");
        assert_eq!(windows, ["D|2019-07-07", "M|2019-07-01"]);
    }
}

#[tokio::test]
async fn the_calendar_is_that_of_the_zone_and_the_shift() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let mut taipei = Sensor { timezone: "Asia/Taipei".to_owned(), ..sensor("s", &[("a", D)]) };
    taipei.wanted[0].day_shift_seconds = 7200;
    fixture.define(vec![taipei]).await;
    fixture.dawn("2019-07-07T14:00:00Z").await;
    fixture.send("2019-07-07T14:00:00Z", &["s.a"]).await;
    assert_eq!(fixture.waits(), ["s|2019-07-08|complete"]);
    let window = fixture.sql("SELECT timezone, day_shift_seconds, opens_at FROM windows");
    assert_eq!(window, ["Asia/Taipei|7200|2019-07-07T14:00:00.000Z"]);
}
