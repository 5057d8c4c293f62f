//! What a message costs from its bytes to what follows from it, by how many messages are wanted: keys, join, last word.
//!
//! Wanted messages are met uniformly at random, and messages are new in every turn, so that nothing but the index's own
//! size decides what the caches hold. Half of the messages are wanted; it is asserted that they and no others match.

#[path = "support/fixture.rs"]
mod fixture;
#[path = "support/messages.rs"]
mod messages;
#[path = "support/ratio.rs"]
mod ratio;
#[path = "support/spread.rs"]
mod spread;
#[path = "support/timing.rs"]
mod timing;
#[path = "support/wanted.rs"]
mod wanted;

use std::sync::Arc;

use eventlatch::{
    domain::message::{Before, Message, Partition, Slice, Span},
    matcher::Generation,
    pipeline::evaluate::{Finding, Found, Place, Portion, evaluate},
    sensor::Index,
};
use fixture::TOPIC;
use messages::Random;
use ratio::{Rounds, times};
use timing::time;

const WANTED: [u64; 4] = [10, 1_000, 100_000, 1_000_000];
const ROUNDS: usize = 300;

/// So many messages are evaluated together.
const PORTION: usize = 1024;

/// So many portions in each turn.
const PORTIONS: usize = 4;

fn main() {
    println!("join: time of a message relative to 10 wanted messages; goal 1.20x or less for a million");
    fixture::on_worker(|worker, matcher| {
        let indexes = WANTED.map(|count| Arc::new(wanted::index(worker, matcher, count)));
        let mut random = Random(1);
        let rounds = Rounds::run(ROUNDS, WANTED.len(), |contestant| {
            let turn = Turn::new(WANTED[contestant], &mut random);
            let portions = turn.portions(&indexes[contestant], matcher);
            let (time, findings) = time(|| {
                let evaluated = portions.iter().map(|portion| evaluate(worker, portion).expect("nothing is given up"));
                evaluated.collect::<Vec<_>>()
            });
            turn.assert_found(&findings);
            time
        });
        for (contestant, count) in WANTED.iter().enumerate() {
            println!(
                "  {count:9} wanted: {} | aside: {:.0} ns a message",
                times(&rounds.ratio(contestant, 0)),
                rounds.nanoseconds(contestant, PORTION * PORTIONS)
            );
        }
    });
}

/// The messages of one turn, and which wanted message each fulfils.
struct Turn {
    portions: Vec<(Vec<Message>, Vec<Option<u64>>)>,
}

impl Turn {
    fn new(wanted: u64, random: &mut Random) -> Self {
        let mut portion = || (0..PORTION).map(|offset| message(offset, wanted, random)).unzip();
        Self { portions: (0..PORTIONS).map(|_| portion()).collect() }
    }

    fn portions(&self, index: &Arc<Index>, matcher: &Arc<Generation>) -> Vec<Portion> {
        let portion = |messages: &Vec<Message>| Portion {
            slices: Arc::new(vec![slice(messages.clone())]),
            topic: TOPIC.into(),
            places: (0..messages.len()).map(|message| Place { slice: 0, message }).collect(),
            index: Arc::clone(index),
            generation: Arc::clone(matcher),
            keeping: Arc::default(),
        };
        self.portions.iter().map(|(messages, _)| portion(messages)).collect()
    }

    fn assert_found(&self, findings: &[Vec<Finding>]) {
        for ((_, expected), findings) in self.portions.iter().zip(findings) {
            let mut found = vec![None; PORTION];
            for (place, finding) in findings {
                let Found::Match(it) = finding else {
                    panic!("{finding:?} is no match");
                };
                let earlier = found[place.message].replace(it.sighting.wanted.0 as u64);
                assert!(earlier.is_none(), "a message matches twice");
            }
            assert!(found == *expected, "other messages match than should");
        }
    }
}

/// A message that one of so many wanted messages waits for, or, as often, none.
fn message(offset: usize, wanted: u64, random: &mut Random) -> (Message, Option<u64>) {
    let hit = random.below(2) == 0;
    let number = random.below(wanted);
    let table = wanted::table(if hit { number } else { number + 10_000_000 });
    let value = messages::value(&wanted::db(number), &table, wanted::PARTITION, number);
    (messages::message(offset as i64, value), hit.then_some(number))
}

fn slice(messages: Vec<Message>) -> Slice {
    Slice {
        partition: Partition { cluster: "bench".into(), topic: TOPIC.into(), number: 0, epoch: 0 },
        span: Span { from: Before::At(0), to: messages.len() as i64 },
        messages,
    }
}
