//! One warm instance of a matcher: its store, its limits and its calls.
//!
//! A call that fails leaves the instance unusable (components cannot be entered again after a trap): whoever gets a
//! fault drops it.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
};
use wasmtime::Store;

use super::{
    batch::{Columns, Extraction, clipped},
    bindings::{
        Matcher,
        exports::eventlatch::matcher::guest::{self, Description},
    },
    fault::Fault,
    guest::Guest,
    limits::Limits,
    load::Loaded,
};
use crate::domain::message::Message;

/// A wanted message, checked and rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Its own fields as JSON, templates filled in.
    pub rendered: String,
    pub keys: Vec<Vec<u8>>,
    /// Given back to the matcher with each candidate.
    pub token: Vec<u8>,
}

/// What a matcher finds wrong with a configuration or a wanted message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub field: Option<String>,
    pub message: String,
}

impl Problem {
    /// One that concerns no field in particular.
    pub fn general(message: String) -> Self {
        Self { field: None, message }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.field {
            Some(field) => write!(f, "`{field}`: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl From<guest::Problem> for Problem {
    fn from(problem: guest::Problem) -> Self {
        Self { field: problem.field, message: problem.message }
    }
}

/// A point in time as a sensor sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub instant: Timestamp,
    pub civil: DateTime,
    pub business_date: Date,
}

/// A message whose key equals that of a rendering.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub topic: &'a str,
    pub message: &'a Message,
    pub event_time: Option<Moment>,
    pub arrival: Moment,
    pub token: &'a [u8],
}

/// The matcher's last word on a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Fulfilled,
    Refused(String),
    Faulted(Fault),
}

impl Verdict {
    /// So many bytes the guest returned for it: which one it is, and where its reason lies and how long that is.
    pub(super) fn bytes(&self) -> usize {
        12 + if let Self::Refused(reason) = self { reason.len() } else { 0 }
    }
}

pub(super) struct Instance {
    store: Store<Guest>,
    exports: Matcher,
    limits: Limits,
    calls: u64,
    /// Bytes of memory when it was fresh.
    born_with: usize,
}

impl Instance {
    /// A fresh instance, not yet configured.
    pub(super) fn new(loaded: &Loaded, limits: &Limits) -> Result<Self, Fault> {
        let guest = Guest::new(loaded.name.to_string(), limits);
        let mut store = Store::new(loaded.pre.engine(), guest);
        store.limiter(Guest::growth);
        store.epoch_deadline_callback(|mut store| store.data_mut().on_tick());
        store.set_epoch_deadline(1);
        store.set_hostcall_fuel(limits.returned());
        // An engine that does not count refuses it; one that does is never to run out.
        drop(store.set_fuel(u64::MAX));
        let exports = loaded.pre.instantiate(&mut store).map_err(|error| Fault::of(&error))?;
        let born_with = store.data().held();
        Ok(Self { store, exports, limits: limits.clone(), calls: 0, born_with })
    }

    /// What is left of its fuel; nothing, where that is not counted.
    pub(super) fn fuel(&self) -> u64 {
        self.store.get_fuel().unwrap_or(0)
    }

    /// Bytes of memory.
    pub(super) fn held(&self) -> usize {
        self.store.data().held()
    }

    /// Whether it has served long enough to be replaced by a fresh one.
    pub(super) fn is_worn(&self) -> bool {
        let grown = self.held() - self.born_with;
        self.calls >= self.limits.recycle_calls || grown >= self.limits.recycle_growth()
    }

    /// Bytes of memory that it has now.
    pub(super) fn memory(&self) -> usize {
        self.store.data().held()
    }

    pub(super) fn describe(&mut self) -> Result<Description, Fault> {
        self.call(0, |exports, store| exports.call_describe(store))
    }

    pub(super) fn configure(&mut self, config: &str) -> Result<Result<guest::Settings, Vec<Problem>>, Fault> {
        let answer = self.call(0, |exports, store| exports.call_configure(store, config))?;
        Ok(answer.map_err(|problems| problems.into_iter().map(Problem::from).collect()))
    }

    pub(super) fn prepare(&mut self, wanted: &[&str], on: Date) -> Result<Vec<Result<Prepared, Problem>>, Fault> {
        let on = wire_date(on);
        let answers = self.call(wanted.len(), |exports, store| exports.call_prepare(store, wanted, on))?;
        one_each("prepared wanted message", answers.len(), wanted.len())?;
        answers.into_iter().map(prepared).collect()
    }

