//! From the bytes of a file to a generation that can serve.

use std::{
    fmt, io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use wasmtime::component::InstancePre;
use wit_component::ComponentEncoder;

use super::{
    allow::NotAllowed,
    bindings::{
        MatcherPre,
        exports::eventlatch::matcher::guest::{self, Description, Needs},
    },
    budget::Account,
    config::{Named, Settings},
    fault::Fault,
    files::WasmFile,
    guest::Guest,
    instance::{Instance, Problem},
    interface::{self, Form, NotAMatcher},
    limits::Limits,
    runtime::Runtime,
    topics::Patterns,
    trust::Trust,
    usage::Usage,
    wasi,
};
use crate::domain::{
    calendar::Calendar,
    generation::{GenerationId, short},
};

/// Where a matcher came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    BuiltIn,
    File(PathBuf),
    /// Over the API: only the store has its file.
    Pushed,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Pushed => f.write_str("pushed"),
        }
    }
}

impl From<&str> for Origin {
    /// What was written of an origin.
    fn from(written: &str) -> Self {
        let others = [Self::BuiltIn, Self::Pushed];
        others.into_iter().find(|it| it.to_string() == written).unwrap_or_else(|| Self::File(written.into()))
    }
}

/// One build of a matcher with one configuration, checked and ready to be asked.
pub struct Generation {
    pub id: GenerationId,
    pub trust: Trust,
    pub usage: Usage,
    pub budget: Account,
    pub(super) loaded: Loaded,
    pub description: About,
    /// The topics it serves; behind `^` a regular expression.
    pub topics: Vec<Arc<str>>,
    pub(super) patterns: Patterns,
    pub day_shift_seconds: i32,
    pub origin: Origin,
    /// Bytes of the file.
    pub size: usize,
    /// The JSON that its instances are configured with.
    pub(super) config: String,
}

/// What is needed to make instances.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) name: Arc<str>,
    pub(super) sha256: Arc<str>,
    pub(super) pre: MatcherPre<Guest>,
    pub(super) needs: Needs,
}

/// What a matcher says of itself.
#[derive(Debug, Clone, serde::Serialize)]
pub struct About {
    pub name: String,
    pub version: String,
    pub summary: String,
    pub interface: &'static str,
    pub wanted_schema: Value,
    pub message_schema: Value,
    pub config_schema: Value,
}

/// Why a matcher cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    NotAMatcher(#[from] NotAMatcher),
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    #[error("it cannot be wrapped as a component")]
    Wrap(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("it cannot be compiled or linked")]
    Compile(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("it cannot be loaded: no thread can be started for it")]
    Thread(#[from] io::Error),
    #[error("it cannot be loaded: compiling it ended in a defect of the compiler; the log says more")]
    Defect,
    #[error("it could not {0}")]
    Call(&'static str, #[source] Fault),
    #[error("it refuses [matchers.{name}.config]: {}", list(.problems))]
    Config { name: Arc<str>, problems: Vec<Problem> },
    #[error("it describes itself badly: {0}")]
    Description(String),
}

fn list(problems: &[Problem]) -> String {
    // Nobody wrote the JSON that it was given: a place in it says nothing.
    let plain = |text: String| text.split(" at line ").next().unwrap_or_default().to_owned();
    problems.iter().map(|problem| plain(problem.to_string())).collect::<Vec<_>>().join("; ")
}

impl From<wasmtime::Error> for LoadError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Compile(error.into())
    }
}

impl Generation {
    /// Checks, compiles and configures a matcher. It serves under its own name unless given another; `named` holds the
    /// settings for each name. One that knows no topic of its own is configured only where there are settings.
    pub fn load(runtime: &Runtime, file: &WasmFile, name: Option<&str>, named: &Named) -> Result<Self, LoadError> {
        let load = || Self::load_here(runtime, file, name, named);
        runtime.on_own_stack(load)?.ok_or(LoadError::Defect)?
    }

    /// The same build with another configuration, whatever it was loaded with.
    pub fn configured(&self, runtime: &Runtime, config: &Map<String, Value>) -> Result<Self, LoadError> {
        runtime.on_own_stack(|| self.with_config(&runtime.limits, config))?.ok_or(LoadError::Defect)?
    }

    /// The same on a thread that has the stack for it.
    pub(super) fn with_config(&self, limits: &Limits, config: &Map<String, Value>) -> Result<Self, LoadError> {
        let mut instance = Instance::new(&self.loaded, limits).map_err(|fault| LoadError::Call("start", fault))?;
        let description = instance.describe().map_err(|fault| LoadError::Call("describe itself", fault))?;
        let config = Value::Object(config.clone()).to_string();
        let answer = configure(&mut instance, &self.loaded, &config)?;
        let topics = topics(answer.topics, description.topics);
        Ok(Self {
            id: next_id(),
            trust: Trust::default(),
            usage: Usage::default(),
            budget: Account::default(),
            loaded: self.loaded.clone(),
            description: self.description.clone(),
            patterns: Patterns::among(&topics).map_err(LoadError::Description)?,
            topics,
            day_shift_seconds: answer.day_shift_seconds,
            origin: self.origin.clone(),
            size: self.size,
            config,
        })
    }

    /// One that has not been configured: it can say what it is, and be [`configured`](Self::configured).
    pub fn unconfigured(runtime: &Runtime, file: &WasmFile) -> Result<Self, LoadError> {
        let load = || {
            let described = Described::load(runtime, file, None)?;
            let answer = guest::Settings { topics: Vec::new(), day_shift_seconds: 0 };
            described.generation(file, answer, &Settings::default())
        };
        runtime.on_own_stack(load)?.ok_or(LoadError::Defect)?
    }

