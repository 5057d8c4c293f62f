//! What a batch of messages comes to: keys, join, last word. Pure, on one worker thread.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::{distinct, keeping::Keeping};
use crate::{
    domain::{
        calendar::Calendar,
        dead_letter::{Cause, DeadLetter, DeadLetterKind},
        difference::Said,
        message::{Message, Slice},
        recording::{Carried, JudgedBy, Match, NearMiss, Sighting},
    },
    matcher::{Candidate, EventTime, Extraction, Fault, GaveUp, Generation, Moment, SetAside, Verdict, Why, Worker},
    sensor::{CalendarDays, DayIndex, Entry, Index},
    telemetry::metrics::Evaluating,
};

/// A message of one of the slices of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub slice: usize,
    pub message: usize,
}

/// Messages of one topic, to be evaluated together by one matcher.
#[derive(Clone)]
pub struct Portion {
    pub slices: Arc<Vec<Slice>>,
    pub topic: Arc<str>,
    pub places: Vec<Place>,
    pub index: Arc<Index>,
    pub generation: Arc<Generation>,
    /// What is kept of messages that are set aside.
    pub keeping: Arc<Keeping>,
}

impl Portion {
    /// Some of its messages, in their order.
    pub(super) fn of(&self, places: &HashSet<Place>) -> Self {
        let places = self.places.iter().copied().filter(|place| places.contains(place)).collect();
        Self { places, ..self.clone() }
    }
}

/// What follows from one message, with its place.
pub type Finding = (Place, Found);

/// What follows from a message.
#[derive(Debug)]
pub enum Found {
    Match(Match),
    NearMiss(NearMiss),
    DeadLetter(DeadLetter),
}

/// Evaluates a portion. The renderings of all its arrivals must be in the index.
pub fn evaluate(worker: &mut Worker, portion: &Portion) -> Result<Vec<Finding>, GaveUp> {
    let evaluating = Evaluating::begin();
    let judged = Judging::new(portion).judge(worker);
    evaluating.end(portion.generation.name(), portion.generation.sha256());
    judged
}

/// What a matcher says of each message of a portion that it gets to see. The renderings of all its arrivals must be in the
/// index.
pub(super) fn said(worker: &mut Worker, portion: &Portion) -> Result<HashMap<Place, Said>, GaveUp> {
    Judging::new(portion).said(worker)
}

/// One matcher at work on one portion.
struct Judging<'a> {
    portion: &'a Portion,
    generation: &'a Arc<Generation>,
    by: JudgedBy,
    places: Vec<Place>,
    messages: Vec<&'a Message>,
}

/// All that a matcher says of a portion.
struct Heard<'a> {
    extraction: Extraction,
    /// In the order of the messages, with a verdict on each.
    hits: Vec<Hit<'a>>,
    verdicts: Vec<Verdict>,
}

/// A message that has the key of a rendering.
struct Hit<'a> {
    message: usize,
    entry: Entry,
    token: &'a [u8],
    /// The names of the fields whose values are counted, where they are.
    distinct: Option<&'a [u8]>,
    day: &'a DayIndex,
    calendar: &'a Calendar,
    event_time: Option<Moment>,
}

impl<'a> Judging<'a> {
    fn new(portion: &'a Portion) -> Self {
        let generation = &portion.generation;
        let message = |place: &Place| &portion.slices[place.slice].messages[place.message];
        let seen = |place: &Place| generation.takes_tombstones() || message(place).value.is_some();
        let places: Vec<_> = portion.places.iter().copied().filter(seen).collect();
        let messages = places.iter().map(message).collect();
        let by = JudgedBy { matcher: Arc::clone(generation.name()), sha256: Arc::clone(generation.sha256()) };
        Self { portion, generation, by, places, messages }
    }

    fn judge(&self, worker: &mut Worker) -> Result<Vec<Finding>, GaveUp> {
        let Heard { extraction, hits, verdicts } = self.hear(worker)?;
        let set_aside = extraction.set_aside.iter().map(|it| (self.places[it.message], self.set_aside(it)));
        let found =
            hits.iter().zip(verdicts).map(|(hit, verdict)| (self.places[hit.message], self.found(hit, verdict)));
        Ok(set_aside.chain(found).collect())
    }

