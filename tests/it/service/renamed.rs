//! Topics that are called otherwise in Kafka: everybody outside of it uses one name.

use eventlatch_tests::{
    broker::brokers,
    home::{DEADLINE, Home, noon_zone},
    topic::{Topic, producer, unique},
    waiting::wait_for,
};
use serde_json::{Value, json};

use super::{TASKS, sensor, table_written};

fn home(topics: &str) -> Home {
    let home = Home::new(topics)
        .with("EVENTLATCH_KAFKA_BROKERS", brokers())
        .with("EVENTLATCH_KAFKA_GROUP", unique("renamed"))
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a", "b"]));
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn one_name_is_used_here_and_another_one_in_kafka() {
    let topic = Topic::create("prod.etl-finish", 1).await;
    let home = home(&format!("[topics]\netl-finish = \"{}\"\n", topic.name));
    // Before there is anybody to read: it is caught up with what the sensor came too late for, too.
    let sent = home.run(&["send", "etl-finish", &table_written("a").to_string()]);
    assert_eq!(sent.stdout, "sent etl-finish/0@0\n", "{sent}");
    producer().send(&topic.message("malformed")).await.unwrap();
    let mut service = home.serve();
    home.wait_for_rows(&mut service, TASKS, &["a|success", "b|pending"]);
    home.wait_for_rows(&mut service, "SELECT topic, next FROM offsets", &["etl-finish|2"]);
    assert_eq!(home.rows("SELECT DISTINCT topic FROM matches UNION SELECT topic FROM topic_ids"), ["etl-finish"]);
    let checked = home.run(&["check", "--broker"]);
    assert!(checked.code == Some(0) && !checked.stdout.contains("no such topic"), "{checked}");

    let url = service.url();
    for listed in [home.run(&["partition", "list"]), home.run(&["partition", "list", "--url", &url])] {
        let lines: Vec<_> = listed.stdout.lines().collect();
        assert!(lines[0].trim_end().ends_with("IN KAFKA"), "{listed}");
        assert!(lines[1].trim_start().starts_with("etl-finish/0"), "{listed}");
        assert!(lines[1].trim_end().ends_with(&topic.name), "{listed}");
    }
    // Kafka is asked for the lag, for some seconds at the most.
    wait_for("the name in Kafka and the lag", DEADLINE, || {
        let listed = home.run(&["partition", "list", "--url", &url, "--format", "json"]);
        let first = &serde_json::from_str::<Value>(&listed.stdout).unwrap()[0];
        let expected = first["topic_in_kafka"] == topic.name && first["lag"] == 0;
        if expected { Ok(()) } else { Err(first.to_string()) }
    });

    // What is read again at its position, and from another place.
    let again = home.run(&["dead-letter", "redrive", "--all", "--url", &url]);
    assert!(again.stdout.contains("etl-finish/0@1") && again.stdout.contains("rejected again"), "{again}");
    let reset = home.run(&["partition", "reset", "etl-finish", "0", "--to", "earliest", "--url", &url]);
    assert_eq!(reset.stdout, "etl-finish/0 goes on at 0\n", "{reset}");
    home.wait_for_rows(&mut service, "SELECT epoch, next FROM offsets", &["1|2"]);

    // A sensor that comes after its message, and one that uses Kafka's name.
    let later =
        json!({"wanted": [{"frequency": "D", "topic": "etl-finish", "db": "db0", "table": "a", "task_id": "late"}]});
    let put = ureq::put(format!("{url}/v1/sensors/later")).send_json(&later).unwrap();
    assert_eq!(put.status(), 200);
    let matched = "SELECT count(*) FROM matches JOIN wanted ON wanted.id = wanted_id WHERE task_id = 'late'";
    home.wait_for_rows(&mut service, matched, &["1"]);
    let mut by_its_name = later.clone();
    by_its_name["wanted"][0]["topic"] = topic.name.as_str().into();
    home.write("by-its-name.json", by_its_name.to_string());
    let refused = home.run(&["sensor", "put", "by-its-name.json", "--url", &url]);
    let says =
        format!("the topic `{}` of Kafka is called `etl-finish` here: write `topic = \"etl-finish\"`", topic.name);
    assert!(refused.code == Some(3) && refused.stderr.contains(&says), "{refused}");
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());

    // Nothing is read twice, and nothing is lost, over a restart.
    home.run(&["send", "etl-finish", &table_written("b").to_string()]);
    service.start_again();
    home.wait_for_rows(&mut service, TASKS, &["a|success", "b|success"]);
    home.wait_for_rows(&mut service, "SELECT epoch, next FROM offsets", &["1|3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_to_another_topic_is_no_guess() {
    let (first, second) = (Topic::create("first", 1).await, Topic::create("second", 1).await);
    let home = home("").with("EVENTLATCH_TOPICS_ETL_FINISH", &first.name);
    home.run(&["send", "etl-finish", &table_written("a").to_string()]);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, TASKS, &["a|success", "b|pending"]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());

    let elsewhere = home.with("EVENTLATCH_TOPICS_ETL_FINISH", &second.name);
    elsewhere.run(&["send", "etl-finish", &table_written("b").to_string()]);
    let ended = elsewhere.run(&["run"]);
    let says = format!("topic {} was deleted and created anew since it was read", second.name);
    assert!(ended.code == Some(6) && ended.stderr.contains(&says), "{ended}");
    let goes_on = elsewhere.with("EVENTLATCH_KAFKA_ON_GAP", "earliest");
    let mut service = goes_on.serve();
    goes_on.wait_for_rows(&mut service, TASKS, &["a|success", "b|success"]);
    assert_eq!(goes_on.rows("SELECT epoch, \"offset\" FROM matches ORDER BY 1"), ["0|0", "1|0"]);
}

#[test]
fn two_names_of_one_topic_are_a_mistake() {
    let home = home("[topics]\netl-finish = \"prod\"\njob-finish = \"prod\"\n");
    let checked = home.run(&["check"]);
    let says = "`etl-finish` and `job-finish` are both `prod`: a topic has one name here, drop one";
    assert!(checked.code == Some(3) && checked.stderr.contains(says), "{checked}");

    // One of which somebody uses Kafka's name.
    let home = self::home("[topics]\norders = \"etl-finish\"\n");
    let checked = home.run(&["check"]);
    let says = "the topic `etl-finish` of Kafka is called `orders` here";
    assert!(checked.code == Some(3) && checked.stderr.contains(says), "{checked}");
}
