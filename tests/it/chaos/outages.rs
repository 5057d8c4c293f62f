//! The broker is killed and comes back, and is away for a while.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{readyz, scale, trial::Trial};

/// An outage takes about so long: to be noticed, to start the broker, to be noticed again.
const PACE: Duration = Duration::from_secs(5);

/// How often `/readyz` is asked while the broker is away.
const LOOK: Duration = Duration::from_millis(200);

#[tokio::test(flavor = "multi_thread")]
async fn reading_goes_on_by_itself_after_every_outage_of_the_broker() {
    let (outages, away) = (scale::number("OUTAGES", 1, 10), scale::seconds("AWAY", 2, 120));
    let lasting = PACE * (outages as u32 + 1) + 2 * away;
    let mut trial = Trial::begin(lasting, scale::seed(), "").await;
    tokio::task::block_in_place(|| {
        absent_at_start(&mut trial, away);
        for number in 0..outages {
            trial.wait_for_progress();
            // The middle one is long.
            let away = if number == outages / 2 { away } else { Duration::ZERO };
            outage(&mut trial, away);
        }
    });
    let faults = format!("{outages} kills of the broker, away for {} s at start and once later", away.as_secs());
    trial.end("broker outages", &faults).await;
}

fn absent_at_start(trial: &mut Trial, away: Duration) {
    trial.wait_for_progress();
    let Trial { cluster, service, .. } = trial;
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    cluster.while_away(|| {
        service.start_again();
        missed_for(&service.url(), away);
    });
    let back = Instant::now();
    readyz::wait_until_ready(&service.url());
    println!("ready {:.1?} after the broker", back.elapsed());
    trial.wait_for_progress();
    println!("reading {:.1?} after the broker", back.elapsed());
}

fn outage(trial: &mut Trial, away: Duration) {
    let url = trial.service.url();
    readyz::wait_until_ready(&url);
    trial.cluster.while_away(|| missed_for(&url, away));
    let back = Instant::now();
    readyz::wait_until_ready(&url);
    println!("ready {:.1?} after the broker", back.elapsed());
    trial.wait_for_progress();
    println!("reading {:.1?} after the broker", back.elapsed());
    assert!(trial.service.ended().is_none(), "the service has ended by itself:\n{}", trial.service.log_end());
}

/// Once it was noticed the truth is told all the time long.
fn missed_for(url: &str, away: Duration) {
    let gone = Instant::now();
    readyz::wait_until_kafka_is_missed(url);
    println!("missed after {:.1?}", gone.elapsed());
    let until = Instant::now() + away;
    while Instant::now() < until {
        let (ready, parts) = readyz::ask(url).unwrap();
        assert!(!ready, "no broker is there, and the service says that it is ready: {parts}");
        thread::sleep(LOOK);
    }
}
