//! From drafts to sensors: every wanted message must have a matcher that takes it.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::PathBuf,
    sync::Arc,
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Map, Value};

use super::{
    Problem,
    draft::{Draft, WantedDraft},
    owner,
};
use crate::{
    domain::{
        calendar::Calendar,
        sensor::{Late, Opening, Owner, Require, Sensor, Timeout},
        wait::OnTimeout,
        wanted::WantedMessage,
        window::{Frequency, NotAFrequency},
    },
    matcher::{self, GaveUp, Generation, Pool, Prepared, Registry, Worker},
};

/// What is needed to check drafts.
pub struct Checker<'a> {
    pub registry: &'a Registry,
    pub pool: &'a Pool,
    /// The zone of sensors that name none.
    pub timezone: &'a str,
    /// The moment for which wanted messages are rendered on trial.
    pub now: Timestamp,
}

/// What a check came to.
#[derive(Debug, Default)]
pub struct Checked {
    pub sensors: Vec<(Owner, Sensor)>,
    /// By file and line.
    pub problems: Vec<Problem>,
}

/// A wanted message whose matcher is known, to be shown to it.
struct Asked {
    file: PathBuf,
    line: usize,
    task_id: String,
    date: Date,
    fields: String,
}

/// What is to be asked, by matcher.
type Questions = BTreeMap<Arc<str>, Vec<Asked>>;

impl Checker<'_> {
    /// Makes sensors of drafts. A file with a problem gives none: what it holds belongs together.
    pub async fn check(&self, drafts: &[Draft]) -> Checked {
        let (mut sensors, mut problems) = (Vec::new(), Vec::new());
        let mut questions = Questions::new();
        for draft in drafts {
            match self.sensor(draft, &mut questions) {
                Ok(sensor) => sensors.push((&draft.file, sensor)),
                Err(more) => problems.extend(more),
            }
        }
        problems.extend(self.ask_all(questions).await);
        problems.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        let bad: HashSet<_> = problems.iter().map(|problem| &problem.file).collect();
        sensors.retain(|(file, _)| !bad.contains(file));
        let sensors = sensors.into_iter().map(|(file, sensor)| (owner(file), sensor)).collect();
        Checked { sensors, problems }
    }

    fn sensor(&self, draft: &Draft, questions: &mut Questions) -> Result<Sensor, Vec<Problem>> {
        let timezone = draft.timezone.as_ref().map_or(self.timezone, |timezone| &timezone.it);
        let zone = TimeZone::get(timezone).map_err(|_| {
            let message = format!("there is no time zone `{timezone}`: write an IANA name such as \"Europe/Berlin\"");
            let line = draft.timezone.as_ref().map_or(draft.line, |timezone| timezone.line);
            vec![Problem { file: draft.file.clone(), line: Some(line), message }]
        })?;
        let (mut wanted, mut problems) = (Vec::new(), Vec::new());
        for one in &draft.wanted {
            match self.wanted(one) {
                Ok((message, generation)) => {
                    let calendar = Calendar::new(zone.clone(), message.day_shift_seconds);
                    let date = calendar.business_date(self.now);
                    questions.entry(Arc::clone(generation.name())).or_default().push(asked(draft, one, &message, date));
                    wanted.push(message);
                }
                Err(message) => problems.push(problem(draft, one, message)),
            }
        }
        if problems.is_empty() {
            problems = same_twice(draft, &wanted);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Sensor {
            name: draft.name.clone(),
            // As the tz database spells it: `europe/berlin` is found, and is the same calendar.
            timezone: zone.iana_name().unwrap_or(timezone).to_owned(),
            opening: Opening::Window,
            require: Require::All,
            timeout: Timeout::WindowEnd,
            on_timeout: OnTimeout::Fail,
            late: Late::Ignore,
            wanted,
        })
    }

    /// Takes a dictionary apart and finds its matcher.
    fn wanted(&self, draft: &WantedDraft) -> Result<(WantedMessage, &Arc<Generation>), String> {
        let mut fields = draft.it.clone();
        let frequency = text(&mut fields, "frequency")?;
        let frequency: Frequency = frequency.parse().map_err(|error: NotAFrequency| error.to_string())?;
        let topic = text(&mut fields, "topic")?;
        let task_id = text(&mut fields, "task_id")?;
        let named = fields.contains_key("matcher").then(|| text(&mut fields, "matcher")).transpose()?;
        let optional = boolean(&mut fields, "optional")?;
        if let Some(later) = ["count", "distinct"].into_iter().find(|key| fields.contains_key(*key)) {
            return Err(format!("`{later}` is not served by this release: remove it"));
        }
        let generation = self.registry.serving(&topic, named.as_deref()).map_err(|error| error.to_string())?;
        for (field, default) in generation.wanted_defaults() {
            fields.entry(field).or_insert_with(|| default.clone());
        }
        let wanted = WantedMessage {
            topic: topic.into(),
            frequency,
            task_id,
            matcher: Arc::clone(generation.name()),
            day_shift_seconds: generation.day_shift_seconds,
            optional,
            count: 1,
            distinct: Vec::new(),
            fields,
        };
        Ok((wanted, generation))
    }

    /// Shows every wanted message to its matcher.
    async fn ask_all(&self, questions: Questions) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (matcher, mut asked) in questions {
            let Some(generation) = self.registry.get(&matcher).cloned() else {
                continue;
            };
            asked.sort_by_key(|it| it.date);
            let job = move |worker: &mut Worker| ask(worker, &generation, &asked);
            problems.extend(self.pool.run(job).await);
        }
        problems
    }
}

