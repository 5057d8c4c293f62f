//! Killed again and again under load.

use std::time::{Duration, Instant};

use super::{
    SHORT_SESSION,
    effects::{Outside, Promise},
    load::BURST,
    scale,
    trial::{Trial, total},
};

/// So long messages are sent for each kill, and for so many more: pauses differ.
const PACE: Duration = Duration::from_millis(2_500);
const MORE: usize = 2;

/// Before a kill on average: shorter, so that messages are sent until the last one.
const PAUSE: Duration = Duration::from_millis(1_700);

/// Every second kill comes within so long of the first thing that was recorded, if that comes soon: messages are sent for
/// [`PACE`] only, and without any a kill shows nothing.
const AT_WORK: Duration = Duration::from_millis(500);
const STARTED: Duration = Duration::from_secs(5);

/// Of the kills at least two of three must find messages that were not recorded yet.
const LAGGING: (usize, usize) = (2, 3);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_by_kills() {
    kills(Promise::Exact, Outside::webhook(), scale::number("KILLS", 8, 200)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_by_kills_with_at_least_once() {
    kills(Promise::NoneLost, Outside::Table, scale::number("KILLS", 4, 200)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_doubled_by_kills_with_at_most_once() {
    kills(Promise::NeverTwice, Outside::Table, scale::number("KILLS", 4, 200)).await;
}

async fn kills(promise: Promise, outside: Outside, number: usize) {
    let (seed, config) = (scale::seed(), format!("[kafka]\ndelivery = \"{}\"\n{SHORT_SESSION}", promise.key()));
    let mut trial = Trial::begin_with(outside, PACE * (number + MORE) as u32, seed, &config).await;
    let mut random = fastrand::Rng::with_seed(seed);
    let kills = tokio::task::block_in_place(|| kill_repeatedly(&mut trial, number, &mut random));
    let faults = format!("{} kills, {} on a lag, {} at work", kills.all, kills.with_lag, kills.at_work);
    trial.end_with(promise, &format!("kill -9, {}", promise.key()), &faults).await;
    let (some, of) = LAGGING;
    assert!(kills.with_lag * of >= kills.all * some, "too few kills on a lag to mean anything: {kills:?}");
}

#[derive(Debug, Default)]
struct Kills {
    all: usize,
    /// Messages were in Kafka that were not recorded.
    with_lag: usize,
    /// The service had recorded messages since its last start.
    at_work: usize,
}

/// Kills and restarts at random moments.
fn kill_repeatedly(trial: &mut Trial, number: usize, random: &mut fastrand::Rng) -> Kills {
    let mut kills = Kills::default();
    while kills.all < number {
        let before = trial.stored();
        if kills.all.is_multiple_of(2) {
            std::thread::sleep(PAUSE.mul_f64(2.0 * random.f64()));
        } else {
            wait_for_work(trial, &before);
            std::thread::sleep(AT_WORK.mul_f64(random.f64()));
        }
        let service = &mut trial.service;
        assert!(service.ended().is_none(), "the service has ended by itself:\n{}", service.log_end());
        stop_on_a_lag(trial);
        // The high watermarks are together at least this, and nothing is recorded after the kill: so is the lag.
        let sent = trial.acknowledged();
        trial.service.kill();
        let stored = trial.stored();
        kills.all += 1;
        kills.with_lag += usize::from(sent > total(&stored));
        kills.at_work += usize::from(stored != before);
        trial.service.start_again();
    }
    kills
}

/// Where it takes long to start every kill would meet it before it has done anything.
fn wait_for_work(trial: &Trial, before: &[String]) {
    let until = Instant::now() + STARTED;
    while trial.stored() == before && Instant::now() < until {
        std::thread::sleep(AT_WORK / 20);
    }
}

/// The service is quick: most of the time nothing waits for it, and a kill then shows little. So it is stopped at the next
/// moment at which something does: it would be done with it before the kill. When nothing is sent any more there is none.
fn stop_on_a_lag(trial: &Trial) {
    let until = Instant::now() + Duration::from_millis(500);
    loop {
        while trial.lag().is_none_or(|lag| lag < BURST as i64 / 5) && Instant::now() < until {
            std::thread::yield_now();
        }
        trial.service.signal("STOP");
        if trial.lag().is_some_and(|lag| lag > 0) || Instant::now() >= until {
            break;
        }
        trial.service.signal("CONT");
    }
}