    fn load_here(runtime: &Runtime, file: &WasmFile, name: Option<&str>, named: &Named) -> Result<Self, LoadError> {
        let mut described = Described::load(runtime, file, name)?;
        let settings = named.get(&*described.loaded.name);
        let given = settings.filter(|settings| name.is_some() || settings.r#use.is_none());
        let settings = given.cloned().unwrap_or_default();
        let answer = match described.topics.is_empty() && given.is_none() {
            true => guest::Settings { topics: Vec::new(), day_shift_seconds: 0 },
            false => configure(&mut described.instance, &described.loaded, &settings.config_json())?,
        };
        described.generation(file, answer, &settings)
    }

    /// The name that it serves under.
    pub fn name(&self) -> &Arc<str> {
        &self.loaded.name
    }

    /// Of the file as it was given, in lower-case hexadecimal.
    pub fn sha256(&self) -> &Arc<str> {
        &self.loaded.sha256
    }

    /// Enough of it for a person to tell builds apart.
    pub fn short_sha256(&self) -> &str {
        short(&self.loaded.sha256)
    }

    /// Whether it wants to see messages without a value.
    pub fn takes_tombstones(&self) -> bool {
        self.loaded.needs.contains(Needs::TOMBSTONES)
    }

    /// Its business days, as sensors of a zone see them.
    pub fn calendar(&self, zone: &TimeZone) -> Calendar {
        Calendar::new(zone.clone(), self.day_shift_seconds)
    }

    /// The `default`s of its wanted messages' fields.
    pub fn wanted_defaults(&self) -> impl Iterator<Item = (&String, &Value)> {
        let properties = self.description.wanted_schema.get("properties").and_then(|it| it.as_object());
        properties.into_iter().flatten().filter_map(|(name, schema)| Some((name, schema.get("default")?)))
    }
}

/// A build that has said what it is, with the instance that said it.
struct Described {
    loaded: Loaded,
    instance: Instance,
    about: About,
    topics: Vec<String>,
}

impl Described {
    fn load(runtime: &Runtime, file: &WasmFile, name: Option<&str>) -> Result<Self, LoadError> {
        runtime.allowed.check(file)?;
        let form = interface::check(&file.bytes, &runtime.limits)?;
        let component = runtime.cache.compiled(&runtime.engine, &file.sha256, || component_bytes(form, &file.bytes))?;
        let pre: InstancePre<Guest> = wasi::linker(&runtime.linker, &component)?.instantiate_pre(&component)?;
        let mut loaded = Loaded {
            name: name.unwrap_or("?").into(),
            sha256: Arc::clone(&file.sha256),
            pre: MatcherPre::new(pre)?,
            needs: Needs::empty(),
        };
        let mut instance = Instance::new(&loaded, &runtime.limits).map_err(|fault| LoadError::Call("start", fault))?;
        let description = instance.describe().map_err(|fault| LoadError::Call("describe itself", fault))?;
        let about = about(&description)?;
        loaded.name = name.unwrap_or(&about.name).into();
        loaded.needs = description.needs;
        Ok(Self { loaded, instance, about, topics: description.topics })
    }

    /// With what it answered to its configuration.
    fn generation(
        self,
        file: &WasmFile,
        answer: guest::Settings,
        settings: &Settings,
    ) -> Result<Generation, LoadError> {
        let topics = match &settings.topics {
            Some(named) => named.iter().map(|topic| topic.as_str().into()).collect(),
            None => topics(answer.topics, self.topics),
        };
        Ok(Generation {
            id: next_id(),
            trust: Trust::default(),
            usage: Usage::default(),
            budget: Account::default(),
            loaded: self.loaded,
            description: self.about,
            patterns: Patterns::among(&topics).map_err(LoadError::Description)?,
            topics,
            day_shift_seconds: answer.day_shift_seconds,
            origin: file.origin.clone(),
            size: file.bytes.len(),
            config: settings.config_json(),
        })
    }
}

fn configure(instance: &mut Instance, loaded: &Loaded, config: &str) -> Result<guest::Settings, LoadError> {
    instance
        .configure(config)
        .map_err(|fault| LoadError::Call("take its configuration", fault))?
        .map_err(|problems| LoadError::Config { name: Arc::clone(&loaded.name), problems })
}

/// Those of the matcher's answer to its configuration, where it names any.
fn topics(answer: Vec<String>, description: Vec<String>) -> Vec<Arc<str>> {
    let topics = if answer.is_empty() { description } else { answer };
    topics.into_iter().map(Into::into).collect()
}

fn next_id() -> GenerationId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    GenerationId(NEXT.fetch_add(1, Ordering::Relaxed))
}

fn component_bytes(form: Form, bytes: &[u8]) -> Result<Vec<u8>, LoadError> {
    match form {
        Form::Component => Ok(bytes.to_owned()),
        Form::CoreModule => wrap(bytes).map_err(|error| LoadError::Wrap(error.into())),
    }
}

fn wrap(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    ComponentEncoder::default().validate(true).module(bytes)?.encode()
}

fn about(description: &Description) -> Result<About, LoadError> {
    let name = &description.name;
    let proper = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(proper) {
        let complaint = format!("`{name}` is no name for a matcher; use lower-case letters, digits and dashes");
        return Err(LoadError::Description(complaint));
    }
    Ok(About {
        name: name.clone(),
        version: description.version.clone(),
        summary: description.summary.clone(),
        interface: interface::VERSION,
        wanted_schema: schema("wanted message", &description.wanted_schema)?,
        message_schema: schema("message", &description.message_schema)?,
        config_schema: schema("configuration", &description.config_schema)?,
    })
}

fn schema(of: &str, text: &str) -> Result<Value, LoadError> {
    serde_json::from_str(text)
        .map_err(|error| LoadError::Description(format!("its schema of the {of} is not JSON: {error}")))
}