    /// Has the matcher say all that it has to.
    fn hear(&self, worker: &mut Worker) -> Result<Heard<'a>, GaveUp> {
        let extraction = worker.extract(self.generation, &self.portion.topic, &self.messages)?;
        let mut hits = Vec::new();
        let keys: Vec<_> = extraction.keys().collect();
        for days in &self.portion.index.calendars {
            self.join(days, &extraction, &keys, &mut hits);
        }
        // The order of the messages, whatever the calendars; a stable sort keeps the rest.
        hits.sort_by_key(|hit| hit.message);
        let candidates: Vec<_> = hits.iter().map(|hit| self.candidate(hit)).collect();
        let verdicts = worker.confirm(self.generation, &candidates)?;
        Ok(Heard { extraction, hits, verdicts })
    }

    fn said(&self, worker: &mut Worker) -> Result<HashMap<Place, Said>, GaveUp> {
        let Heard { extraction, hits, verdicts } = self.hear(worker)?;
        let mut said: HashMap<_, Said> = self.places.iter().map(|place| (*place, Said::default())).collect();
        let mut note = |message: usize, note: &mut dyn FnMut(&mut Said)| {
            said.entry(self.places[message]).and_modify(note);
        };
        for (message, key) in extraction.keys() {
            note(message, &mut |said| {
                said.keys.insert(key.to_owned());
            });
        }
        for it in &extraction.set_aside {
            let (kind, reason) = match &it.why {
                Why::Rejected(reason) => (DeadLetterKind::Reject, reason.clone()),
                Why::Faulted(fault) => (DeadLetterKind::Fault, fault.to_string()),
            };
            note(it.message, &mut |said| said.set_aside = Some((kind, reason.clone())));
        }
        for (hit, verdict) in hits.iter().zip(verdicts) {
            note(hit.message, &mut |said| match &verdict {
                Verdict::Fulfilled => {
                    said.fulfilled.insert(hit.entry.wanted);
                }
                Verdict::Refused(reason) => {
                    said.refused.insert(hit.entry.wanted, reason.clone());
                }
                Verdict::Faulted(fault) => said.set_aside = Some((DeadLetterKind::Fault, fault.to_string())),
            });
        }
        Ok(said)
    }

    /// Finds who wants the messages, in one calendar. Keys of one day are looked up together.
    fn join(&self, days: &'a CalendarDays, extraction: &Extraction, keys: &[(usize, &[u8])], hits: &mut Vec<Hit<'a>>) {
        let arrival = |message: usize| self.messages[message].arrival;
        let mut rest = keys;
        while let Some((message, _)) = rest.first() {
            let Some(day) = days.at(arrival(*message)) else {
                rest = &rest[1..];
                continue;
            };
            let of_day = rest.iter().take_while(|(message, _)| day.contains(arrival(*message)));
            let (keys, others) = rest.split_at(of_day.count());
            rest = others;
            let Some(table) = day.table(&self.portion.topic, self.generation.id) else {
                continue;
            };
            let calendar = &days.calendar;
            table.find_all(keys, |message, entry, token| {
                let time = extraction.event_time(message);
                let event_time = time.map(|time| resolve(time, calendar, day));
                let (token, fields) = if entry.distinct { distinct::split(token) } else { (token, [].as_slice()) };
                let distinct = entry.distinct.then_some(fields);
                let hit = Hit { message, entry, token, distinct, day, calendar, event_time };
                add(hits, hit);
            });
        }
    }

    fn candidate<'b>(&'b self, hit: &Hit<'b>) -> Candidate<'b> {
        let message = self.messages[hit.message];
        let arrival = moment(message.arrival, hit.calendar, hit.day);
        Candidate { topic: &self.portion.topic, message, event_time: hit.event_time, arrival, token: hit.token }
    }

    fn found(&self, hit: &Hit<'_>, verdict: Verdict) -> Found {
        let by = self.by.clone();
        match verdict {
            Verdict::Fulfilled => {
                let message = self.messages[hit.message];
                let distinct = hit.distinct.map(|fields| distinct::values(fields, message.value.as_deref()));
                Found::Match(Match { sighting: self.sighting(hit), distinct, carried: Carried::by(message), by })
            }
            Verdict::Refused(reason) => Found::NearMiss(NearMiss { sighting: self.sighting(hit), by, reason }),
            Verdict::Faulted(fault) => self.faulted(hit.message, &fault),
        }
    }

    fn sighting(&self, hit: &Hit<'_>) -> Sighting {
        let message = self.messages[hit.message];
        Sighting {
            offset: message.offset,
            arrival: message.arrival,
            event_time: hit.event_time.map(|moment| moment.instant),
            wanted: hit.entry.wanted,
            rendering: hit.entry.rendering,
            business_date: hit.day.date,
            window: hit.day.window(hit.entry.frequency, message.arrival, hit.calendar),
        }
    }

    fn set_aside(&self, set_aside: &SetAside) -> Found {
        match &set_aside.why {
            Why::Rejected(reason) => self.dead_letter(set_aside.message, Cause::Reject, reason.clone()),
            Why::Faulted(fault) => self.faulted(set_aside.message, fault),
        }
    }

    fn faulted(&self, message: usize, fault: &Fault) -> Found {
        let cause = Cause::Fault { word: fault.kind.word().into(), backtrace: fault.backtrace.clone() };
        self.dead_letter(message, cause, fault.to_string())
    }

    fn dead_letter(&self, message: usize, cause: Cause, reason: String) -> Found {
        let message = self.messages[message];
        let (kept, reason) = self.portion.keeping.keep(message, reason);
        let (offset, arrival, by) = (message.offset, message.arrival, self.by.clone());
        let forward = self.portion.keeping.forward(message);
        Found::DeadLetter(DeadLetter { offset, arrival, kept, cause, reason, by, forward })
    }
}

/// Adds a hit, unless it is there: a rendering may wait for several keys of which a message carries more than one.
fn add<'a>(hits: &mut Vec<Hit<'a>>, hit: Hit<'a>) {
    let of_message = hits.iter().rev().take_while(|earlier| earlier.message == hit.message);
    let mut renderings = of_message.map(|earlier| (earlier.entry.wanted, earlier.entry.rendering));
    if !hit.entry.several_keys || !renderings.any(|it| it == (hit.entry.wanted, hit.entry.rendering)) {
        hits.push(hit);
    }
}

/// An event time as the sensors of a calendar see it.
fn resolve(time: EventTime, calendar: &Calendar, day: &DayIndex) -> Moment {
    match time {
        EventTime::Instant(instant) => moment(instant, calendar, day),
        EventTime::Civil(civil) => moment(calendar.instant_of(civil), calendar, day),
    }
}

/// An instant as the sensors of a calendar see it; `day` is a good guess of its business day.
fn moment(instant: Timestamp, calendar: &Calendar, day: &DayIndex) -> Moment {
    let business_date = if day.contains(instant) { day.date } else { calendar.business_date(instant) };
    Moment { instant, civil: calendar.civil_of(instant), business_date }
}
