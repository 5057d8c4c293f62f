//! The rule of `etl-finish` as others would have it: native Rust, components of several languages in eventlatch's sandbox, an
//! Extism plug-in; and finding who wants a message with quamina. All take turns in one run on one thread; what counts is how
//! they compare within each round. That they find the same is asserted.

#[path = "support/component.rs"]
mod component;
#[path = "support/contestant.rs"]
mod contestant;
#[path = "support/extism.rs"]
mod extism_plugin;
#[path = "support/join.rs"]
mod join;
#[path = "../../benches/support/messages.rs"]
mod messages;
#[path = "../../benches/support/native.rs"]
mod native;
#[path = "support/native_rule.rs"]
mod native_rule;
#[path = "../../benches/support/ratio.rs"]
mod ratio;
#[path = "../../benches/support/spread.rs"]
mod spread;
#[path = "../../benches/support/timing.rs"]
mod timing;

use std::hint::black_box;

use eventlatch::{domain::message::Message, matcher::Worker};

use component::Component;
use contestant::Judge;
use extism_plugin::Plugin;
use messages::Random;
use native_rule::Native;
use ratio::{Rounds, times};
use timing::time;

const BATCHES: [usize; 3] = [1, 64, 1_000];
const ROUNDS: usize = 100;

/// So many messages in each turn, in as many batches as it takes.
const TURN: usize = 1_000;

/// Of batches of one so many: some contestants take long over a call.
const TURN_OF_ONE: usize = 100;

/// So many messages are wanted; half of those that come are.
const WANTED: u64 = 10;

fn main() {
    component::on_worker(|worker, components| {
        rule(worker, &components);
        join::measure(worker, &components[0]);
    });
}

fn rule(worker: &mut Worker, components: &[Component]) {
    println!("rule: keys and verdict of messages of 215 bytes, time relative to native Rust with serde_json");
    let mut judges = vec![Judge::new(Box::new(Native), worker, WANTED)];
    for component in components {
        judges.push(Judge::new(Box::new(component.clone()), worker, WANTED));
    }
    judges.push(Judge::new(Box::new(Plugin::load()), worker, WANTED));
    let messages = messages_of(WANTED);
    let messages: Vec<_> = messages.iter().collect();
    for batch in BATCHES {
        let turn = if batch == 1 { &messages[..TURN_OF_ONE] } else { &messages[..] };
        let expected = judges[0].judge_all(worker, turn, batch);
        assert_eq!(expected.len(), turn.len() / 2, "half of the messages are wanted");
        let rounds = Rounds::run(ROUNDS, judges.len(), |contestant| {
            let (time, found) = time(|| black_box(judges[contestant].judge_all(worker, turn, batch)));
            assert!(found == expected, "{} finds something else", judges[contestant].name());
            time
        });
        println!("  batches of {batch}");
        for (contestant, judge) in judges.iter().enumerate() {
            let (ratio, nanoseconds) = (rounds.ratio(contestant, 0), rounds.nanoseconds(contestant, turn.len()));
            println!("    {:24} {:28} | aside: {nanoseconds:.0} ns a message", judge.name(), times(&ratio));
        }
    }
}

/// Messages of which every other one is wanted.
fn messages_of(wanted: u64) -> Vec<Message> {
    let mut random = Random(1);
    (0..TURN as u64)
        .map(|number| {
            let wanted = random.below(wanted);
            let table = contestant::table(if number % 2 == 0 { wanted } else { wanted + 10_000_000 });
            let value = messages::value(&contestant::db(wanted), &table, contestant::PARTITION, number);
            messages::message(number as i64, value)
        })
        .collect()
}
