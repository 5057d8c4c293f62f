//! What a message costs in the sandbox: the embedded `etl-finish` under its limits, against the same rule in native Rust
//! with serde_json. Both begin with the same messages and end with the same columns of keys; that is asserted.

#[path = "support/fixture.rs"]
mod fixture;
#[path = "support/messages.rs"]
mod messages;
#[path = "support/native.rs"]
mod native;
#[path = "support/ratio.rs"]
mod ratio;
#[path = "support/spread.rs"]
mod spread;
#[path = "support/timing.rs"]
mod timing;

use std::{hint::black_box, sync::Arc};

use eventlatch::{
    domain::message::Message,
    matcher::{Generation, Worker},
};
use fixture::TOPIC;
use messages::{BYTES, Random};
use ratio::{Rounds, times};
use timing::time;

const BATCHES: [usize; 3] = [64, 256, 1024];
const ROUNDS: usize = 300;

/// So many messages in each turn, in as many batches as it takes.
const TURN: usize = 4096;

const NATIVE: usize = 0;
const COMPONENT: usize = 1;

fn main() {
    println!("matcher: time of the component relative to native serde_json; goal 0.60x or less");
    fixture::on_worker(|worker, matcher| {
        for batch in BATCHES {
            measure(worker, matcher, "one producer", batch, &produced(1));
        }
        for batch in BATCHES {
            measure(worker, matcher, "two producers in turn", batch, &produced(2));
        }
    });
}

fn measure(worker: &mut Worker, matcher: &Arc<Generation>, what: &str, batch: usize, messages: &[Message]) {
    let messages: Vec<_> = messages.iter().collect();
    let mut rounds = |count| {
        Rounds::run(count, 2, |contestant| {
            let (time, ()) = time(|| match contestant {
                NATIVE => messages.chunks(batch).for_each(|part| {
                    black_box(native::extract(part));
                }),
                _ => messages.chunks(batch).for_each(|part| {
                    black_box(worker.extract(matcher, TOPIC, part).expect("nothing fails"));
                }),
            });
            time
        })
    };
    let rounds = rounds(ROUNDS);
    messages.chunks(batch).for_each(|part| assert_equal(worker, matcher, part));
    println!(
        "  batch of {batch:4}, {what}: {} | aside: native {:.0} ns, component {:.0} ns a message",
        times(&rounds.ratio(COMPONENT, NATIVE)),
        rounds.nanoseconds(NATIVE, TURN),
        rounds.nanoseconds(COMPONENT, TURN),
    );
}

fn assert_equal(worker: &mut Worker, matcher: &Arc<Generation>, part: &[&Message]) {
    let (extraction, native) = (worker.extract(matcher, TOPIC, part).expect("nothing fails"), native::extract(part));
    assert!(extraction.set_aside.is_empty() && native.rejects.is_empty());
    assert!(extraction.keys().eq(native.keys()), "the keys differ");
    let times = (0..part.len()).map(|message| extraction.event_time(message));
    assert!(times.eq(native.times), "the event times differ");
}

/// Messages as so many producers write them: each has its own order of fields and its own blanks.
fn produced(producers: usize) -> Vec<Message> {
    let mut random = Random(1);
    (0..TURN)
        .map(|number| {
            let (db, table) = (random.below(100), random.below(10_000));
            let (db, table) = (format!("db{db}"), format!("table{table}"));
            let value = match number % producers {
                0 => messages::value(&db, &table, "201907", number as u64),
                _ => other_value(&db, &table, number as u64),
            };
            assert_eq!(value.len(), BYTES);
            messages::message(number as i64, value)
        })
        .collect()
}

fn other_value(db: &str, table: &str, rows: u64) -> Vec<u8> {
    let second = messages::SECOND;
    let text = format!(
        r#"{{"timestamp": {second}, "table": "{table}", "db": "{db}", "rows": {rows}, "partition_values": "201907", "note": ""#
    );
    let fill = "x".repeat(BYTES - text.len() - 2);
    format!("{text}{fill}\"}}").into_bytes()
}
