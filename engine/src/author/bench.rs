//! What messages cost a matcher, against the limits of the service and against the last time.

mod last;

use std::{path::Path, sync::Arc};

use serde::Serialize;
use serde_json::{Map, Value};

pub use last::{Last, LastError};

use crate::{
    domain::message::Message,
    matcher::{
        BatchCost, Call, Costs, Generation, Limits, MeasureError, Question, Runtime, RuntimeError, Sample, WasmFile,
        cases::Case, measure,
    },
};

/// What is measured: calls with so many messages.
const BATCHES: [usize; 3] = [1, 64, 1_000];

/// The messages that are measured, and what their matcher needs to judge them.
#[derive(Debug, Default)]
pub struct Messages {
    pub topic: String,
    /// The matcher's configuration.
    pub config: Map<String, Value>,
    pub messages: Vec<Message>,
    /// What the last word is asked about: those in which something is wanted.
    pub cases: Vec<Case>,
}

/// Why a matcher cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("there are no messages to measure with (hint: cases whose messages are well-formed, or `--lines FILE`)")]
    NoMessages,
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(transparent)]
    Measure(#[from] MeasureError),
    #[error(transparent)]
    Last(#[from] LastError),
}

impl Messages {
    /// Those of cases: of the topic and configuration that most of them are about, without those that are malformed.
    pub fn of_cases(cases: &[Case], generation: &Generation) -> Self {
        let mut groups: Vec<Self> = Vec::new();
        for case in cases.iter().filter(|case| !case.is_of_malformed() && case.message.value.is_some()) {
            let topic = topic(case, generation);
            let at = groups.iter().position(|group| group.topic == topic && group.config == case.config);
            let at = at.unwrap_or_else(|| {
                groups.push(Self { topic: topic.to_owned(), config: case.config.clone(), ..Self::default() });
                groups.len() - 1
            });
            groups[at].messages.push(case.message.clone());
            groups[at].cases.extend(case.wanted.is_some().then(|| case.clone()));
        }
        // Of several that are as large the first.
        groups.into_iter().rev().max_by_key(|group| group.messages.len()).unwrap_or_default()
    }
}

fn topic<'a>(case: &'a Case, generation: &'a Generation) -> &'a str {
    case.topic.as_deref().or(generation.topics.first().map(|topic| &**topic)).unwrap_or_default()
}

fn question<'a>(case: &'a Case, generation: &'a Generation) -> Question<'a> {
    let Case { message, zone, wanted, .. } = case;
    Question { topic: topic(case, generation), message, zone, wanted: wanted.as_ref(), on: None }
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    pub matcher: String,
    pub version: String,
    pub sha256: String,
    pub topic: String,
    /// How many different messages were measured with.
    pub messages: usize,
    /// How many of them the matcher finds malformed.
    pub rejects: usize,
    /// How many cases the last word was measured with: those whose message has the key of what is wanted.
    pub hits: usize,
    pub batches: Vec<Row>,
    pub memory: Usage,
    pub file: Usage,
    /// The last time, where there was one.
    pub last: Option<Last>,
}

/// Calls with so many messages.
#[derive(Debug, Serialize)]
pub struct Row {
    pub call: Call,
    pub messages: usize,
    pub ns_per_message: f64,
    pub fuel_per_message: f64,
    /// Nanoseconds of one call.
    pub time: Usage,
    /// Bytes of one call.
    pub returned: Usage,
}

/// How much of what is allowed.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Usage {
    pub used: u64,
    pub limit: u64,
}

impl Usage {
    /// 1 is all of it.
    pub fn share(self) -> f64 {
        self.used as f64 / self.limit.max(1) as f64
    }
}

/// Measures a build with messages, and notes it beside the file for the next time.
pub fn bench(runtime: &Runtime, file: &WasmFile, messages: &Messages) -> Result<Report, BenchError> {
    if messages.messages.is_empty() {
        return Err(BenchError::NoMessages);
    }
    let metered = Runtime::metered(runtime.limits().clone())?;
    let load = |runtime: &Runtime| {
        let generation = Generation::unconfigured(runtime, file)?.configured(runtime, &messages.config)?;
        Ok::<_, MeasureError>(Arc::new(generation))
    };
    let (generation, counted) = (load(runtime)?, load(&metered)?);
    let questions: Vec<_> = messages.cases.iter().map(|case| question(case, &generation)).collect();
    let sample =
        Sample { topic: &messages.topic, messages: &messages.messages, questions: &questions, batches: &BATCHES };
    let costs = measure((runtime, &generation), (&metered, &counted), &sample)?;
    let mut report = Report::of(&generation, runtime.limits(), messages, &costs);
    if let Some(path) = file.path() {
        report.last = Last::read(&beside(path))?.filter(|last| last.is_of(&report));
        Last::of(&report).write(&beside(path))?;
    }
    Ok(report)
}

fn beside(path: &Path) -> std::path::PathBuf {
    path.with_extension("bench.json")
}

impl Report {
    fn of(generation: &Generation, limits: &Limits, messages: &Messages, costs: &Costs) -> Self {
        Self {
            matcher: generation.description.name.clone(),
            version: generation.description.version.clone(),
            sha256: generation.sha256().to_string(),
            topic: messages.topic.clone(),
            messages: messages.messages.len(),
            rejects: costs.rejects,
            hits: costs.hits,
            batches: costs.batches.iter().map(|cost| Row::of(cost, limits)).collect(),
            memory: usage(costs.memory, limits.memory()),
            file: usage(generation.size, limits.file()),
            last: None,
        }
    }
}

impl Row {
    fn of(cost: &BatchCost, limits: &Limits) -> Self {
        let each = cost.messages.max(1) as f64;
        let (time, allowed) = (nanos(cost.time), nanos(limits.time_for(cost.messages)));
        Self {
            call: cost.call,
            messages: cost.messages,
            ns_per_message: rounded(time as f64 / each),
            fuel_per_message: rounded(cost.fuel as f64 / each),
            time: Usage { used: time, limit: allowed },
            returned: usage(cost.returned, limits.returned()),
        }
    }
}

fn usage(used: usize, limit: usize) -> Usage {
    Usage { used: used as u64, limit: limit as u64 }
}

fn nanos(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Nobody reads more than a tenth of it.
fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
