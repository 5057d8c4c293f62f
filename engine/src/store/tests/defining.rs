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
    let changed = fixture.define(vec![sensor("s2", &[("a", D)])]).await;
    assert_eq!(changed, Changed { retired: 1, unchanged: 1, went: vec![WantedId(1)], ..Changed::default() });
    assert_eq!(fixture.sql("SELECT name, state FROM sensors"), ["s1|retired", "s2|active"]);
    assert_eq!(fixture.wanted.len(), 1);
    fixture.dawn(NOW).await;
    assert_eq!(fixture.waits(), ["s2|2019-07-07|waiting"]);
    let changed = fixture.define(vec![sensor("s1", &[("a", D)]), sensor("s2", &[("a", D)])]).await;
    let (sensors, came) = (vec![SensorId(1)], vec![WantedId(1)]);
    assert_eq!(changed, Changed { added: 1, unchanged: 1, sensors, came, ..Changed::default() });
    assert_eq!(fixture.sql("SELECT count(*) FROM wanted"), ["2"]);
}

#[tokio::test]
async fn a_match_for_a_sensor_that_has_just_retired_is_kept_and_marks_nothing() {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![sensor("s", &[("a", D)])]).await;
    let late = fixture.sighting("s.a", NOW, 0).await;
    fixture.define(Vec::new()).await;
    let mut recording = fixture.recording(1);
    recording.matches.push(fulfilled(late));
    assert_eq!(fixture.record(recording).await, Recorded::Stored);
    assert_eq!(fixture.sql("SELECT count(*) FROM matches"), ["1"]);
    assert_eq!(fixture.waits(), Vec::<String>::new());
}

#[tokio::test]
async fn the_other_sides_sensors_are_refused() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let by_api = async |fixture: &Fixture, put: &[&str], gone: &[&str]| {
        let put = put.iter().map(|name| (Owner::Api, api(name))).collect();
        let gone = gone.iter().map(|name| (Owner::Api, (*name).to_owned())).collect();
        fixture.store.change_sensors(at(NOW), put, gone).await.unwrap()
    };
    by_api(&fixture, &["mine"], &[]).await;
    let changed = fixture.define(vec![api("mine"), api("theirs")]).await;
    let refused = Refused { sensor: "mine".to_owned(), by: file("a.toml"), owner: Owner::Api };
    assert_eq!((changed.added, changed.refused), (1, vec![refused]));
    let changed = by_api(&fixture, &["theirs"], &["theirs", "nobody's", "mine"]).await;
    assert_eq!((changed.changed, changed.retired, changed.refused.len()), (0, 1, 2));
    for refused in &changed.refused {
        let message = "the sensor `theirs` belongs to file:a.toml and can be changed only there";
        assert_eq!(refused.to_string(), message);
    }
    // What nobody has any more is free to be taken.
    assert_eq!(fixture.define(vec![api("mine"), api("theirs")]).await.added, 1);
    assert_eq!(fixture.sql("SELECT name, owner FROM sensors"), ["mine|file:a.toml", "theirs|file:a.toml"]);
}

#[tokio::test]
async fn a_sensor_that_moved_to_another_file_is_not_retired_by_the_first() {
    let fixture = Fixture::new(MarkMode::Local);
    fixture.store.change_sensors(at(NOW), vec![(file("a.toml"), api("s"))], Vec::new()).await.unwrap();
    let gone = vec![(file("a.toml"), "s".to_owned())];
    let changed = fixture.store.change_sensors(at(NOW), vec![(file("b.toml"), api("s"))], gone).await.unwrap();
    assert_eq!(changed, Changed { changed: 1, sensors: vec![SensorId(1)], ..Changed::default() });
    assert_eq!(fixture.sql("SELECT name, owner, state FROM sensors"), ["s|file:b.toml|active"]);
    assert_eq!(fixture.store.sensors_of_files().await.unwrap(), [(file("b.toml"), "s".to_owned())]);
}

#[tokio::test]
async fn a_change_names_what_is_awaited_now_and_what_is_not() {
    let mut fixture = Fixture::new(MarkMode::Local);
    let awaited = |changed: Changed| {
        let sorted = |mut ids: Vec<WantedId>| {
            ids.sort();
            ids.into_iter().map(|id| id.0).collect::<Vec<_>>()
        };
        (sorted(changed.went), sorted(changed.came))
    };
    let mut it = sensor("s", &[("a", D), ("b", D)]);
    assert_eq!(awaited(fixture.define(vec![it.clone()]).await), (vec![], vec![1, 2]));
    it.require = Require::Any;
    it.wanted[0].optional = true;
    let changed = fixture.define(vec![it.clone()]).await;
    assert_eq!((changed.changed, awaited(changed)), (1, (vec![], vec![])));
    it.wanted[0] = job(0, "c", D);
    assert_eq!(awaited(fixture.define(vec![it.clone()]).await), (vec![1], vec![3]));
    it.wanted[1].day_shift_seconds = 3600;
    assert_eq!(awaited(fixture.define(vec![it.clone()]).await), (vec![2], vec![2]));
    it.timezone = "Asia/Tokyo".to_owned();
    assert_eq!(awaited(fixture.define(vec![it.clone()]).await), (vec![2, 3], vec![2, 3]));
    assert_eq!(awaited(fixture.define(Vec::new()).await), (vec![2, 3], vec![]));
    assert_eq!(awaited(fixture.define(vec![it]).await), (vec![], vec![2, 3]));
    let ids = [1, 2, 3].map(WantedId).to_vec();
    let among = fixture.store.active_wanted_among(ids).await.unwrap();
    assert_eq!(among.iter().map(|wanted| wanted.id.0).collect::<Vec<_>>(), [2, 3]);
}

#[tokio::test]
async fn an_unknown_zone_is_refused() {
    let fixture = Fixture::new(MarkMode::Local);
    let nowhere = Sensor { timezone: "Mars/Olympus".to_owned(), ..api("s") };
    let put = vec![(Owner::Api, nowhere)];
    let refused = fixture.store.change_sensors(at(NOW), put, Vec::new()).await.unwrap_err();
    assert_eq!(refused.to_string(), "the sensor `s` names the unknown time zone `Mars/Olympus`");
    assert_eq!(fixture.sql("SELECT count(*) FROM sensors"), ["0"]);
}
