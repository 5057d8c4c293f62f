//! Sensors that are younger than their messages: read back from a real log.

mod killed;

use eventlatch_tests::{
    broker::brokers,
    cluster::{Cluster, message},
    home::{DEADLINE, Home, noon_zone},
    service::Service,
    topic::Topic,
    waiting::wait_for,
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::{TASKS, sensor, table_written};

/// `partitions|messages|lacking` of what was read back so far, unless something still is.
const READ_BACK: &str = "SELECT count(*), sum(messages), count(lacking) FROM catch_ups
                         HAVING NOT EXISTS (SELECT 1 FROM to_catch_up WHERE due_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
                            AND NOT EXISTS (SELECT 1 FROM catch_ups WHERE state <> 'done')";

const MATCHES: &str = "SELECT task_id, count(*), count(DISTINCT \"partition\" || '@' || \"offset\")
                         FROM matches JOIN wanted ON wanted.id = wanted_id GROUP BY 1 ORDER BY 1";

/// A service that reads a topic of orders, of which it wants nothing that comes.
fn home(topic: &Topic, config: &str) -> Home {
    let home = Home::new(&format!("{}\n{config}", matcher(topic, 0)))
        .with("EVENTLATCH_KAFKA_BROKERS", brokers())
        .with("EVENTLATCH_KAFKA_GROUP", &topic.name)
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/first.json", sensors(topic, [("first", "D", "never".to_owned())]));
    home
}

/// Starts the service before anything was sent: nothing has been missed.
fn serve(home: &Home) -> Service {
    let mut service = home.serve();
    let settled = "SELECT count(*) > 0, (SELECT count(*) FROM to_catch_up) FROM sensors";
    home.wait_for_rows(&mut service, settled, &["1|0"]);
    service
}

fn matcher(topic: &Topic, lag: u32) -> String {
    format!(
        "[matchers.orders]\nuse = \"fields\"\n[matchers.orders.config]\ntopic = \"{}\"\n\
         key = [{{ field = \"order\", template = \"day\" }}]\npartition_lag_days = {lag}\n",
        topic.name
    )
}

/// Sensors that wait for one order each: name and task, frequency, order.
fn sensors<'a>(topic: &Topic, all: impl IntoIterator<Item = (&'a str, &'a str, String)>) -> String {
    let sensor = |(name, frequency, order): (&str, &str, String)| {
        let wanted = json!({"frequency": frequency, "topic": topic.name, "order": order, "task_id": name});
        json!({"name": name, "wanted": [wanted]})
    };
    json!({"sensors": all.into_iter().map(sensor).collect::<Vec<_>>()}).to_string()
}

fn order(name: &str) -> String {
    json!({"order": name}).to_string()
}

/// Waits until all that was sent has been read.
fn wait_until_read(home: &Home, service: &mut Service, messages: u64) {
    home.wait_for_rows(service, "SELECT sum(next) FROM offsets", &[&messages.to_string()]);
}

fn today() -> jiff::civil::Date {
    Timestamp::now().to_zoned(TimeZone::get(&noon_zone()).unwrap()).date()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensor_that_comes_after_its_messages_has_them() {
    let topic = Topic::create("orders", 2).await;
    let home = home(&topic, "");
    let mut service = serve(&home);
    topic.send(["a", "b", "a", "nobody's"].map(order)).await;
    wait_until_read(&home, &mut service, 4);
    assert_eq!(home.rows("SELECT count(*) FROM matches"), ["0"]);

    home.write(
        "sensors/late.json",
        sensors(&topic, [("a", "D", "a".into()), ("b", "M", "b".into()), ("c", "W", "c".into())]),
    );
    let tasks = ["a|success", "b|success", "c|pending", "first|pending"];
    home.wait_for_rows(&mut service, TASKS, &tasks);
    home.wait_for_rows(&mut service, "SELECT count(*) FROM to_catch_up", &["0"]);
    assert_eq!(home.rows(MATCHES), ["a|2|2", "b|1|1"]);

    // What comes from now on meets them as it comes.
    topic.send(["c"].map(order)).await;
    home.wait_for_rows(&mut service, TASKS, &["a|success", "b|success", "c|success", "first|pending"]);
    let log = service.log();
    assert!(log.contains("Catching up") && log.contains("Caught up"), "{log}");
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sensors_share_one_reading() {
    let topic = Topic::create("orders", 4).await;
    let home = home(&topic, "");
    let mut service = serve(&home);
    let names: Vec<_> = (0..1_000).map(|number| format!("o{number}")).collect();
    topic.send(names.iter().map(|name| order(name))).await;
    wait_until_read(&home, &mut service, 1_000);

    let all = names.iter().map(|name| (name.as_str(), "D", name.clone()));
    home.write("sensors/late.json", sensors(&topic, all));
    home.wait_for_rows(&mut service, "SELECT count(*) FROM tasks WHERE state = 'success'", &["1000"]);
    home.wait_for_rows(&mut service, READ_BACK, &["4|1000|0"]);
    assert_eq!(
        home.rows("SELECT count(DISTINCT scan), max(wanted), min(first), sum(cut) FROM catch_ups"),
        ["1|1000|0|1000"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_of_a_topic_that_begins_at_its_end_is_caught_up() {
    let topic = Topic::create("orders", 2).await;
    topic.send(["a", "b"].map(order)).await;
    let home = home(&topic, "[kafka]\nstart = \"latest\"\n");
    home.write("sensors/second.json", sensors(&topic, [("a", "D", "a".into())]));
    let mut service = home.serve();
    home.wait_for_rows(&mut service, TASKS, &["a|success", "first|pending"]);
    assert_eq!(home.rows(MATCHES), ["a|1|1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_from_the_log_is_said() {
    let topic = Topic::create("orders", 1).await;
    let home = home(&topic, "");
    let mut service = serve(&home);
    topic.send(["gone", "there"].map(order)).await;
    wait_until_read(&home, &mut service, 2);
    topic.cut(0, 1).await;

    let all = ["gone", "there"].map(|name| (name, "D", name.to_owned()));
    home.write("sensors/late.json", sensors(&topic, all));
    home.wait_for_rows(&mut service, TASKS, &["first|pending", "gone|pending", "there|success"]);
    home.wait_for_rows(&mut service, READ_BACK, &["1|1|1"]);
    let lacking = "the log begins at the offset 1: what came before it is gone from Kafka";
    assert_eq!(home.rows("SELECT lacking FROM catch_ups"), [lacking]);
    assert!(service.log().contains(lacking), "{}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_renders_anew_is_caught_up() {
    let topic = Topic::create("orders", 1).await;
    let home = home(&topic, "");
    let day = "{{day|dt.format(format='%Y-%m-%d')}}";
    home.write("sensors/daily.json", sensors(&topic, [("daily", "D", day.to_owned())]));
    let mut service = serve(&home);
    let yesterday = today().yesterday().unwrap().to_string();
    topic.send([order(&yesterday)]).await;
    wait_until_read(&home, &mut service, 1);
    assert_eq!(home.rows(TASKS), ["daily|pending", "first|pending"]);
    service.terminate();

    // Its author finds out that the orders of today are those of yesterday.
    let earlier = home.rows("SELECT count(*) FROM catch_ups").remove(0);
    home.write("eventlatch.toml", matcher(&topic, 1));
    service.start_again();
    home.wait_for_rows(&mut service, TASKS, &["daily|success", "first|pending"]);
    let read = format!("SELECT messages, wanted FROM catch_ups ORDER BY id LIMIT -1 OFFSET {earlier}");
    assert_eq!(home.rows(&read), ["1|1"]);
    assert_eq!(home.rows(MATCHES), ["daily|1|1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_kafka_is_away_it_waits_and_says_so() {
    let mut cluster = Cluster::start(&["etl-finish"], 1).await;
    let home = Home::new("")
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/first.json", sensor(&["first"]));
    let mut service = serve(&home);
    cluster.send(&message("etl-finish", table_written("late").to_string())).await;
    wait_until_read(&home, &mut service, 1);
    tokio::task::block_in_place(|| {
        cluster.while_away(|| {
            home.write("sensors/late.json", sensor(&["late"]));
            wait_for("it to say so", DEADLINE, || {
                let said = "A topic cannot be caught up now; trying again";
                service.log().contains(said).then_some(()).ok_or_else(|| service.log_end())
            });
        });
    });
    home.wait_for_rows(&mut service, TASKS, &["first|pending", "late|success"]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}

#[tokio::test(flavor = "multi_thread")]
async fn catching_up_stands_in_the_status() {
    let topic = Topic::create("orders", 1).await;
    let home = home(&topic, "");
    let mut service = serve(&home);
    topic.send(["a"].map(order)).await;
    wait_until_read(&home, &mut service, 1);
    home.write("sensors/late.json", sensors(&topic, [("a", "D", "a".into())]));
    home.wait_for_rows(&mut service, READ_BACK, &["1|1|0"]);
    let ran = home.run(&["status"]);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(!ran.stdout.contains("catching up"), "{ran}");
    let ran: Vec<Value> = serde_json::from_str(&home.run(&["status", "--format", "json"]).stdout).unwrap();
    assert_eq!(ran.len(), 2);
    service.kill();

    home.execute(
        "eventlatch.db",
        &format!(
            "INSERT INTO to_catch_up SELECT topic, id, '2019-07-07', '2019-07-07', NULL FROM wanted WHERE topic = '{}'",
            topic.name
        ),
    );
    let ran = home.run(&["status"]);
    let line = format!("{}: catching up, 2 wanted messages", topic.name);
    assert!(ran.stdout.contains(&line), "{ran}");
}
