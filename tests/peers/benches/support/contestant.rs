//! Whoever knows the rule, and the host's part that is the same for all of them: the join by key.

use std::collections::HashMap;

use eventlatch::{
    domain::{calendar::Calendar, message::Message},
    matcher::{Candidate, Moment, Worker},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

pub(crate) const TOPIC: &str = "etl-finish";

/// The partition that all wanted messages are about.
pub(crate) const PARTITION: &str = "201907";

/// The business date on which messages arrive.
pub(crate) const DATE: Date = jiff::civil::date(2019, 7, 7);

pub(crate) fn db(number: u64) -> String {
    format!("db{:02}", number % 100)
}

pub(crate) fn table(number: u64) -> String {
    format!("table{number:08}")
}

/// A key that a wanted message waits for, and what is handed back with a candidate.
pub(crate) struct Wanted {
    pub(crate) key: Vec<u8>,
    pub(crate) token: Vec<u8>,
}

/// Whoever knows the rule of `etl-finish`.
pub(crate) trait Contestant {
    fn name(&self) -> String;

    /// The keys of wanted messages 0 to `count`, in their order.
    fn prepare(&mut self, worker: &mut Worker, count: u64) -> Vec<Wanted>;

    /// The keys of messages, each with the place of its message, and when each of them happened.
    fn extract(
        &mut self,
        worker: &mut Worker,
        messages: &[&Message],
        found: &mut dyn FnMut(usize, &[u8]),
    ) -> Vec<Option<Timestamp>>;

    /// Whether each candidate fulfils.
    fn confirm(&mut self, worker: &mut Worker, candidates: &[Candidate<'_>]) -> Vec<bool>;
}

/// A contestant with what is wanted.
pub(crate) struct Judge {
    contestant: Box<dyn Contestant>,
    wanted: HashMap<Vec<u8>, (u64, Vec<u8>)>,
    calendar: Calendar,
}

impl Judge {
    pub(crate) fn new(mut contestant: Box<dyn Contestant>, worker: &mut Worker, count: u64) -> Self {
        let prepared = (0..).zip(contestant.prepare(worker, count));
        let wanted = prepared.map(|(number, Wanted { key, token })| (key, (number, token))).collect();
        Self { contestant, wanted, calendar: Calendar::new(TimeZone::UTC, 0) }
    }

    pub(crate) fn name(&self) -> String {
        self.contestant.name()
    }

    /// Which message fulfils which wanted message.
    pub(crate) fn judge_all(&mut self, worker: &mut Worker, messages: &[&Message], batch: usize) -> Vec<(i64, u64)> {
        messages.chunks(batch).flat_map(|part| self.judge(worker, part)).collect()
    }

    fn judge(&mut self, worker: &mut Worker, messages: &[&Message]) -> Vec<(i64, u64)> {
        let (mut hits, wanted) = (Vec::new(), &self.wanted);
        let times = self.contestant.extract(worker, messages, &mut |message, key| {
            hits.extend(wanted.get(key).map(|(number, token)| (message, *number, token)));
        });
        let moment = |instant| moment(&self.calendar, instant);
        let candidates = hits.iter().map(|(message, _, token)| Candidate {
            topic: TOPIC,
            message: messages[*message],
            event_time: times[*message].map(moment),
            arrival: moment(messages[*message].arrival),
            token,
        });
        let candidates: Vec<_> = candidates.collect();
        let verdicts = self.contestant.confirm(worker, &candidates);
        let fulfilled = hits.iter().zip(verdicts).filter(|(_, fulfils)| *fulfils);
        fulfilled.map(|((message, number, _), _)| (messages[*message].offset, *number)).collect()
    }
}

/// An instant as the host resolves it for whoever has the last word.
fn moment(calendar: &Calendar, instant: Timestamp) -> Moment {
    let (civil, business_date) = (calendar.civil_of(instant), calendar.business_date(instant));
    Moment { instant, civil, business_date }
}
