//! How many messages a second the source takes from a real broker on this machine: `make bench`.

use std::{sync::Arc, time::Instant};

use eventlatch::source::{self, KafkaConfig, OnGap, Outgoing, Start};
use eventlatch_tests::{
    ledger::Ledger,
    topic::{Topic, config, producer},
};

const MESSAGES: usize = 500_000;
const BYTES: usize = 215;
const PARTITIONS: i32 = 6;

#[tokio::main]
async fn main() {
    let topic = Topic::create("bench", PARTITIONS).await;
    let value = "x".repeat(BYTES);
    let message = |number: usize| Outgoing { key: Some(number.to_string().into()), ..topic.message(&value) };
    let started = Instant::now();
    producer().send_all((0..MESSAGES).map(message)).await.expect("the broker takes messages");
    report("sent", started, MESSAGES);

    let config = KafkaConfig { start: Start::Earliest, on_gap: OnGap::Stop, ..config() };
    let (_source, mut deliveries) =
        source::open(&config, vec![topic.name.clone()], Arc::new(Ledger::default())).expect("the source opens");
    let (mut messages, mut batches, mut slices, mut started) = (0, 0, 0, None);
    while messages < MESSAGES {
        let batch = deliveries.next().await.expect("the source goes on").expect("nothing goes wrong");
        started.get_or_insert_with(Instant::now);
        batches += 1;
        slices += batch.len();
        for delivery in batch {
            messages += delivery.slice.messages.len();
            delivery.receipt.settle();
        }
    }
    report("read", started.unwrap_or_else(Instant::now), MESSAGES);
    println!("in {batches} batches of {slices} slices");
    deliveries.close().await;
}

fn report(what: &str, started: Instant, count: usize) {
    let elapsed = started.elapsed();
    println!(
        "{what} {count} messages of {BYTES} bytes in {elapsed:.2?}: {:.0}/s",
        count as f64 / elapsed.as_secs_f64()
    );
}
