use super::*;

#[tokio::test]
async fn the_table_of_the_airflow_plugins() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D), ("b", M)])]).await;
    let now = Timestamp::now();
    fixture.dawn(&now.to_string()).await;
    fixture.send(&now.to_string(), &["s.a"]).await;
    fixture.send(&now.to_string(), &["s.a"]).await;
    let rows = fixture.sql(
        "SELECT id, name, msg, source_type, frequency, last_receive, last_receive_time FROM airflow_event_plugins",
    );
    let expect = format!(
        "1|s|{{\"frequency\":\"D\",\"job_name\":\"a-0\",\"task_id\":\"a\",\"topic\":\"t\"}}|kafka|D|\
         {{\"topic\":\"t\",\"partition\":0,\"offset\":1}}|{}",
        columns::instant(now)
    );
    assert_eq!(rows[0], expect);
    assert!(rows[1].starts_with("2|s|") && rows[1].ends_with("|kafka|M||"), "{}", rows[1]);
    let today = now.strftime("%Y-%m-%d");
    assert_eq!(fixture.sql("SELECT timeout FROM airflow_event_plugins WHERE id = 1"), [format!("{today}T23:59:59Z")]);
    // Another text is awaited from now on.
    fixture.texts.insert("s.a".to_owned(), "changed".to_owned());
    fixture.dawn(&now.to_string()).await;
    assert_eq!(fixture.sql("SELECT last_receive FROM airflow_event_plugins WHERE id = 1"), [""]);
    fixture.define(Vec::new()).await;
    assert_eq!(fixture.sql("SELECT count(*) FROM airflow_event_plugins"), ["0"]);
}

#[tokio::test]
async fn status_says_what_came_and_what_did_not() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("b", &[("x", D)]), sensor("a", &[("y", M), ("x", D)])]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture.send("2019-07-07T08:00:00Z", &["a.y", "b.x"]).await;
    fixture.miss("2019-07-07T09:00:00Z", "a.x", "not the same day").await;
    let reader = Reader::open(&fixture.path).unwrap();
    let status = reader.status(at("2019-07-07T12:00:00Z"), None, 10).unwrap();
    let seen = serde_json::to_value(&status).unwrap();
    let expect = serde_json::json!({
        "name": "a", "timezone": "UTC", "wait": {"name": "2019-07-07", "state": "waiting"}, "complete": false,
        "wanted": [
            {"task_id": "y", "topic": "t", "frequency": "M", "optional": false, "count": 1, "rendered": "a.y",
             "received": {"arrival": "2019-07-07T08:00:00Z", "topic": "t", "partition": 0, "offset": 0,
                          "matcher": "job-finish", "sha256": "abc"},
             "mark": {"state": "success", "status": "delivered", "last_error": null},
             "expires": "2019-07-31T23:59:59", "near_misses": {"count": 0, "newest": null}},
            {"task_id": "x", "topic": "t", "frequency": "D", "optional": false, "count": 1, "rendered": "a.x", "received": null,
             "mark": null, "expires": "2019-07-07T23:59:59", "near_misses": {"count": 1, "newest": "not the same day"}},
        ],
    });
    assert_eq!(seen[0], expect);
    assert_eq!((status[1].name.as_str(), status[1].complete), ("b", true));
    let noon = at("2019-07-07T12:00:00Z");
    let pages = [None, Some("a"), Some("b")].map(|after| reader.status(noon, after, 1).unwrap());
    assert_eq!(pages, [vec![status[0].clone()], vec![status[1].clone()], vec![]]);
    // The next day, before its waits are opened.
    let next = reader.sensor_status("b", at("2019-07-08T00:00:00Z")).unwrap().unwrap();
    assert_eq!((next.complete, next.wait, next.wanted[0].received.clone()), (false, None, None));
    assert_eq!(reader.sensor_status("c", at("2019-07-08T00:00:00Z")).unwrap(), None);
}

#[tokio::test]
async fn status_says_how_far_a_mark_has_come() {
    let mut fixture = Fixture::new(MarkMode::Outbox(Order::None));
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    fixture.send("2019-07-07T08:00:00Z", &["s.a"]).await;
    let mark = |fixture: &Fixture| {
        let status = Reader::open(&fixture.path).unwrap().status(at("2019-07-07T12:00:00Z"), None, 1).unwrap();
        status[0].wanted[0].mark.clone().map(|mark| (mark.status, mark.last_error))
    };
    assert_eq!(mark(&fixture), Some(("pending".to_owned(), None)));
    let rejected = Outcome::Rejected { reason: "no such column".to_owned() };
    fixture.store.resolve(vec![(MarkId(1), rejected)]).await.unwrap();
    assert_eq!(mark(&fixture), Some(("rejected".to_owned(), Some("no such column".to_owned()))));
}

#[tokio::test]
async fn wanted_messages_come_in_pages() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D), ("b", D), ("c", M)])]).await;
    let page = fixture.store.active_wanted(WantedId(0), 2).await.unwrap();
    assert_eq!(page.iter().map(|wanted| wanted.task_id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let rest = fixture.store.active_wanted(page[1].id, 2).await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!((rest[0].frequency, rest[0].fields.as_str()), (M, "{\"job_name\":\"c-2\"}"));
}

#[tokio::test]
async fn one_build_of_a_matcher_serves() {
    let fixture = Fixture::new(MarkMode::Local);
    let generation = |sha256: &str, state| Generation {
        matcher: "m".to_owned(),
        sha256: sha256.to_owned(),
        version: "1.0.0".to_owned(),
        interface: "1.0.0".to_owned(),
        origin: "matchers/m.wasm".to_owned(),
        loaded_at: at("2019-07-07T00:00:00Z"),
        state,
        reason: (state == GenerationState::Refused).then(|| "no".to_owned()),
        ended_at: None,
        usage: Default::default(),
    };
    use GenerationState::{Refused, Retired, Serving};
    for (sha256, state) in [("1", Serving), ("1", Serving), ("2", Refused), ("3", Serving)] {
        fixture.store.save_generation(generation(sha256, state), None).await.unwrap();
    }
    let expect = [generation("3", Serving), generation("2", Refused), generation("1", Retired)];
    let mut found = fixture.store.generations().await.unwrap();
    assert!(found[2].ended_at.take().is_some());
    assert_eq!(found, expect);
}
