//! Two builds of a matcher take turns under load.

use std::{fs, time::Duration};

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::DEADLINE,
    waiting::wait_for,
};

use super::{etl_finish, home, put};
use crate::service::{sensor, table_written};

const RATE: usize = 5_000;
const BURST: usize = 50;
const TURNS: usize = 20;

/// Of so many messages one is wanted.
pub(super) const WANTED: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn builds_take_turns_under_load_and_nothing_is_lost_or_doubled() {
    let cluster = Cluster::start(&["etl-finish"], 4).await;
    let home = home(&cluster);
    home.write("sensors/tables.json", sensor(&["a"]));
    put(&home, "matchers/mine.wasm", &etl_finish(1));
    let mut service = home.serve();
    wait_for("the service to serve", DEADLINE, || {
        service.log().contains("Reading a partition").then_some(()).ok_or(service.log_end())
    });

    let producer = cluster.producer.clone();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let sending = tokio::spawn(send_until(producer, stopped));
    let serving = "SELECT count(*) FROM generations WHERE matcher = 'etl-finish' AND origin LIKE '%mine.wasm'";
    for turn in 0..TURNS {
        let before = home.rows("SELECT ifnull(max(id), 0) FROM matches")[0].parse::<u64>().unwrap();
        put(&home, "matchers/mine.wasm", &etl_finish((turn % 2) as u8 + 2));
        home.wait_for_rows(&mut service, serving, &[&(turn + 2).to_string()]);
        wait_for("messages to be judged by it", DEADLINE, || {
            let sha256 = "SELECT sha256 FROM generations WHERE matcher = 'etl-finish' AND state = 'serving'";
            let by = format!("SELECT count(*) > 20 FROM matches WHERE id > {before} AND sha256 = ({sha256})");
            (home.rows(&by) == ["1"]).then_some(()).ok_or(service.log_end())
        });
    }
    stop.send(()).unwrap();
    let sent = sending.await.unwrap();

    let all: i64 = cluster.ends("etl-finish").iter().map(|(_, end)| end).sum();
    assert_eq!(all as usize, sent);
    home.wait_for_rows(&mut service, "SELECT sum(next) FROM offsets", &[&all.to_string()]);
    let expected = sent.div_ceil(WANTED).to_string();
    assert_eq!(home.rows("SELECT count(*) FROM matches"), std::slice::from_ref(&expected));
    assert_eq!(home.rows("SELECT count(DISTINCT \"partition\" || '/' || \"offset\") FROM matches"), [expected]);
    assert_eq!(home.rows("SELECT count(*) FROM dead_letters"), ["0"]);
    let builds: usize = home.rows("SELECT count(DISTINCT sha256) FROM matches")[0].parse().unwrap();
    assert!(builds >= 2, "{builds} builds own matches");
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    report(&home, sent);
    fs::remove_file(home.path("matchers/mine.wasm")).unwrap();
}

/// Sends messages at the rate until told to stop; the answer is how many.
pub(super) async fn send_until(
    producer: eventlatch::source::Producer,
    mut stopped: tokio::sync::oneshot::Receiver<()>,
) -> usize {
    let mut tick = tokio::time::interval(Duration::from_secs(1) * BURST as u32 / RATE as u32);
    let mut sent = 0;
    let (wanted, unwanted) = (table_written("a").to_string(), table_written("other").to_string());
    while stopped.try_recv().is_err() {
        tick.tick().await;
        let value = |number: usize| if number.is_multiple_of(WANTED) { wanted.clone() } else { unwanted.clone() };
        let keyed = |number: usize| eventlatch::source::Outgoing {
            key: Some(number.to_string().into()),
            ..message("etl-finish", value(number))
        };
        producer.send_all((sent..sent + BURST).map(keyed)).await.unwrap();
        sent += BURST;
    }
    sent
}

/// Says how long recording paused where the build changed, beside how long it usually does. Figures, no judgement: they
/// depend on the machine.
fn report(home: &eventlatch_tests::home::Home, sent: usize) {
    let gaps = "WITH batches AS (SELECT recorded_at, max(sha256) AS sha256 FROM matches GROUP BY recorded_at),
                     gaps AS (SELECT (julianday(recorded_at) - julianday(lag(recorded_at) OVER w)) * 86400000 AS ms,
                                     sha256 <> lag(sha256) OVER w AS swap
                                FROM batches WINDOW w AS (ORDER BY recorded_at))
                SELECT cast(round(ms) AS INTEGER) FROM gaps WHERE ms IS NOT NULL AND swap = ";
    for (what, swap) in [("usual", 0), ("where the build changed", 1)] {
        let mut gaps: Vec<u64> = home.rows(&format!("{gaps}{swap}")).iter().map(|ms| ms.parse().unwrap()).collect();
        gaps.sort_unstable();
        let at = |part: f64| gaps.get(((gaps.len() as f64 - 1.0) * part) as usize).copied().unwrap_or_default();
        println!(
            "{sent} messages; gap between batches, {what}: median {} ms, 99 of 100 below {} ms, longest {} ms, of {}",
            at(0.5),
            at(0.99),
            at(1.0),
            gaps.len()
        );
    }
}
