//! Shows wanted messages to their matchers, which have the last word on what they take.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use jiff::civil::Date;

use crate::{
    domain::{
        definition::{Definition, Place, Problem, Source},
        wanted::WantedMessage,
    },
    matcher::{self, GaveUp, Generation, Pool, Prepared, Registry, Worker},
};

/// A wanted message whose matcher is known, to be shown to it.
pub(super) struct Asked {
    source: Source,
    place: Place,
    task_id: String,
    date: Date,
    fields: String,
}

/// What is to be asked, by matcher.
pub(super) type Questions = BTreeMap<Arc<str>, Vec<Asked>>;

impl Asked {
    pub(super) fn new(definition: &Definition, place: &Place, message: &WantedMessage, date: Date) -> Self {
        let (source, place) = (definition.source.clone(), place.clone());
        Self { source, place, task_id: message.task_id.clone(), date, fields: message.fields_json() }
    }

    fn problem(&self, message: String) -> Problem {
        Problem { source: self.source.clone(), place: Some(self.place.clone()), message }
    }
}

pub(super) async fn ask_all(registry: &Registry, pool: &Pool, questions: Questions) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (matcher, mut asked) in questions {
        let Some(generation) = registry.get(&matcher).cloned() else {
            continue;
        };
        asked.sort_by_key(|it| it.date);
        let job = move |worker: &mut Worker| ask(worker, &generation, &asked);
        problems.extend(pool.run(job).await);
    }
    problems
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
    Some(it.problem(message))
}

/// One problem for each source: what is wrong is not in it, but nothing of it was checked.
fn unchecked(asked: &[Asked], gave_up: &GaveUp) -> Vec<Problem> {
    let mut seen = HashSet::new();
    let first = asked.iter().filter(|it| seen.insert(&it.source));
    let problem = |it: &Asked| {
        it.problem(format!("the wanted message of `{}`, and others of its matcher: {gave_up}", it.task_id))
    };
    first.map(problem).collect()
}
