//! `eventlatch demo`: the seed's example in one process. A Kafka cluster inside, a real producer and consumer, and a
//! sensor that fills up before one's eyes.

use std::{fs, io, path::PathBuf, time::Duration};

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde_json::json;

use super::{Exit, Failure, print, status};
use crate::{
    app::{Input, Service},
    config::{Config, user_cache},
    pipeline::Stop,
    source::{Mock, Outgoing, Producer, Protocol},
    store::SensorStatus,
    telemetry,
};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The directory that it leaves behind: a database, the sensor file
    #[arg(long, default_value = "eventlatch-demo", value_name = "DIR")]
    directory: PathBuf,
}

/// The wanted messages of the page "Kafka Consumer Plugin", as they stand there.
const SENSOR: &str = r#"name = "my_consumer"
wanted = [
  { frequency = "D", topic = "etl-finish", db = "db0", table = "table0", partition_values = "", task_id = "tbla" },
  { frequency = "D", topic = "etl-finish", db = "db1", table = "table1", partition_values = "{{yyyymm|dt.format(format='%Y%m')}}", task_id = "tblb" },
  { frequency = "D", topic = "job-finish", job_name = "jn1", task_id = "joba" },
]
"#;

/// With their numbers of partitions.
const TOPICS: [(&str, i32); 2] = [("etl-finish", 2), ("job-finish", 2)];

/// How long the sensor may take to show a message.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two messages, so that one can follow.
const PACE: Duration = Duration::from_millis(500);

/// Between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(20);

pub(super) async fn demo(args: &Args) -> Result<Exit, Failure> {
    let quiet = telemetry::Config { log: "warn,librdkafka=off".into(), ..Default::default() };
    telemetry::start(&quiet).map_err(Failure::config)?;
    let cluster = Mock::start(&TOPICS).map_err(Failure::unexpected)?;
    let config = prepare(args, cluster.brokers())?;
    print::lines(&format!(
        "A Kafka cluster inside this process listens at {}. eventlatch joins it, which takes some seconds.",
        config.kafka.brokers
    ))?;
    print::lines("")?;
    let service = Service::start(&config, &Input::Kafka).await?;
    until_reading(&service).await?;
    play(&service, &config).await?;
    let database = config.store.path.display();
    print::lines(&format!(
        "\nAll three tasks are success. What happened stays in the database:\n\n  \
         sqlite3 -box {database} 'select topic, partition, offset, matcher, sha256 from matches'\n  \
         sqlite3 -box {database} 'select * from tasks'\n  \
         sqlite3 -box {database} 'select * from airflow_event_plugins'"
    ))?;
    service.stop(Stop::AfterDue).await?;
    Ok(Exit::Done)
}

/// Waits until all partitions are read: then each message is there at once.
async fn until_reading(service: &Service) -> Result<(), Failure> {
    let partitions: i32 = TOPICS.iter().map(|(_, partitions)| partitions).sum();
    let reading = async {
        while service.health().partitions < partitions as usize {
            tokio::time::sleep(LOOK).await;
        }
    };
    let late = |_| Failure::unexpected(format!("the partitions were not assigned in time: {:?}", service.health()));
    tokio::time::timeout(PATIENCE, reading).await.map_err(late)
}

/// Sends the messages one by one and shows the sensor after each.
async fn play(service: &Service, config: &Config) -> Result<(), Failure> {
    let producer = Producer::new(&config.kafka).map_err(Failure::unexpected)?;
    show(&status_of(service).await?)?;
    for (message, received) in messages() {
        tokio::time::sleep(PACE).await;
        let sent = producer.send(&message).await;
        let (partition, offset) = sent.map_err(|error| Failure::new(Exit::Source, error))?;
        let text = message.value.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let aside = if received == 0 { "  (nobody waits for it)" } else { "" };
        print::lines(&format!("\n▶ {}/{partition}@{offset}  {text}{aside}\n", message.topic))?;
        until(service, received).await?;
        show(&status_of(service).await?)?;
    }
    Ok(())
}

/// Makes the directory a fresh one: the cluster of an earlier demonstration is gone, and its offsets mean nothing.
fn prepare(args: &Args, brokers: String) -> Result<Config, Failure> {
    let sensors = args.directory.join("sensors");
    let written = fs::create_dir_all(&sensors).and_then(|()| fs::write(sensors.join("my_consumer.toml"), SENSOR));
    let at =
        |error: io::Error| anyhow::Error::new(error).context(format!("cannot write to {}", args.directory.display()));
    written.map_err(|error| Failure::new(Exit::Store, at(error)))?;
    for stale in ["eventlatch.db", "eventlatch.db-wal", "eventlatch.db-shm"] {
        match fs::remove_file(args.directory.join(stale)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::new(Exit::Store, at(error)));
            }
            _ => {}
        }
    }
    let mut config = Config::default();
    // It is over in a moment, and may run beside a service.
    config.api.enabled = false;
    config.kafka.brokers = brokers;
    // The cluster inside answers only when this time is over, a real one at once.
    config.kafka.properties.set("fetch.wait.max.ms", "50").map_err(Failure::unexpected)?;
    // Nobody is waited for who might join as well.
    config.kafka.protocol = Protocol::Consumer;
    config.sensors.directory = sensors;
    config.store.path = args.directory.join("eventlatch.db");
    config.matchers.cache = user_cache();
    Ok(config)
}

/// The messages, and how many wanted ones have come with each. The first is for nobody.
fn messages() -> [(Outgoing, usize); 4] {
    let now = Timestamp::now();
    // The matcher renders `yyyymm` for two days before the business date.
    let partition = now.to_zoned(TimeZone::UTC).date().saturating_sub(2.days()).strftime("%Y%m").to_string();
    let etl = |db: &str, table: &str, partition: &str| json!({"db": db, "table": table, "partition_values": partition, "timestamp": now.as_second()});
    let job = json!({"job_name": "jn1", "is_success": true, "timestamp": now.as_second()});
    [
        (outgoing("etl-finish", etl("db0", "table9", "")), 0),
        (outgoing("etl-finish", etl("db0", "table0", "")), 1),
        (outgoing("etl-finish", etl("db1", "table1", &partition)), 2),
        (outgoing("job-finish", job), 3),
    ]
}

fn outgoing(topic: &str, value: serde_json::Value) -> Outgoing {
    let value = Some(value.to_string().into());
    Outgoing { topic: topic.into(), key: None, value, headers: Vec::new(), timestamp: None }
}

/// Waits until so many wanted messages are received.
async fn until(service: &Service, received: usize) -> Result<(), Failure> {
    let arrived = async {
        loop {
            let sensors = status_of(service).await?;
            if sensors.iter().flat_map(|it| &it.wanted).filter(|it| it.received.is_some()).count() >= received {
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let late =
        |_| Failure::unexpected(format!("{received} messages were not received in time: {:?}", service.health()));
    tokio::time::timeout(PATIENCE, arrived).await.map_err(late)?
}

/// More sensors than a demonstration has.
const SHOWN: usize = 100;

async fn status_of(service: &Service) -> Result<Vec<SensorStatus>, Failure> {
    service.store().status(Timestamp::now(), None, SHOWN).await.map_err(|error| Failure::new(Exit::Store, error))
}

fn show(sensors: &[SensorStatus]) -> Result<(), Failure> {
    print::styled(&status::render(sensors))
}
