//! A hostile matcher beside one that works: what the neighbour notices of it.

use std::time::Duration;

use eventlatch::source::Producer;
use eventlatch_tests::cluster::{Cluster, message};

use super::{UNRULY, home, put, unruly_message, unruly_sensor};
use crate::service::{sensor, table_written};

/// Messages for the matcher that works: so many a phase, one every so often.
const MESSAGES: usize = 1_500;
const EVERY: Duration = Duration::from_millis(4);

/// What the hostile one is told to do, in turn. One of so many messages is told something.
const ACTS: [&str; 6] = ["loop", "panic", "recurse", "memory", "log", "grow"];
const HOSTILE_EVERY: usize = 250;

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_matcher_leaves_its_neighbour_in_peace() {
    let cluster = Cluster::start(&["unruly", "etl-finish"], 2).await;
    // To write very many lines takes nearly as long as these tests allow, and longer on a busy machine.
    let home = home(&cluster).with("EVENTLATCH_MATCHERS_LIMITS_BASE_MS", 500);
    home.write("sensors/names.json", unruly_sensor(&["a"]));
    home.write("sensors/tables.json", sensor(&["b"]));
    put(&home, "matchers/unruly.wasm", UNRULY);
    let mut service = home.serve();
    // The first messages after a start wait until the group is joined.
    cluster.send(&message("etl-finish", table_written("other").to_string())).await;
    cluster.send(&message("unruly", unruly_message("other", 0, ""))).await;
    home.wait_for_rows(&mut service, "SELECT sum(next) FROM offsets", &["2"]);

    let mut figures = Vec::new();
    let (mut of_neighbour, mut of_hostile) = (1, 1);
    for (phase, hostile) in [("alone", false), ("beside it", true), ("alone again", false), ("beside it again", true)] {
        let first: u64 = home_rows(&home, "SELECT ifnull(max(id), 0) FROM matches")[0].parse().unwrap();
        of_hostile += send(&cluster.producer, hostile).await;
        of_neighbour += MESSAGES;
        let offsets = "SELECT ifnull(sum(next), 0) FROM offsets WHERE topic = 'etl-finish'";
        home.wait_for_rows(&mut service, offsets, &[&of_neighbour.to_string()]);
        figures.push((phase, delays(&home, first)));
    }
    // The hostile one's own messages are all answered: those that told it to do harm are set aside, each alone.
    let offsets = "SELECT sum(next) FROM offsets WHERE topic = 'unruly'";
    home.wait_for_rows(&mut service, offsets, &[&of_hostile.to_string()]);
    let harmful = "SELECT fault, count(*) FROM dead_letters GROUP BY fault ORDER BY fault";
    assert_eq!(home.rows(harmful), ["memory|2", "timed-out|2", "trap|4"], "{}", service.log_end());
    let good = of_hostile - 8 - 1;
    assert_eq!(home.rows("SELECT count(*) FROM matches WHERE topic = 'unruly'"), [good.to_string()]);
    assert_eq!(home.rows("SELECT count(*) FROM matches WHERE topic = 'etl-finish'"), [(of_neighbour - 1).to_string()]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    for (phase, delays) in figures {
        let at = |part: f64| delays[((delays.len() - 1) as f64 * part) as usize];
        println!(
            "{phase}: from arrival to record, median {} ms, 99 of 100 within {} ms, longest {} ms",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}

fn home_rows(home: &eventlatch_tests::home::Home, sql: &str) -> Vec<String> {
    home.rows_of("eventlatch.db", sql).ok().filter(|rows| !rows.is_empty()).unwrap_or_else(|| vec!["0".to_owned()])
}

/// One phase: messages for the neighbour at a steady pace, and beside them as many for the hostile one. The answer is the
/// number of the latter.
async fn send(producer: &Producer, hostile: bool) -> usize {
    let mut tick = tokio::time::interval(EVERY);
    let mut acts = ACTS.iter().cycle();
    let mut sending = tokio::task::JoinSet::new();
    for number in 0..MESSAGES {
        tick.tick().await;
        let mut batch = vec![message("etl-finish", table_written("b").to_string())];
        if hostile {
            let told = number % HOSTILE_EVERY == HOSTILE_EVERY - 1;
            let act = if told { acts.next().copied().unwrap_or_default() } else { "" };
            batch.push(message("unruly", unruly_message("a", number, act)));
        }
        for message in batch {
            let producer = producer.clone();
            sending.spawn(async move { producer.send(&message).await });
        }
    }
    for sent in sending.join_all().await {
        sent.expect("the broker takes messages");
    }
    if hostile { MESSAGES } else { 0 }
}

/// Milliseconds from the neighbour's messages' arrival to their record, sorted.
fn delays(home: &eventlatch_tests::home::Home, after: u64) -> Vec<i64> {
    let sql = format!(
        "SELECT cast(round((julianday(recorded_at) - julianday(arrival)) * 86400000) AS INTEGER) FROM matches
          WHERE topic = 'etl-finish' AND id > {after} ORDER BY 1"
    );
    home.rows(&sql).iter().map(|row| row.parse().unwrap()).collect()
}
