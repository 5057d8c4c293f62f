//! A receiver that is behind.

use std::time::Duration;

use eventlatch_tests::{
    ledger::Ledger,
    topic::{Topic, config},
    waiting::wait_until,
};

use super::reading::{Reading, sorted, texts};

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_receiver_loses_neither_messages_nor_its_membership() {
    let topic = Topic::create("slow", 2).await;
    topic.send(texts(0..20_000)).await;
    let (mut config, ledger) = (config(), Ledger::default());
    config.max_messages = 500;
    // Shorter than the pause below: a source that did not poll would be thrown out.
    config.properties.set("max.poll.interval.ms", "10000").unwrap();
    config.properties.set("session.timeout.ms", "10000").unwrap();
    config.properties.set("heartbeat.interval.ms", "500").unwrap();
    let mut reading = Reading::open(&config, &[&topic], &ledger);
    reading.step().await.unwrap();
    let held = tokio::time::Instant::now() + Duration::from_secs(20);
    wait_until("twenty seconds to pass with both partitions kept", Duration::from_secs(60), async || {
        assert_eq!(reading.source.health().partitions, 2, "{:?}", reading.source.health());
        if tokio::time::Instant::now() < held { Err("not yet".to_owned()) } else { Ok(()) }
    })
    .await;
    reading.until(&topic, 20_000).await;
    assert_eq!(sorted(&ledger, &topic), texts(0..20_000));
    assert_eq!(reading.superseded, 0, "a pause reads nothing twice");
}
