//! One message, alone: what a matcher makes of it, and whether it fulfils what somebody wants.
//!
//! The same calls as in a service, in the same order, with a sensor's zone given. For whoever tries a matcher out.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Map, Value};

use super::{
    batch::{EventTime, SetAside, Why},
    fault::Fault,
    gave_up::GaveUp,
    instance::{Candidate, Moment, Prepared, Problem, Verdict},
    load::{Generation, LoadError},
    runtime::Runtime,
    worker::Worker,
};
use crate::domain::{calendar::Calendar, message::Message, wanted};

/// A message, and what is wanted of it.
pub struct Question<'a> {
    pub topic: &'a str,
    pub message: &'a Message,
    /// The sensor's.
    pub zone: &'a TimeZone,
    /// A wanted message as a sensor has it, or only its matcher's own fields.
    pub wanted: Option<&'a Map<String, Value>>,
    /// The business date that the wanted message is rendered for. None: that of the message's arrival, as in a service.
    pub on: Option<Date>,
}

/// What a matcher says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Those of the message.
    pub keys: Vec<Vec<u8>>,
    pub event_time: Option<EventTime>,
    pub outcome: Outcome,
}

/// What the message is to what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Fulfilled,
    /// Its key is equal, but the matcher refuses it, for this reason: a near miss.
    Refused(String),
    /// It is about something else.
    Other,
    /// Nothing was wanted.
    NotAsked,
    /// It is malformed, for this reason.
    Rejected(String),
    /// The matcher refuses the wanted message.
    Problem(Problem),
    /// The matcher failed.
    Faulted(Fault),
}

impl Outcome {
    /// The word for it on the terminal and in JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Fulfilled => "fulfilled",
            Self::Refused(_) => "refused",
            Self::Other => "other",
            Self::NotAsked => "not asked",
            Self::Rejected(_) => "reject",
            Self::Problem(_) => "problem",
            Self::Faulted(_) => "fault",
        }
    }

    /// Why, where there is a reason.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Fulfilled | Self::Other | Self::NotAsked => None,
            Self::Refused(reason) | Self::Rejected(reason) => Some(reason.clone()),
            Self::Problem(problem) => Some(problem.to_string()),
            Self::Faulted(fault) => Some(fault.reason.clone()),
        }
    }
}

impl Judgement {
    fn without_message(outcome: Outcome) -> Self {
        Self { keys: Vec::new(), event_time: None, outcome }
    }

    /// Asks a matcher about one message, on a thread of its own.
    pub fn ask(runtime: &Runtime, generation: &Arc<Generation>, question: &Question<'_>) -> Result<Self, LoadError> {
        let ask = || judge(&mut Worker::aside(runtime.clone()), generation, question);
        runtime.on_own_stack(ask)?.ok_or(LoadError::Defect)
    }
}

/// Asks a matcher about one message.
pub(super) fn judge(worker: &mut Worker, generation: &Arc<Generation>, question: &Question<'_>) -> Judgement {
    Asked::new(generation, question)
        .judge(worker)
        .unwrap_or_else(|error| Judgement::without_message(Outcome::Faulted(error.fault().clone())))
}

struct Asked<'a> {
    generation: &'a Arc<Generation>,
    question: &'a Question<'a>,
    calendar: Calendar,
}

impl<'a> Asked<'a> {
    fn new(generation: &'a Arc<Generation>, question: &'a Question<'a>) -> Self {
        Self { generation, question, calendar: generation.calendar(question.zone) }
    }

    fn judge(&self, worker: &mut Worker) -> Result<Judgement, GaveUp> {
        let (mut judgement, hit) = self.join(worker)?;
        if let Some(hit) = hit {
            judgement.outcome = hit.confirm(worker, self.generation)?;
        }
        Ok(judgement)
    }

