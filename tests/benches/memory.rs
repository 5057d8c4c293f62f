//! What the service holds and how soon it is there: memory of a million wanted messages, memory of an idle service, time
//! from its start until it reads. Absolute figures of this machine; there is no peer to divide by.

#[path = "support/fixture.rs"]
mod fixture;
#[path = "support/process.rs"]
mod process;
#[path = "support/spread.rs"]
mod spread;
#[path = "support/wanted.rs"]
mod wanted;

use std::{hint::black_box, process::Command, time::Duration};

use eventlatch::source::Mock;
use process::{Directory, Memory, Running};
use spread::Spread;

const WANTED: u64 = 1_000_000;

/// The argument with which this bench starts itself, to measure in a process of its own.
const INDEX: &str = "index";

/// So many starts with compiled matchers in the cache, and as many without.
const STARTS: usize = 10;

/// How long a service is left alone before it counts as idle.
const SETTLED: Duration = Duration::from_secs(2);

fn main() {
    if std::env::args().nth(1).as_deref() == Some(INDEX) {
        return index();
    }
    println!("memory: figures of this machine only");
    let index = Command::new(std::env::current_exe().expect("this bench has a path")).arg(INDEX).status();
    assert!(index.expect("this bench starts again").success());
    idle();
    starts();
}

/// What the index takes beside what the process had.
fn index() {
    fixture::on_worker(|worker, matcher| {
        drop(wanted::index(worker, matcher, 1_000));
        let before = Memory::of_this_process();
        let index = wanted::index(worker, matcher, WANTED);
        let after = Memory::of_this_process();
        println!(
            "  {WANTED} wanted messages in the index: {} MB resident growth, goal 400 MB or less; {} MB at the most while it was made",
            (after.resident - before.resident) / 1_000,
            (after.peak - before.resident) / 1_000,
        );
        black_box(index);
    });
}

fn idle() {
    let directory = Directory::new(None);
    report_idle("standard input, having compiled", Running::on_stdin(&directory));
    report_idle("standard input", Running::on_stdin(&directory));
    let cluster = Mock::start(&[(fixture::TOPIC, 2)]).expect("the cluster starts");
    let directory = Directory::new(Some(cluster.brokers()));
    drop(Running::on_kafka(&directory));
    report_idle("a Kafka cluster of one broker", Running::on_kafka(&directory));
}

fn report_idle(what: &str, running: Running) {
    std::thread::sleep(SETTLED);
    let Memory { resident, anonymous, .. } = running.memory();
    println!(
        "  idle on {what}: {} MB resident, {} MB of it its own and not of the binary's file",
        resident / 1_000,
        anonymous / 1_000
    );
}

/// With and without compiled matchers, in turn.
fn starts() {
    let directory = Directory::new(None);
    let (mut warm, mut cold) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        directory.forget_compiled();
        cold.push(Running::on_stdin(&directory).ready_after);
        warm.push(Running::on_stdin(&directory).ready_after);
    }
    for (what, times) in [("compiled matchers", warm), ("none", cold)] {
        let spread = Spread::of(times.iter().map(|time| time.as_secs_f64() * 1_000.0));
        println!(
            "  from start to reading, {what} in the cache: {:.0} ms ({:.0}–{:.0})",
            spread.median, spread.low, spread.high
        );
    }
}
