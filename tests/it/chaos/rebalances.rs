//! Partitions that are added, a member that restarts, and a stranger in the group.

use std::time::Duration;

use eventlatch_tests::waiting::wait_for;
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};

use super::{load::TOPICS, scale, trial::Trial};

/// A rebalance takes about so long.
const PACE: Duration = Duration::from_secs(4);

const SOON: Duration = Duration::from_secs(60);

/// Its restart is no rebalance for Kafka, which finds it in its place.
const CONFIG: &str = r#"
[kafka]
group = "shared"
instance_id = "one"
[kafka.properties]
topic.metadata.refresh.interval.ms = 500
"#;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_by_rebalances() {
    let number = scale::number("REBALANCES", 4, 100);
    let mut trial = Trial::begin(PACE * number as u32, scale::seed(), CONFIG).await;
    tokio::task::block_in_place(|| trial.wait_for_progress());
    let (mut done, mut added, mut restarts, mut visits) = (0, 0, 0, 0);
    while done < number {
        add_a_partition(&mut trial, TOPICS[added % TOPICS.len()]).await;
        added += 1;
        tokio::task::block_in_place(|| {
            restart(&mut trial);
            restarts += 1;
            visit(&mut trial);
            visits += 1;
        });
        // Who comes and goes changes the assignment twice.
        done = added + restarts + 2 * visits;
    }
    let faults = format!("{done} rebalances: {added} partitions added, {restarts} restarts, {visits} visits");
    trial.end("rebalances", &faults).await;
}

async fn add_a_partition(trial: &mut Trial, topic: &str) {
    let before = trial.service.log().len();
    let new = trial.cluster.add_partition(topic).await;
    let reads = format!("topic=\"{topic}\" partition={new}");
    tokio::task::block_in_place(|| {
        wait_for_log(trial, before, &format!("partition {new} of {topic} to be read"), |log| {
            log.lines().any(|line| line.contains("Reading a partition") && line.contains(&reads))
        })
    });
}

fn restart(trial: &mut Trial) {
    let status = trial.service.terminate();
    assert_eq!(status.code(), Some(0), "{}", trial.service.log_end());
    trial.service.start_again();
    trial.wait_for_progress();
}

/// A member that reads some partitions for a while, commits nothing and leaves.
fn visit(trial: &mut Trial) {
    let visitor = visitor(trial);
    let held = wait_for("the visitor to get partitions", SOON, || {
        while let Some(polled) = visitor.poll(Duration::from_millis(20)) {
            let _message = polled.map_err(|error| error.to_string())?;
        }
        match visitor.assignment().map(|list| list.count()) {
            Ok(0) => Err(trial.service.log_end()),
            Ok(count) => Ok(count),
            Err(error) => Err(error.to_string()),
        }
    });
    let before = trial.service.log().len();
    drop(visitor);
    wait_for_log(trial, before, "the visitor's partitions to be read again", |log| {
        log.lines().filter(|line| line.contains("Reading a partition")).count() >= held
    });
}

fn visitor(trial: &Trial) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", trial.cluster.brokers());
    config.set("group.id", "shared").set("enable.auto.commit", "false");
    config.set("partition.assignment.strategy", "cooperative-sticky");
    let visitor: BaseConsumer = config.create().unwrap();
    visitor.subscribe(&TOPICS).unwrap();
    visitor
}

fn wait_for_log(trial: &mut Trial, from: usize, what: &str, seen: impl Fn(&str) -> bool) {
    wait_for(what, SOON, || {
        let service = &mut trial.service;
        assert!(service.ended().is_none(), "the service has ended by itself:\n{}", service.log_end());
        let log = service.log();
        if log.get(from..).is_some_and(&seen) { Ok(()) } else { Err(service.log_end()) }
    });
}
