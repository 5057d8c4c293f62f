//! All matchers by name, and which of them serves a topic.

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc, time::Instant};

use super::{
    config::Config,
    files::{self, WasmFile},
    load::{Generation, LoadError, Origin},
    recent::Recent,
    runtime::Runtime,
    topics::Serves,
};

/// The matchers that serve.
#[derive(Default, Clone)]
pub struct Registry {
    posts: BTreeMap<Arc<str>, Post>,
}

/// Who serves under a name.
#[derive(Clone)]
pub struct Post {
    pub serving: Arc<Generation>,
    pub probation: Option<Probation>,
}

/// A new generation on trial.
#[derive(Clone)]
pub struct Probation {
    /// The generation before it, which judges what it cannot.
    pub previous: Arc<Generation>,
    pub until: Instant,
    /// Messages that the one before it could judge and this one could not.
    pub helped: Arc<Recent>,
}

impl Post {
    /// The post of a generation that is not on probation.
    pub fn of(serving: Arc<Generation>) -> Self {
        Self { serving, probation: None }
    }

    pub fn previous(&self) -> Option<&Arc<Generation>> {
        self.probation.as_ref().map(|probation| &probation.previous)
    }

    /// All that may be asked to judge: the serving one first.
    pub fn judging(&self) -> impl Iterator<Item = &Arc<Generation>> {
        std::iter::once(&self.serving).chain(self.previous())
    }
}

/// Why the matchers could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error("cannot read the matcher directory `{}` (hint: create it, or set `directory` in [matchers])", .0.display())]
    Directory(PathBuf, #[source] io::Error),
    #[error("cannot read the matcher `{}`", .0.display())]
    File(PathBuf, #[source] io::Error),
    #[error("cannot load {0}")]
    Load(String, #[source] LoadError),
    #[error("the matcher `{name}` is there twice, in {first} and in {second} (hint: remove one)")]
    Twice { name: Arc<str>, first: Origin, second: Origin },
    #[error(
        "there is no matcher `{wanted}` for [matchers.{name}] (hint: the matchers are {known}; `use` names another one)"
    )]
    Unknown { name: String, wanted: String, known: String },
}

/// Why no matcher can be told to serve a topic.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    #[error("no matcher serves the topic `{topic}` (hint: topics served are {served})")]
    Unserved { topic: String, served: String },
    #[error("the topic `{topic}` is served by several matchers: {matchers} (hint: name one with `matcher = \"…\"`)")]
    Ambiguous { topic: String, matchers: String },
    #[error("there is no matcher `{name}` (hint: the matchers are {known})")]
    UnknownMatcher { name: String, known: String },
    #[error("the matcher `{name}` does not serve the topic `{topic}` (hint: it serves {served})")]
    NotServed { name: String, topic: String, served: String },
}

impl Registry {
    /// Loads the built-in matchers, those of the directory's files, and those that the configuration names beside them. A
    /// file that cannot serve is given to `otherwise`: it gives up, or leaves it out, or knows another one for its place.
    pub fn load(
        runtime: &Runtime,
        config: &Config,
        files: &[WasmFile],
        mut otherwise: impl FnMut(&WasmFile, RegistryError) -> Result<Option<WasmFile>, RegistryError>,
    ) -> Result<Self, RegistryError> {
        let mut registry = Self::default();
        for file in files::built_in() {
            registry = registry.with_file(&file, runtime, config)?;
        }
        for file in files {
            let added = registry.with_file(file, runtime, config);
            let added = added.or_else(|error| match otherwise(file, error)? {
                Some(instead) => registry.with_file(&instead, runtime, config).or_else(|error| {
                    otherwise(&instead, error)?;
                    Ok(registry.clone())
                }),
                None => Ok(registry.clone()),
            });
            registry = added?;
        }
        Ok(registry)
    }

    /// Whether there are all matchers that the configuration has settings for.
    pub fn has_all(&self, config: &Config) -> Result<(), RegistryError> {
        for (name, settings) in &config.named {
            let wanted = settings.r#use.as_ref().unwrap_or(name);
            self.get(wanted).ok_or_else(|| self.unknown(name, wanted))?;
        }
        Ok(())
    }

