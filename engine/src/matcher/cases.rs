//! Cases: what a matcher must say of a message, as files that its author writes.
//!
//! They lie in a folder beside the matcher's sources ([`files`], [`read`]) and travel in its file ([`embed`], [`embedded`]), so
//! that whoever is to serve it can have it prove itself first. [`run`] asks the matcher under the limits of the runtime. The
//! format is described in `docs/matcher-cases.md`.

mod expect;
mod file;
mod section;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

pub use expect::Difference;
pub use file::{WrongCase, files, read};
pub use section::{EmbedError, embed, embedded};

use super::{
    judgement::{Question, judge},
    load::{Generation, LoadError},
    runtime::Runtime,
    worker::Worker,
};
use crate::domain::message::Message;
use expect::Expected;

/// A message, and what a matcher must say of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it shows; the name of its file, where it does not say.
    pub name: String,
    /// The name of its file.
    pub file: String,
    /// The configuration of the matcher: what is proved does not depend on that of a service.
    pub config: Map<String, Value>,
    /// None: the matcher's first.
    pub topic: Option<String>,
    pub message: Message,
    /// The sensor's.
    pub zone: TimeZone,
    pub wanted: Option<Map<String, Value>>,
    expected: Expected,
}

impl Case {
    /// Whether its message is to be rejected.
    pub fn is_of_malformed(&self) -> bool {
        self.expected.is_reject()
    }
}

/// What came of a case.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Ran {
    pub case: String,
    pub file: String,
    pub differences: Vec<Difference>,
    #[serde(skip)]
    pub took: Duration,
}

impl Ran {
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Runs cases, on a thread of its own. A matcher that refuses a case's configuration fails that case; an error says that
/// none could be run.
pub fn run(runtime: &Runtime, generation: &Generation, cases: &[Case]) -> Result<Vec<Ran>, LoadError> {
    let run = || {
        let mut running = Running::new(runtime, generation);
        cases.iter().map(|case| running.run(case)).collect()
    };
    runtime.on_own_stack(run)?.ok_or(LoadError::Defect)
}

/// A build under test.
struct Running<'a> {
    runtime: &'a Runtime,
    build: &'a Generation,
    worker: Worker,
    /// The build as each configuration makes it, or why it does not take it.
    configured: HashMap<String, Result<Arc<Generation>, String>>,
}

impl<'a> Running<'a> {
    fn new(runtime: &'a Runtime, build: &'a Generation) -> Self {
        Self { runtime, build, worker: Worker::aside(runtime.clone()), configured: HashMap::new() }
    }

    fn run(&mut self, case: &Case) -> Ran {
        let begun = Instant::now();
        let differences = match self.configured(&case.config) {
            Ok(generation) => self.ask(&generation, case),
            Err(reason) => vec![Difference::of_config(&case.config, reason)],
        };
        Ran { case: case.name.clone(), file: case.file.clone(), differences, took: begun.elapsed() }
    }

    fn ask(&mut self, generation: &Arc<Generation>, case: &Case) -> Vec<Difference> {
        let topic = case.topic.as_deref().or(generation.topics.first().map(|topic| &**topic)).unwrap_or_default();
        let Case { message, zone, .. } = case;
        let question = Question { topic, message, zone, wanted: case.wanted.as_ref(), on: None };
        case.expected.differences(&judge(&mut self.worker, generation, &question), zone)
    }

    fn configured(&mut self, config: &Map<String, Value>) -> Result<Arc<Generation>, String> {
        let configure = || {
            let generation = self.build.with_config(&self.runtime.limits, config);
            generation.map(Arc::new).map_err(|error| error.to_string())
        };
        self.configured.entry(Value::Object(config.clone()).to_string()).or_insert_with(configure).clone()
    }
}
