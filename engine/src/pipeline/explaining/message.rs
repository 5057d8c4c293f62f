//! What one given message would do: judged by the real matchers for everybody who wants messages of its topic, and recorded
//! nowhere. Start at [`Trial`].

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{Timestamp, civil::Date};
use serde_json::{Map, Value};

use crate::{
    domain::{
        calendar::Calendar,
        explanation::{Difference, MessageExplanation, Nearest, Refusal, Rejection, Wanting},
        message::Message,
        wanted::WantedId,
    },
    matcher::{
        Candidate, EventTime, Extraction, GaveUp, Generation, Moment, Pool, Prepared, Registry, SetAside, Verdict, Why,
        Worker,
    },
    pipeline::{
        handle::Handle,
        rendering::{PAGE, RenderError, calendar},
    },
    source::{LineError, Outgoing},
    store::{ActiveWanted, Reader, StoreError},
};

/// So many wanted messages are shown that the message nearly is.
const NEAREST: usize = 3;

/// Why a message is not explained.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    #[error(transparent)]
    NoMessage(#[from] LineError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Render(#[from] RenderError),
}

impl Handle {
    /// What a message would do, given as JSON as `send` takes it.
    pub async fn explain_message(&self, json: &str) -> Result<MessageExplanation, MessageError> {
        let live = self.shared.live.load_full();
        let mut trial = Trial::new(&live.registry, &self.shared.pool, json)?;
        loop {
            let (topic, after) = (trial.topic.to_string(), trial.after);
            let page = self.shared.store.active_wanted_of(topic, after, PAGE).await?;
            if !trial.take(page).await? {
                return Ok(trial.end());
            }
        }
    }
}

/// A message on trial.
pub struct Trial<'a> {
    registry: &'a Registry,
    pool: &'a Pool,
    topic: Arc<str>,
    message: Arc<Message>,
    /// Its fields, where it is a JSON object.
    fields: Map<String, Value>,
    after: WantedId,
    matchers: BTreeSet<String>,
    found: MessageExplanation,
}

/// What is asked of a matcher at once: wanted messages of one calendar.
struct Asked {
    generation: Arc<Generation>,
    topic: Arc<str>,
    message: Arc<Message>,
    calendar: Calendar,
    date: Date,
    wanted: Vec<ActiveWanted>,
}

/// What a matcher says: of the message, and of each wanted message.
struct Answer {
    set_aside: Option<String>,
    wanted: Vec<Said>,
}

enum Said {
    /// It cannot be rendered on the date.
    Problem,
    OtherKey(Value),
    Refused(Value, String),
    Fulfilled(Value),
}

impl<'a> Trial<'a> {
    /// Reads the message; one without a time arrives now.
    pub fn new(registry: &'a Registry, pool: &'a Pool, json: &str) -> Result<Self, LineError> {
        let Outgoing { topic, key, value, headers, timestamp } = Outgoing::parse(json)?;
        let arrival = timestamp.unwrap_or_else(Timestamp::now);
        let fields = value.as_deref().and_then(|value| serde_json::from_slice(value).ok()).unwrap_or_default();
        let found = MessageExplanation {
            topic: topic.clone(),
            arrival,
            matchers: Vec::new(),
            fulfils: Vec::new(),
            refused: Vec::new(),
            rejected: Vec::new(),
            nearest: Vec::new(),
            wanted: 0,
        };
        let message = Arc::new(Message { offset: 0, arrival, key, value, headers });
        let (topic, after, matchers) = (topic.into(), WantedId(0), BTreeSet::new());
        Ok(Self { registry, pool, topic, message, fields, after, matchers, found })
    }

    /// The next wanted messages of its topic, from the store.
    pub fn read(&self, reader: &Reader) -> Result<Vec<ActiveWanted>, StoreError> {
        reader.active_wanted_of(&self.topic, self.after, PAGE)
    }

    /// Judges it for some wanted messages; false where there were none.
    pub async fn take(&mut self, page: Vec<ActiveWanted>) -> Result<bool, RenderError> {
        let Some(last) = page.last() else { return Ok(false) };
        self.after = last.id;
        self.found.wanted += page.len();
        let mut groups: BTreeMap<_, Vec<ActiveWanted>> = BTreeMap::new();
        for wanted in page {
            let group = (wanted.matcher.clone(), wanted.timezone.clone(), wanted.day_shift_seconds);
            groups.entry(group).or_default().push(wanted);
        }
        for ((matcher, ..), wanted) in groups {
            self.ask(matcher, wanted).await?;
        }
        Ok(true)
    }

    async fn ask(&mut self, matcher: String, wanted: Vec<ActiveWanted>) -> Result<(), RenderError> {
        let calendar = calendar(&wanted[0])?;
        let Some(generation) = self.registry.get(&matcher).map(Arc::clone) else {
            self.reject(&matcher, "it is gone: its topic waits for it".to_owned());
            return Ok(());
        };
        if self.message.value.is_none() && !generation.takes_tombstones() {
            self.reject(&matcher, "it does not look at tombstones".to_owned());
            return Ok(());
        }
        let date = calendar.business_date(self.message.arrival);
        let (topic, message) = (Arc::clone(&self.topic), Arc::clone(&self.message));
        let asked = Asked { generation, topic, message, calendar, date, wanted };
        // Aside: whatever the message does to the matcher, it holds up nobody.
        let (asked, answer) = self.pool.run_aside(move |worker| asked.ask(worker)).await;
        match answer {
            Ok(answer) => self.note(&matcher, asked, answer),
            Err(gave_up) => self.reject(&matcher, gave_up.to_string()),
        }
        Ok(())
    }

