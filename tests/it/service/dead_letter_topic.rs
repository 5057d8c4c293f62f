//! Dead letters that go to a topic, too: each message whole, with the cause in its headers, and none is lost.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use eventlatch::{domain::message::Header, source::Outgoing};
use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, Home, noon_zone},
    topic::{make_all, unique},
    waiting::wait_for,
};
use rdkafka::{
    ClientConfig, Message as _,
    consumer::{BaseConsumer, Consumer},
    message::{Headers as _, OwnedMessage},
};

use super::{TASKS, sensor, table_written};

const TOPIC: &str = "etl-finish";
const DEAD: &str = "dead";

const PUBLISHED: &str = "SELECT count(*), count(published_at) FROM dead_letters";

fn home(cluster: &Cluster, config: &str) -> Home {
    let home = Home::new(&format!("[dead_letters]\ntopic = \"{DEAD}\"\n{config}"))
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a", "b"]));
    home
}

/// Reads so many messages from the beginning of the topic.
fn read(cluster: &Cluster, number: usize) -> Vec<OwnedMessage> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", cluster.brokers()).set("group.id", unique("reader"));
    config.set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = config.create().unwrap();
    consumer.subscribe(&[DEAD]).unwrap();
    let (mut found, until) = (Vec::new(), Instant::now() + DEADLINE);
    while found.len() < number {
        assert!(Instant::now() < until, "only {} messages came", found.len());
        found.extend(consumer.poll(Duration::from_millis(200)).map(|message| message.unwrap().detach()));
    }
    found
}

fn headers(message: &OwnedMessage) -> BTreeMap<String, String> {
    let all = message.headers().unwrap().iter();
    all.map(|it| (it.key.to_owned(), String::from_utf8(it.value.unwrap().to_vec()).unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_published_whole_with_the_cause_in_its_headers() {
    let cluster = Cluster::start(&[TOPIC], 1).await;
    let home = home(&cluster, "sample_bytes = 8\n");
    let header = Header { name: "trace".to_owned(), value: b"xyz".to_vec() };
    let long = "no JSON at all, and longer than what is kept of it";
    let malformed = Outgoing { key: Some(b"k".to_vec().into()), headers: vec![header], ..message(TOPIC, long) };
    cluster.send(&malformed).await;
    cluster.send(&Outgoing { value: Some(Vec::new().into()), ..message(TOPIC, "") }).await;
    cluster.send(&message(TOPIC, table_written("a").to_string())).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, TASKS, &["a|success", "b|pending"]);
    // The topic is not there yet: what is to be published waits, also for the next start.
    home.wait_for_rows(&mut service, PUBLISHED, &["2|0"]);
    wait_for("the log to say so", DEADLINE, || {
        let said = service.log().matches("Dead letters cannot be published now").count();
        (said == 1).then_some(()).ok_or_else(|| service.log_end())
    });
    service.kill();
    make_all(&cluster.brokers(), &[DEAD], 1).await;
    service.start_again();
    home.wait_for_rows(&mut service, PUBLISHED, &["2|2"]);
    assert_eq!(home.rows("SELECT count(*) FROM dead_letters_to_publish"), ["0"]);

    let found = read(&cluster, 2);
    assert_eq!((found[0].key(), found[0].payload()), (Some(&b"k"[..]), Some(long.as_bytes())));
    let said = headers(&found[0]);
    let row = home.rows("SELECT reason, matcher, sha256, cluster, arrival FROM dead_letters WHERE \"offset\" = 0");
    let row: Vec<_> = row[0].split('|').collect();
    let of = |name: &str| said[&format!("eventlatch-{name}")].as_str();
    assert_eq!(["reason", "matcher", "sha256", "cluster"].map(of), row[..4]);
    assert_eq!(["kind", "topic", "partition", "offset"].map(of), ["reject", TOPIC, "0", "0"]);
    assert_eq!(of("arrival").parse::<jiff::Timestamp>().unwrap(), row[4].parse().unwrap());
    assert_eq!(of("dead-letter-id"), format!("{}-1", home.rows("SELECT identity FROM store")[0]));
    assert_eq!(said["trace"], "xyz");
    assert_eq!(found[1].payload(), Some(&b""[..]));
    let shown = home.run(&["dead-letter", "show", "1"]);
    assert!(shown.stdout.contains("published"), "{shown}");
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_partition_stands_still_at_is_published_when_it_is_skipped() {
    let cluster = Cluster::start(&[TOPIC, DEAD], 1).await;
    let home = home(&cluster, "[matchers]\non_reject = \"freeze\"\n");
    cluster.send(&message(TOPIC, "malformed")).await;
    cluster.send(&message(TOPIC, "malformed, too")).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, "SELECT \"offset\" FROM frozen_partitions", &["0"]);
    let url = service.url();
    // It is judged again, and is as malformed as before.
    let released = home.run(&["partition", "unfreeze", TOPIC, "0", "--url", &url]);
    assert_eq!(released.code, Some(0), "{released}");
    home.wait_for_rows(&mut service, "SELECT \"offset\" FROM frozen_partitions", &["0"]);
    assert_eq!(home.rows(PUBLISHED), ["0|0"]);
    let skipped = home.run(&["partition", "skip", TOPIC, "0", "--url", &url]);
    assert_eq!(skipped.code, Some(0), "{skipped}");
    home.wait_for_rows(&mut service, PUBLISHED, &["1|1"]);
    home.wait_for_rows(&mut service, "SELECT \"offset\" FROM frozen_partitions", &["1"]);
    // Nothing of it is to be published that is not set aside.
    let reset = home.run(&["partition", "reset", TOPIC, "0", "--to", "latest", "--url", &url]);
    assert_eq!(reset.code, Some(0), "{reset}");
    home.wait_for_rows(&mut service, "SELECT count(*) FROM dead_letters_to_publish", &["0"]);
    let found = read(&cluster, 1);
    assert_eq!(found[0].payload(), Some(&b"malformed"[..]));
    assert_eq!(cluster.ends(DEAD), [(0, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_too_large_for_the_topic_goes_without_its_rest() {
    let cluster = Cluster::start(&[TOPIC, DEAD], 1).await;
    let home = home(&cluster, "sample_bytes = 10\n").with("EVENTLATCH_KAFKA_PROPERTIES_MESSAGE_MAX_BYTES", 100_000);
    cluster.send(&message(TOPIC, "x".repeat(200_000))).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, PUBLISHED, &["1|1"]);
    let found = read(&cluster, 1);
    assert_eq!(found[0].payload(), Some(&b"xxxxxxxxxx"[..]));
    assert!(headers(&found[0])["eventlatch-truncated"].contains("size"), "{:?}", headers(&found[0]));
}

#[test]
fn they_do_not_go_where_messages_are_read() {
    let home = Home::new("[dead_letters]\ntopic = \"etl-finish\"\n");
    home.write("sensors/tables.json", sensor(&["a"]));
    let checked = home.run(&["check"]);
    let says = "dead letters cannot be published in the topic `etl-finish`: sensors want messages of it";
    assert!(checked.code == Some(3) && checked.stderr.contains(says), "{checked}");
}
