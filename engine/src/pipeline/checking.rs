//! From definitions to sensors: every key must make sense, and every wanted message must have a matcher that takes it.
//!
//! The same for files, at start and later, for the HTTP API and for scenarios; only what follows from a problem differs.
//! Start at [`Checker::check`].

mod asking;
mod wanted;

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use crate::{
    domain::{
        calendar::Calendar,
        definition::{At, Definition, Problem},
        sensor::{Opening, Owner, Sensor},
        target::WrongTarget,
        terms::Terms,
        wanted::WantedMessage,
    },
    matcher::{Pool, Registry},
    source::Topics,
    task::Marking,
};
use asking::{Asked, Questions};

/// What is needed to check definitions.
pub struct Checker<'a> {
    pub registry: &'a Registry,
    pub pool: &'a Pool,
    /// Who marks their tasks. None: nobody does.
    pub marking: Option<&'a Marking>,
    /// The zone of sensors that name none.
    pub timezone: &'a str,
    /// What topics are called in Kafka: by that name nothing is wanted.
    pub topics: &'a Topics,
    /// The moment for which wanted messages are rendered on trial.
    pub now: Timestamp,
}

/// What a check came to.
#[derive(Debug, Default)]
pub struct Checked {
    pub sensors: Vec<(Owner, Sensor)>,
    /// By source and place.
    pub problems: Vec<Problem>,
}

impl Checker<'_> {
    /// Makes sensors of definitions. A file, or request, with a problem gives none: what it holds belongs together.
    pub async fn check(&self, definitions: &[Definition]) -> Checked {
        let (mut sensors, mut problems) = (Vec::new(), Vec::new());
        let mut questions = Questions::new();
        for definition in definitions {
            match self.sensor(definition, &mut questions) {
                Ok(sensor) => sensors.push((&definition.source, sensor)),
                Err(more) => problems.extend(more),
            }
        }
        problems.extend(asking::ask_all(self.registry, self.pool, questions).await);
        problems.sort_by(|a, b| (&a.source, &a.place).cmp(&(&b.source, &b.place)));
        let bad: HashSet<_> = problems.iter().map(|problem| &problem.source).collect();
        sensors.retain(|(source, _)| !bad.contains(source));
        let sensors = sensors.into_iter().map(|(source, sensor)| (source.owner(), sensor)).collect();
        Checked { sensors, problems }
    }

    fn sensor(&self, definition: &Definition, questions: &mut Questions) -> Result<Sensor, Vec<Problem>> {
        let (timezone, zone) = self.zone(definition).map_err(|problem| vec![problem])?;
        let (mut all, mut problems) = (Vec::new(), Vec::new());
        for at in &definition.keys.wanted {
            match wanted::wanted(self.registry, self.topics, &at.it) {
                Ok((message, generation)) => {
                    let calendar = Calendar::new(zone.clone(), message.day_shift_seconds);
                    let asked = Asked::new(definition, &at.place, &message, calendar.business_date(self.now));
                    questions.entry(Arc::clone(generation.name())).or_default().push(asked);
                    all.push(message);
                }
                Err(message) => problems.push(definition.problem(&at.place, message)),
            }
        }
        if problems.is_empty() {
            problems = same_twice(definition, &all);
        }
        let terms = Terms::of(definition).map_err(|more| problems.extend(more)).ok();
        let Some(Terms { opening, require, timeout, on_timeout, late, target }) = terms.filter(|_| problems.is_empty())
        else {
            return Err(problems);
        };
        let name = definition.name.clone();
        let sensor = Sensor { name, timezone, opening, require, timeout, on_timeout, late, target, wanted: all };
        match self.aim(&sensor, &zone) {
            Ok(()) => Ok(sensor),
            Err(wrong) => {
                let place = definition.keys.target.as_ref().map_or(&definition.place, |target| &target.place);
                Err(vec![definition.problem(place, wrong)])
            }
        }
    }

    /// Fills in a target on trial. Where waits open by themselves, nobody adds anything to it.
    fn aim(&self, sensor: &Sensor, zone: &TimeZone) -> Result<(), WrongTarget> {
        let today = self.now.to_zoned(zone.clone()).date();
        let target = sensor.target.rendered(&today.to_string(), today)?;
        target.check_tasks(sensor.wanted.iter().map(|wanted| wanted.task_id.as_str()))?;
        match self.marking.filter(|_| sensor.opening == Opening::Window) {
            Some(marking) => marking.accepts(&target).map_err(WrongTarget::Adapter),
            None => Ok(()),
        }
    }

    /// A zone, as the tz database spells it: `europe/berlin` is found, and is the same calendar.
    fn zone(&self, definition: &Definition) -> Result<(String, TimeZone), Problem> {
        let given = definition.keys.timezone.as_ref();
        let place = given.map_or(&definition.place, |given| &given.place);
        let name = match given.map(|given| &given.it) {
            None => self.timezone,
            Some(Value::String(name)) => name,
            Some(other) => {
                let message = format!("`timezone` must be an IANA name such as \"Europe/Berlin\", not {other}");
                return Err(definition.problem(place, message));
            }
        };
        let zone = TimeZone::get(name).map_err(|_| {
            let message = format!("there is no time zone `{name}`: write an IANA name such as \"Europe/Berlin\"");
            definition.problem(place, message)
        })?;
        Ok((zone.iana_name().unwrap_or(name).to_owned(), zone))
    }
}

fn same_twice(definition: &Definition, all: &[WantedMessage]) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let again = all.iter().zip(&definition.keys.wanted).filter(|(wanted, _)| !seen.insert(wanted.identity()));
    let problem = |(wanted, at): (&WantedMessage, &At<Value>)| {
        definition.problem(&at.place, format!("the wanted message of `{}` is there twice", wanted.task_id))
    };
    again.map(problem).collect()
}
