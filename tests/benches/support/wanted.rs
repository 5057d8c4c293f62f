//! Many wanted messages, prepared by the matcher, and an index that holds them.

use std::{collections::HashMap, sync::Arc};

use eventlatch::{
    domain::{
        calendar::Calendar,
        wanted::{RenderingId, WantedId},
        window::Frequency,
    },
    matcher::{Generation, Worker},
    sensor::{DayIndex, Entry, Index, TableBuilder},
};
use jiff::{civil::Date, tz::TimeZone};

use crate::fixture::TOPIC;

/// The business date that they are prepared for.
const DATE: Date = jiff::civil::date(2019, 7, 7);

/// The partition that all of them want.
pub(crate) const PARTITION: &str = "201907";

/// So many are prepared at a time, as the service does.
const PAGE: u64 = 1_000;

pub(crate) fn db(number: u64) -> String {
    format!("db{:02}", number % 100)
}

pub(crate) fn table(number: u64) -> String {
    format!("table{number:08}")
}

/// An index over wanted messages 0 to `count`.
pub(crate) fn index(worker: &mut Worker, matcher: &Arc<Generation>, count: u64) -> Index {
    let mut builder = TableBuilder::default();
    for first in (0..count).step_by(PAGE as usize) {
        let numbers = first..count.min(first + PAGE);
        let texts: Vec<_> = numbers.clone().map(text).collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let answers = worker.prepare(matcher, &texts, DATE).expect("the matcher answers");
        for (number, prepared) in numbers.zip(answers) {
            let prepared = prepared.expect("the wanted message is sound");
            for key in &prepared.keys {
                builder.add(key, &prepared.token, entry(number));
            }
        }
    }
    let calendar = Calendar::new(TimeZone::UTC, 0);
    let tables = HashMap::from([((Arc::from(TOPIC), matcher.id), Arc::new(builder.build()))]);
    let day = Arc::new(DayIndex::new(&calendar, DATE, tables));
    Index::new(vec![calendar.clone()], [(Arc::from(TOPIC), Arc::clone(matcher.name()))]).with_day(&calendar, &day)
}

fn text(number: u64) -> String {
    let (db, table) = (db(number), table(number));
    format!(r#"{{"db":"{db}","table":"{table}","partition_values":"{PARTITION}"}}"#)
}

fn entry(number: u64) -> Entry {
    Entry {
        wanted: WantedId(number as i64),
        rendering: RenderingId(number as i64),
        frequency: Frequency::Day,
        several_keys: false,
        distinct: false,
    }
}