    /// The same with all generations of a file.
    fn with_file(&self, file: &WasmFile, runtime: &Runtime, config: &Config) -> Result<Self, RegistryError> {
        let mut registry = self.clone();
        for generation in file.load(runtime, &config.named)? {
            if let Some(earlier) = registry.get(generation.name()) {
                replaces(earlier, &generation)?;
            }
            registry = registry.with(Post::of(Arc::new(generation)));
        }
        Ok(registry)
    }

    /// The same with another post under its name.
    pub fn with(&self, post: Post) -> Self {
        let mut posts = self.posts.clone();
        posts.insert(Arc::clone(post.serving.name()), post);
        Self { posts }
    }

    /// The same without anybody under a name.
    pub fn without(&self, name: &str) -> Self {
        let mut posts = self.posts.clone();
        posts.remove(name);
        Self { posts }
    }

    pub fn posts(&self) -> impl Iterator<Item = &Post> {
        self.posts.values()
    }

    pub fn get(&self, name: &str) -> Option<&Arc<Generation>> {
        self.post(name).map(|post| &post.serving)
    }

    pub fn post(&self, name: &str) -> Option<&Post> {
        self.posts.get(name)
    }

    /// Those that serve a topic, in the order of their names. One without a topic of its own (`fields`) serves only
    /// where the configuration gives it one.
    pub fn serving_any(&self) -> impl Iterator<Item = &Arc<Generation>> {
        self.all().filter(|generation| !generation.topics.is_empty())
    }

    /// In the order of their names.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Generation>> {
        self.posts.values().map(|post| &post.serving)
    }

    /// The matcher for a topic: the one that is named, or the only one that serves it.
    pub fn serving(&self, topic: &str, named: Option<&str>) -> Result<&Arc<Generation>, TopicError> {
        match named {
            Some(name) => self.named_for(topic, name),
            None => self.only_one_for(topic),
        }
    }

    fn named_for(&self, topic: &str, name: &str) -> Result<&Arc<Generation>, TopicError> {
        let unknown = || TopicError::UnknownMatcher { name: name.to_owned(), known: self.names() };
        let generation = self.get(name).ok_or_else(unknown)?;
        if generation.serves(topic).is_some() {
            return Ok(generation);
        }
        let served = list(generation.topics.iter());
        Err(TopicError::NotServed { name: name.to_owned(), topic: topic.to_owned(), served })
    }

    fn only_one_for(&self, topic: &str) -> Result<&Arc<Generation>, TopicError> {
        let serving = |how| self.all().filter(|it| it.serves(topic) == Some(how)).collect::<Vec<_>>();
        let mut serving_it = serving(Serves::ByName);
        if serving_it.is_empty() {
            serving_it = serving(Serves::ByPattern);
        }
        match serving_it.as_slice() {
            [only] => Ok(*only),
            [] => {
                let served = list(self.all().flat_map(|generation| &generation.topics));
                Err(TopicError::Unserved { topic: topic.to_owned(), served })
            }
            several => {
                let matchers = list(several.iter().map(|it| it.name()));
                Err(TopicError::Ambiguous { topic: topic.to_owned(), matchers })
            }
        }
    }

    fn unknown(&self, name: &str, wanted: &str) -> RegistryError {
        RegistryError::Unknown { name: name.to_owned(), wanted: wanted.to_owned(), known: self.names() }
    }

    fn names(&self) -> String {
        list(self.posts.keys())
    }
}

fn list<'a>(names: impl Iterator<Item = &'a Arc<str>>) -> String {
    let quoted: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() { "none".to_owned() } else { quoted.join(", ") }
}

/// A file may replace a built-in matcher of its name, but not another file.
fn replaces(earlier: &Generation, later: &Generation) -> Result<(), RegistryError> {
    if earlier.origin == Origin::BuiltIn && later.origin != Origin::BuiltIn {
        tracing::info!(matcher = &**later.name(), origin = %later.origin, "A file replaces the built-in matcher");
        return Ok(());
    }
    let (first, second) = (earlier.origin.clone(), later.origin.clone());
    Err(RegistryError::Twice { name: Arc::clone(later.name()), first, second })
}