    pub(super) fn extract(
        &mut self,
        topic: &str,
        messages: &[&Message],
        needs: guest::Needs,
        into: &mut Extraction,
    ) -> Result<(), Fault> {
        let columns = Columns::of(messages, needs)?;
        let batch = columns.batch(topic);
        let extracts = self.call(messages.len(), |exports, store| exports.call_extract(store, batch))?;
        into.append(extracts, messages.len())
    }

    pub(super) fn confirm(&mut self, candidates: &[Candidate<'_>], needs: guest::Needs) -> Result<Vec<Verdict>, Fault> {
        let headers: Vec<_> = candidates.iter().map(|candidate| wire_headers(candidate.message, needs)).collect();
        let wire: Vec<_> =
            candidates.iter().zip(&headers).map(|(it, headers)| wire_candidate(it, headers, needs)).collect();
        let verdicts = self.call(wire.len(), |exports, store| exports.call_confirm(store, &wire))?;
        one_each("verdict", verdicts.len(), candidates.len())?;
        Ok(verdicts.into_iter().map(verdict).collect())
    }

    /// Makes one call under the limits for so many items.
    fn call<R>(
        &mut self,
        items: usize,
        call: impl FnOnce(&guest::Guest, &mut Store<Guest>) -> wasmtime::Result<R>,
    ) -> Result<R, Fault> {
        self.calls += 1;
        self.store.data_mut().renew(&self.limits, items);
        self.store.set_epoch_deadline(1);
        let answer = call(self.exports.eventlatch_matcher_guest(), &mut self.store);
        self.store.data_mut().print_rest();
        answer.map_err(|error| Fault::of(&error))
    }
}

fn one_each(what: &str, got: usize, wanted: usize) -> Result<(), Fault> {
    if got == wanted {
        return Ok(());
    }
    Err(Fault::bad_result(format_args!("{got} answers where {wanted} were asked for, one {what} each")))
}

fn prepared(answer: Result<guest::Prepared, guest::Problem>) -> Result<Result<Prepared, Problem>, Fault> {
    match answer {
        Ok(prepared) if prepared.keys.is_empty() => Err(Fault::bad_result("a prepared wanted message has no key")),
        Ok(guest::Prepared { rendered, keys, token }) => Ok(Ok(Prepared { rendered, keys, token })),
        Err(problem) => Ok(Err(problem.into())),
    }
}

fn verdict(verdict: guest::Verdict) -> Verdict {
    match verdict {
        guest::Verdict::Fulfilled => Verdict::Fulfilled,
        guest::Verdict::Refused(reason) => Verdict::Refused(clipped(reason)),
    }
}

fn wire_headers(message: &Message, needs: guest::Needs) -> Vec<guest::Header<'_>> {
    if !needs.contains(guest::Needs::HEADERS) {
        return Vec::new();
    }
    message.headers.iter().map(|header| guest::Header { name: &header.name, value: &header.value }).collect()
}

fn wire_candidate<'a>(
    candidate: &Candidate<'a>,
    headers: &'a [guest::Header<'a>],
    needs: guest::Needs,
) -> guest::Candidate<'a> {
    guest::Candidate {
        topic: candidate.topic,
        value: candidate.message.value.as_deref(),
        key: candidate.message.key.as_deref().filter(|_| needs.contains(guest::Needs::KEYS)),
        headers,
        event_time: candidate.event_time.map(wire_moment),
        arrival: wire_moment(candidate.arrival),
        token: candidate.token,
    }
}

fn wire_moment(moment: Moment) -> guest::Moment {
    let Moment { instant, civil, business_date } = moment;
    let civil = guest::Civil {
        date: wire_date(civil.date()),
        hour: civil.hour().unsigned_abs(),
        minute: civil.minute().unsigned_abs(),
        second: civil.second().unsigned_abs(),
        millisecond: civil.millisecond().unsigned_abs(),
    };
    guest::Moment { instant: instant.as_millisecond(), civil, business_date: wire_date(business_date) }
}

fn wire_date(date: Date) -> guest::Date {
    guest::Date { year: date.year(), month: date.month().unsigned_abs(), day: date.day().unsigned_abs() }
}
