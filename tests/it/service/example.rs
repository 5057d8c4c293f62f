//! The example of the README, on a real broker, with messages from three clients.

use std::{fs, path::Path, time::Instant};

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{Home, noon_zone},
};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rdkafka::{
    ClientConfig,
    producer::{FutureProducer, FutureRecord},
};
use serde_json::{Value, json};

use super::TASKS;

#[tokio::test(flavor = "multi_thread")]
async fn three_wanted_messages_come_and_mark_their_tasks() {
    let cluster = Cluster::start(&["etl-finish", "job-finish"], 2).await;
    let home = example(&cluster);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, TASKS, &["joba|pending", "tbla|pending", "tblb|pending"]);

    let ran = home.run(&["send", "etl-finish", &table("table0", "").replace("db1", "db0"), "--key", "k"]);
    let sent = Instant::now();
    assert!(ran.code == Some(0) && ran.stdout.starts_with("sent etl-finish/"), "{ran}");
    home.wait_for_rows(&mut service, TASKS, &["joba|pending", "tbla|success", "tblb|pending"]);
    println!("marked {:?} after `eventlatch send` ended, with the time to join the group", sent.elapsed());

    another_client(&cluster).send(FutureRecord::<(), _>::to("job-finish").payload(&job()), None).await.unwrap();
    home.wait_for_rows(&mut service, TASKS, &["joba|success", "tbla|success", "tblb|pending"]);

    cluster.send(&message("etl-finish", table("table1", "201907"))).await;
    cluster.send(&message("etl-finish", table("table1", &partition()))).await;
    let sent = Instant::now();
    home.wait_for_rows(&mut service, TASKS, &["joba|success", "tbla|success", "tblb|success"]);
    println!("marked {:?} after the broker had the message, as seen every 20 ms", sent.elapsed());
    // The page also says what is being caught up.
    let due = "SELECT count(*) FROM to_catch_up WHERE due_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
    home.wait_for_rows(&mut service, due, &["0"]);
    shows_all_received(&home);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}

/// A producer that knows nothing of eventlatch.
fn another_client(cluster: &Cluster) -> FutureProducer {
    ClientConfig::new().set("bootstrap.servers", cluster.brokers()).create().unwrap()
}

/// The files as they are, except for what depends on the place and the time.
fn example(cluster: &Cluster) -> Home {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/etl");
    let home = Home::new(&fs::read_to_string(example.join("eventlatch.toml")).unwrap())
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    let sensor = "sensors/my_consumer.toml";
    home.write(sensor, fs::read(example.join(sensor)).unwrap());
    home
}

fn shows_all_received(home: &Home) {
    let status = home.run(&["status", "--format", "json"]);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    let wanted = status[0]["wanted"].as_array().unwrap();
    let received: Vec<_> = wanted.iter().map(|it| json!([it["task_id"], it["received"]["topic"]])).collect();
    let expected = [["tbla", "etl-finish"], ["tblb", "etl-finish"], ["joba", "job-finish"]];
    assert_eq!(json!(received), json!(expected), "{status:#}");
    assert_eq!(status[0]["complete"], json!(true));

    let table = home.run(&["status"]);
    insta::with_settings!({filters => vec![
        (r"\d{4}-\d\d-\d\d", "[DATE]"),
        (r"\d\d:\d\d:\d\d", "[TIME]"),
        (r"/\d@\d", "/P@O"),
        (r"=\d{6}", "=YYYYMM"),
    ]}, {
        insta::assert_snapshot!(table, @r#"
        my_consumer · [DATE] · complete, 3 of 3 received
           TASK  STATE    TOPIC       WANTED                                       RECEIVED                 EXPIRES
           tbla  success  etl-finish  db=db0 partition_values="" table=table0      [TIME] etl-finish/P@O  [DATE] [TIME]
           tblb  success  etl-finish  db=db1 partition_values=YYYYMM table=table1  [TIME] etl-finish/P@O  [DATE] [TIME]
           joba  success  job-finish  is_success=true job_name=jn1                 [TIME] job-finish/P@O  [DATE] [TIME]
        exit 0
        "#);
    });
}

fn table(table: &str, partition: &str) -> String {
    let now = Timestamp::now().as_second();
    json!({"db": "db1", "table": table, "partition_values": partition, "timestamp": now}).to_string()
}

fn job() -> String {
    json!({"job_name": "jn1", "is_success": true, "timestamp": Timestamp::now().as_second()}).to_string()
}

/// The month of the day before yesterday, which is what the template comes to.
fn partition() -> String {
    let zone = TimeZone::get(&noon_zone()).unwrap();
    Timestamp::now().to_zoned(zone).date().saturating_sub(2.days()).strftime("%Y%m").to_string()
}
