//! Finding who wants a message: eventlatch's keys and index against quamina's automaton, by how many messages are wanted.
//!
//! quamina finds equal fields and has no last word: that the business day is the same only eventlatch finds out.

use std::{collections::HashMap, hint::black_box, sync::Arc};

use eventlatch::{
    domain::{
        calendar::Calendar,
        message::{Before, Message, Partition, Slice, Span},
        wanted::{RenderingId, WantedId},
        window::Frequency,
    },
    matcher::Worker,
    pipeline::evaluate::{Found, Place, Portion, evaluate},
    sensor::{DayIndex, Entry, Index, TableBuilder},
};
use jiff::tz::TimeZone;
use quamina::Quamina;

use crate::{
    TURN,
    component::Component,
    contestant::{Contestant, DATE, PARTITION, TOPIC, Wanted, db, table},
    messages_of,
    ratio::{Rounds, times},
    timing::time,
};

const WANTED: [u64; 2] = [10, 1_000];
const ROUNDS: usize = 100;

pub(crate) fn measure(worker: &mut Worker, component: &Component) {
    println!("join: from the bytes of a message to who wants it, quamina's time relative to eventlatch's");
    for count in WANTED {
        let (messages, quamina) = (messages_of(count), quamina(count));
        let portion = portion(worker, component, count, &messages);
        let expected = evaluated(worker, &portion);
        assert_eq!(expected.len(), TURN / 2, "half of the messages are wanted");
        let rounds = Rounds::run(ROUNDS, 2, |contestant| {
            let (time, found) = time(|| {
                black_box(if contestant == 0 { evaluated(worker, &portion) } else { matched(&quamina, &messages) })
            });
            assert!(found == expected, "they find others");
            time
        });
        println!(
            "    {count:5} wanted: {} | aside: eventlatch {:.0} ns, quamina {:.0} ns a message",
            times(&rounds.ratio(1, 0)),
            rounds.nanoseconds(0, TURN),
            rounds.nanoseconds(1, TURN),
        );
    }
}

fn quamina(count: u64) -> Quamina<u64> {
    let mut quamina = Quamina::new();
    for number in 0..count {
        let (db, table) = (db(number), table(number));
        let pattern = format!(r#"{{"db":["{db}"],"table":["{table}"],"partition_values":["{PARTITION}"]}}"#);
        quamina.add_pattern(number, &pattern).expect("the pattern is sound");
    }
    quamina
}

fn matched(quamina: &Quamina<u64>, messages: &[Message]) -> Vec<(usize, u64)> {
    let mut found = Vec::new();
    for (number, message) in messages.iter().enumerate() {
        let matches = quamina.matches_for_event(message.value.as_deref().unwrap_or_default());
        found.extend(matches.expect("the message is sound").into_iter().map(|wanted| (number, wanted)));
    }
    found
}

fn evaluated(worker: &mut Worker, portion: &Portion) -> Vec<(usize, u64)> {
    let findings = evaluate(worker, portion).expect("nothing is given up");
    let found = findings.into_iter().map(|(place, found)| match found {
        Found::Match(it) => (place.message, it.sighting.wanted.0 as u64),
        other => panic!("{other:?} is no match"),
    });
    found.collect()
}

fn portion(worker: &mut Worker, component: &Component, count: u64, messages: &[Message]) -> Portion {
    let mut builder = TableBuilder::default();
    for (number, Wanted { key, token }) in (0..).zip(component.clone().prepare(worker, count)) {
        builder.add(&key, &token, entry(number));
    }
    let (generation, calendar) = (&component.generation, Calendar::new(TimeZone::UTC, 0));
    let tables = HashMap::from([((Arc::from(TOPIC), generation.id), Arc::new(builder.build()))]);
    let day = Arc::new(DayIndex::new(&calendar, DATE, tables));
    let index = Index::new(vec![calendar.clone()], [(Arc::from(TOPIC), Arc::clone(generation.name()))]);
    Portion {
        slices: Arc::new(vec![slice(messages.to_vec())]),
        topic: TOPIC.into(),
        places: (0..messages.len()).map(|message| Place { slice: 0, message }).collect(),
        index: Arc::new(index.with_day(&calendar, &day)),
        generation: Arc::clone(generation),
        keeping: Arc::default(),
    }
}

fn entry(number: i64) -> Entry {
    Entry {
        wanted: WantedId(number),
        rendering: RenderingId(number),
        frequency: Frequency::Day,
        several_keys: false,
        distinct: false,
    }
}

fn slice(messages: Vec<Message>) -> Slice {
    Slice {
        partition: Partition { cluster: "bench".into(), topic: TOPIC.into(), number: 0, epoch: 0 },
        span: Span { from: Before::At(0), to: messages.len() as i64 },
        messages,
    }
}