    fn reject(&mut self, matcher: &str, reason: String) {
        if self.matchers.insert(matcher.to_owned()) {
            self.found.rejected.push(Rejection { matcher: matcher.to_owned(), reason });
        }
    }

    fn note(&mut self, matcher: &str, asked: Asked, answer: Answer) {
        if let Some(reason) = answer.set_aside {
            return self.reject(matcher, reason);
        }
        self.matchers.insert(matcher.to_owned());
        for (wanted, said) in asked.wanted.into_iter().zip(answer.wanted) {
            let (sensor, task_id, business_date) = (wanted.sensor_name, wanted.task_id, asked.date);
            let wanting = |wanted| Wanting { sensor, task_id, business_date, wanted };
            match said {
                Said::Problem => {}
                Said::Fulfilled(wanted) => self.found.fulfils.push(wanting(wanted)),
                Said::Refused(wanted, reason) => self.found.refused.push(Refusal { wanting: wanting(wanted), reason }),
                Said::OtherKey(wanted) => self.compare(wanting(wanted)),
            }
        }
    }

    /// Keeps it where it is among the nearest: some of what it wants must be so.
    fn compare(&mut self, wanting: Wanting) {
        let Some(wanted) = wanting.wanted.as_object() else { return };
        let differs = differences(wanted, &self.fields);
        if !differs.is_empty() && (differs.len() < wanted.len() || wanted.len() == 1) {
            let place = self.found.nearest.partition_point(|other| other.differs.len() <= differs.len());
            self.found.nearest.insert(place, Nearest { wanting, differs });
            self.found.nearest.truncate(NEAREST);
        }
    }

    /// What it came to.
    pub fn end(mut self) -> MessageExplanation {
        if !self.found.fulfils.is_empty() {
            self.found.nearest.clear();
        }
        MessageExplanation { matchers: self.matchers.into_iter().collect(), ..self.found }
    }
}

impl Asked {
    fn ask(self, worker: &mut Worker) -> (Self, Result<Answer, GaveUp>) {
        let answer = self.judge(worker);
        (self, answer)
    }

    fn judge(&self, worker: &mut Worker) -> Result<Answer, GaveUp> {
        let extraction = worker.extract(&self.generation, &self.topic, &[&*self.message])?;
        if let Some(SetAside { why, .. }) = extraction.set_aside.first() {
            let set_aside = Some(match why {
                Why::Rejected(reason) => reason.clone(),
                Why::Faulted(fault) => fault.to_string(),
            });
            return Ok(Answer { set_aside, wanted: Vec::new() });
        }
        let fields: Vec<_> = self.wanted.iter().map(|wanted| wanted.fields.as_str()).collect();
        let prepared = worker.prepare(&self.generation, &fields, self.date)?;
        let is_hit = |prepared: &Prepared| {
            extraction.keys().any(|(_, key)| prepared.keys.iter().any(|wanted| wanted.as_slice() == key))
        };
        let hits: Vec<_> = prepared.iter().flatten().filter(|prepared| is_hit(prepared)).collect();
        let candidates: Vec<_> = hits.iter().map(|prepared| self.candidate(prepared, &extraction)).collect();
        let mut verdicts = worker.confirm(&self.generation, &candidates)?.into_iter();
        let said = |answer: &Result<Prepared, _>| match answer {
            Err(_) => Said::Problem,
            Ok(prepared) if is_hit(prepared) => said(prepared, verdicts.next()),
            Ok(prepared) => Said::OtherKey(rendered(prepared)),
        };
        Ok(Answer { set_aside: None, wanted: prepared.iter().map(said).collect() })
    }

    fn candidate<'b>(&'b self, prepared: &'b Prepared, extraction: &Extraction) -> Candidate<'b> {
        let event_time = extraction.event_time(0).map(|time| match time {
            EventTime::Instant(instant) => instant,
            EventTime::Civil(civil) => self.calendar.instant_of(civil),
        });
        Candidate {
            topic: &self.topic,
            message: &self.message,
            event_time: event_time.map(|instant| self.moment(instant)),
            arrival: self.moment(self.message.arrival),
            token: &prepared.token,
        }
    }

    fn moment(&self, instant: Timestamp) -> Moment {
        let (civil, business_date) = (self.calendar.civil_of(instant), self.calendar.business_date(instant));
        Moment { instant, civil, business_date }
    }
}

fn said(prepared: &Prepared, verdict: Option<Verdict>) -> Said {
    match verdict {
        Some(Verdict::Fulfilled) => Said::Fulfilled(rendered(prepared)),
        Some(Verdict::Refused(reason)) => Said::Refused(rendered(prepared), reason),
        Some(Verdict::Faulted(fault)) => Said::Refused(rendered(prepared), format!("its matcher failed: {fault}")),
        None => Said::Problem,
    }
}

fn rendered(prepared: &Prepared) -> Value {
    serde_json::from_str(&prepared.rendered).unwrap_or_else(|_| Value::String(prepared.rendered.clone()))
}

/// The fields of a wanted message that are something else in a message.
fn differences(wanted: &Map<String, Value>, message: &Map<String, Value>) -> Vec<Difference> {
    let other = wanted.iter().filter(|(field, wanted)| !wanted.is_null() && message.get(*field) != Some(wanted));
    let difference = |(field, wanted): (&String, &Value)| Difference {
        field: field.clone(),
        wanted: wanted.clone(),
        is: message.get(field).cloned(),
    };
    other.map(difference).collect()
}
