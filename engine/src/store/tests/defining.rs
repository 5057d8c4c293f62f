use super::*;

fn api(name: &str) -> Sensor {
    sensor(name, &[("a", D)])
}

const NOW: &str = "2019-07-07T12:00:00Z";

#[tokio::test]
async fn what_stays_is_kept_what_goes_retires_and_what_returns_has_its_history() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let both = sensor("s", &[("a", D), ("b", D)]);
    let one = sensor("s", &[("a", D)]);
    assert_eq!(fixture.define(vec![both.clone()]).await.added, 1);
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture.send("2019-07-07T08:00:00Z", &["s.b"]).await;
    assert_eq!(fixture.define(vec![one]).await.changed, 1);
    assert_eq!(fixture.sql("SELECT id, task_id, state FROM wanted"), ["1|a|active", "2|b|retired"]);
    assert_eq!(fixture.define(vec![both.clone()]).await.changed, 1);
    assert_eq!(fixture.sql("SELECT id, task_id, state FROM wanted"), ["1|a|active", "2|b|active"]);
    fixture.dawn(NOW).await;
    assert_eq!(fixture.tasks(), ["s/2019-07-07/a=pending", "s/2019-07-07/b=success"]);
    let revision = fixture.sql("SELECT revision FROM sensors");
    assert_eq!(fixture.define(vec![both]).await.unchanged, 1);
    assert_eq!(fixture.sql("SELECT revision FROM sensors"), revision);
}

#[tokio::test]
async fn an_open_wait_follows_its_definition() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D), ("b", D), ("c", D)])]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    fixture.send("2019-07-07T08:00:00Z", &["s.a"]).await;
    let mut fewer = sensor("s", &[("a", D), ("b", D), ("c", D), ("d", D)]);
    fewer.wanted.remove(2);
    fixture.define(vec![fewer.clone()]).await;
    fixture.dawn(NOW).await;
    assert_eq!(fixture.tasks(), ["s/2019-07-07/a=success", "s/2019-07-07/b=pending", "s/2019-07-07/d=pending"]);
    fewer.wanted.truncate(1);
    fixture.define(vec![fewer]).await;
    assert_eq!(fixture.waits(), ["s|2019-07-07|waiting"]);
    fixture.dawn(NOW).await;
    assert_eq!(fixture.waits(), ["s|2019-07-07|complete"]);
    assert_eq!(fixture.tasks(), ["s/2019-07-07/a=success"]);
}

#[tokio::test]
async fn what_a_wait_lacked_may_be_gone() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D), ("b", D)])]).await;
    fixture.dawn("2019-07-07T00:00:00Z").await;
    let mut second = sensor("s", &[("a", D), ("b", D)]);
    second.wanted.remove(0);
    fixture.define(vec![second]).await;
    fixture.send("2019-07-07T08:00:00Z", &["s.b"]).await;
    assert_eq!(fixture.waits(), ["s|2019-07-07|complete"]);
}

#[tokio::test]
async fn sensors_of_files_that_are_gone_retire() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s1", &[("a", D)]), sensor("s2", &[("a", D)])]).await;
    let synced = fixture.define(vec![sensor("s2", &[("a", D)])]).await;
    assert_eq!(synced, Synced { retired: 1, unchanged: 1, ..Synced::default() });
    assert_eq!(fixture.sql("SELECT name, state FROM sensors"), ["s1|retired", "s2|active"]);
    assert_eq!(fixture.wanted.len(), 1);
    fixture.dawn(NOW).await;
    assert_eq!(fixture.waits(), ["s2|2019-07-07|waiting"]);
    let synced = fixture.define(vec![sensor("s1", &[("a", D)]), sensor("s2", &[("a", D)])]).await;
    assert_eq!(synced, Synced { added: 1, unchanged: 1, ..Synced::default() });
    assert_eq!(fixture.sql("SELECT count(*) FROM wanted"), ["2"]);
}

#[tokio::test]
async fn a_match_for_a_sensor_that_has_just_retired_is_kept_and_marks_nothing() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    let late = fixture.sighting("s.a", NOW, 0).await;
    fixture.define(Vec::new()).await;
    let mut recording = fixture.recording(1);
    recording.matches.push(Match { sighting: late, by: by() });
    assert_eq!(fixture.record(recording).await, Recorded::Stored);
    assert_eq!(fixture.sql("SELECT count(*) FROM matches"), ["1"]);
    assert_eq!(fixture.waits(), Vec::<String>::new());
}

#[tokio::test]
async fn the_other_sides_sensors_are_refused() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let now = at(NOW);
    fixture.store.put_sensor(now, Owner::Api, api("mine")).await.unwrap();
    let synced = fixture.define(vec![api("mine"), api("theirs")]).await;
    let by = Owner::File("a.toml".to_owned());
    let refused = Refused { sensor: "mine".to_owned(), by: by.clone(), owner: "api".to_owned() };
    assert_eq!(synced, Synced { added: 1, refused: vec![refused], ..Synced::default() });
    let message = "the sensor `theirs` belongs to file:a.toml and can be changed only there";
    let refused = fixture.store.put_sensor(now, Owner::Api, api("theirs")).await.unwrap_err();
    assert_eq!(refused.to_string(), message);
    let refused = fixture.store.retire_sensor(Owner::Api, "theirs".to_owned()).await.unwrap_err();
    assert_eq!(refused.to_string(), message);
    assert!(!fixture.store.retire_sensor(Owner::Api, "nobody's".to_owned()).await.unwrap());
    assert!(fixture.store.retire_sensor(Owner::Api, "mine".to_owned()).await.unwrap());
    // What nobody has any more is free to be taken.
    assert_eq!(fixture.define(vec![api("mine"), api("theirs")]).await.added, 1);
    assert_eq!(fixture.sql("SELECT name, owner FROM sensors"), ["mine|file:a.toml", "theirs|file:a.toml"]);
}

#[tokio::test]
async fn a_sensor_may_move_to_another_file_but_not_be_in_two() {
    let fixture = Fixture::new(MarkMode::Local);
    let file = |name: &str| (Owner::File(name.to_owned()), api("s"));
    fixture.store.sync_sensors(at(NOW), vec![file("a.toml")]).await.unwrap();
    let synced = fixture.store.sync_sensors(at(NOW), vec![file("b.toml")]).await.unwrap();
    assert_eq!(synced, Synced { changed: 1, ..Synced::default() });
    let synced = fixture.store.sync_sensors(at(NOW), vec![file("b.toml"), file("c.toml")]).await.unwrap();
    assert_eq!(synced.unchanged, 1);
    assert_eq!((synced.refused[0].owner.as_str(), &synced.refused[0].by), ("file:b.toml", &file("c.toml").0));
}

#[tokio::test]
async fn an_unknown_zone_is_refused() {
    let fixture = Fixture::new(MarkMode::Local);
    let nowhere = Sensor { timezone: "Mars/Olympus".to_owned(), ..api("s") };
    let refused = fixture.store.put_sensor(at(NOW), Owner::Api, nowhere).await.unwrap_err();
    assert_eq!(refused.to_string(), "the sensor `s` names the unknown time zone `Mars/Olympus`");
    assert_eq!(fixture.sql("SELECT count(*) FROM sensors"), ["0"]);
}