    /// All but the last word, and what that is to be asked about.
    fn join(&self, worker: &mut Worker) -> Result<(Judgement, Option<Hit<'a>>), GaveUp> {
        let message = self.question.message;
        let mut judgement = Judgement::without_message(Outcome::Other);
        // The host passes over what a matcher does not want to see.
        if message.value.is_some() || self.generation.takes_tombstones() {
            let mut extraction = worker.extract(self.generation, self.question.topic, &[message])?;
            judgement.keys = extraction.keys().map(|(_, key)| key.to_owned()).collect();
            judgement.event_time = extraction.event_time(0);
            if let Some(SetAside { why, .. }) = extraction.set_aside.pop() {
                judgement.outcome = set_aside(why);
                return Ok((judgement, None));
            }
        }
        match self.prepare(worker)? {
            None => judgement.outcome = Outcome::NotAsked,
            Some(Err(problem)) => judgement.outcome = Outcome::Problem(problem),
            Some(Ok(wanted)) if wanted.keys.iter().any(|key| judgement.keys.contains(key)) => {
                let hit = self.hit(judgement.event_time, wanted.token);
                return Ok((judgement, Some(hit)));
            }
            Some(Ok(_)) => {}
        }
        Ok((judgement, None))
    }

    fn prepare(&self, worker: &mut Worker) -> Result<Option<Result<Prepared, Problem>>, GaveUp> {
        let Some(wanted) = self.question.wanted else {
            return Ok(None);
        };
        let mut fields = wanted::matchers_own(wanted);
        for (field, default) in self.generation.wanted_defaults() {
            fields.entry(field).or_insert_with(|| default.clone());
        }
        let on = self.question.on.unwrap_or_else(|| self.calendar.business_date(self.question.message.arrival));
        let prepared = worker.prepare(self.generation, &[&Value::Object(fields).to_string()], on)?;
        Ok(prepared.into_iter().next())
    }

    fn hit(&self, time: Option<EventTime>, token: Vec<u8>) -> Hit<'a> {
        let event_time = time.map(|time| self.moment(self.instant(time)));
        Hit { question: self.question, event_time, arrival: self.moment(self.question.message.arrival), token }
    }

    fn instant(&self, time: EventTime) -> Timestamp {
        match time {
            EventTime::Instant(instant) => instant,
            EventTime::Civil(civil) => self.calendar.instant_of(civil),
        }
    }

    fn moment(&self, instant: Timestamp) -> Moment {
        let civil = self.calendar.civil_of(instant);
        Moment { instant, civil, business_date: self.calendar.business_date(instant) }
    }
}

/// A message whose key is that of what is wanted: what the last word is asked about.
pub(super) struct Hit<'a> {
    question: &'a Question<'a>,
    event_time: Option<Moment>,
    arrival: Moment,
    token: Vec<u8>,
}

impl<'a> Hit<'a> {
    /// None: the message is malformed, or about something else.
    pub(super) fn find(
        worker: &mut Worker,
        generation: &'a Arc<Generation>,
        question: &'a Question<'a>,
    ) -> Result<Option<Self>, GaveUp> {
        Ok(Asked::new(generation, question).join(worker)?.1)
    }

    pub(super) fn candidate(&self) -> Candidate<'_> {
        let Self { question: &Question { topic, message, .. }, event_time, arrival, ref token } = *self;
        Candidate { topic, message, event_time, arrival, token }
    }

    fn confirm(&self, worker: &mut Worker, generation: &Arc<Generation>) -> Result<Outcome, GaveUp> {
        let verdict = worker.confirm(generation, &[self.candidate()])?.into_iter().next();
        Ok(match verdict {
            Some(Verdict::Fulfilled) => Outcome::Fulfilled,
            Some(Verdict::Refused(reason)) => Outcome::Refused(reason),
            Some(Verdict::Faulted(fault)) => Outcome::Faulted(fault),
            None => Outcome::Other,
        })
    }
}

fn set_aside(why: Why) -> Outcome {
    match why {
        Why::Rejected(reason) => Outcome::Rejected(reason),
        Why::Faulted(fault) => Outcome::Faulted(fault),
    }
}