fn asked(draft: &Draft, one: &WantedDraft, message: &WantedMessage, date: Date) -> Asked {
    let (task_id, fields) = (message.task_id.clone(), message.fields_json());
    Asked { file: draft.file.clone(), line: one.line, task_id, date, fields }
}

fn ask(worker: &mut Worker, generation: &Arc<Generation>, asked: &[Asked]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for same_date in asked.chunk_by(|a, b| a.date == b.date) {
        let fields: Vec<_> = same_date.iter().map(|it| it.fields.as_str()).collect();
        match worker.prepare(generation, &fields, same_date[0].date) {
            Ok(answers) => problems.extend(same_date.iter().zip(answers).filter_map(complaint)),
            Err(gave_up) => problems.extend(unchecked(same_date, &gave_up)),
        }
    }
    problems
}

fn complaint((it, answer): (&Asked, Result<Prepared, matcher::Problem>)) -> Option<Problem> {
    let message = format!("the wanted message of `{}`: {}", it.task_id, answer.err()?);
    Some(Problem { file: it.file.clone(), line: Some(it.line), message })
}

/// One problem for each file: what is wrong is not in it, but nothing of it was checked.
fn unchecked(asked: &[Asked], gave_up: &GaveUp) -> Vec<Problem> {
    let mut first = BTreeMap::new();
    for it in asked {
        first.entry(&it.file).or_insert(it);
    }
    let problem = |it: &Asked| {
        let message = format!("the wanted message of `{}`, and others of its matcher: {gave_up}", it.task_id);
        Problem { file: it.file.clone(), line: Some(it.line), message }
    };
    first.into_values().map(problem).collect()
}

fn problem(draft: &Draft, wanted: &WantedDraft, message: String) -> Problem {
    Problem { file: draft.file.clone(), line: Some(wanted.line), message }
}

fn text(fields: &mut Map<String, Value>, key: &str) -> Result<String, String> {
    match fields.remove(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(other) => Err(format!("`{key}` must be text, not {other}")),
        None => Err(format!("`{key}` is missing: a wanted message has `frequency`, `topic` and `task_id`")),
    }
}

fn boolean(fields: &mut Map<String, Value>, key: &str) -> Result<bool, String> {
    match fields.remove(key) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(value),
        Some(other) => Err(format!("`{key}` must be true or false, not {other}")),
    }
}

fn same_twice(draft: &Draft, wanted: &[WantedMessage]) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let again = wanted.iter().zip(&draft.wanted).filter(|(wanted, _)| !seen.insert(wanted.identity()));
    again
        .map(|(wanted, at)| problem(draft, at, format!("the wanted message of `{}` is there twice", wanted.task_id)))
        .collect()
}
