//! All matchers by name, and which of them serves a topic.

use std::{collections::BTreeMap, fs, io, path::PathBuf, sync::Arc};

use super::{
    builtin::BUILTINS,
    config::{Config, Settings},
    load::{Generation, LoadError, Origin},
    runtime::Runtime,
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
    /// The generation before it, as long as the serving one is on probation.
    pub previous: Option<Arc<Generation>>,
}

impl Post {
    /// All that may be asked to judge: the serving one first.
    pub fn judging(&self) -> impl Iterator<Item = &Arc<Generation>> {
        std::iter::once(&self.serving).chain(&self.previous)
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

/// The bytes of a matcher and where they came from.
struct File {
    bytes: Vec<u8>,
    origin: Origin,
}

impl Registry {
    /// Loads the built-in matchers, those of the directory, and those that the configuration names beside them.
    pub fn load(runtime: &Runtime, config: &Config) -> Result<Self, RegistryError> {
        let loader = Loader { runtime, named: &config.named };
        let mut registry = Self::default();
        let mut files: BTreeMap<String, File> = BTreeMap::new();
        let built_in = BUILTINS.map(|bytes| File { bytes: bytes.to_owned(), origin: Origin::BuiltIn });
        for file in built_in.into_iter().chain(directory(config)?) {
            let about = loader.load(&file, None)?;
            if let Some(earlier) = files.get(&about.description.name) {
                replaces(&earlier.origin, &about)?;
            }
            files.insert(about.description.name.clone(), file);
            registry.insert(about);
        }
        for (name, settings) in &config.named {
            let wanted = settings.r#use.as_ref().unwrap_or(name);
            let file = files.get(wanted).ok_or_else(|| unknown(name, wanted, &files))?;
            if settings.r#use.is_some() {
                registry.insert(loader.load(file, Some(name))?);
            }
        }
        Ok(registry)
    }

    fn insert(&mut self, generation: Generation) {
        let name = Arc::clone(generation.name());
        self.posts.insert(name, Post { serving: Arc::new(generation), previous: None });
    }

    /// The same with another post under its name.
    pub fn with(&self, post: Post) -> Self {
        let mut posts = self.posts.clone();
        posts.insert(Arc::clone(post.serving.name()), post);
        Self { posts }
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
        if serves(generation, topic) {
            return Ok(generation);
        }
        let served = list(generation.topics.iter());
        Err(TopicError::NotServed { name: name.to_owned(), topic: topic.to_owned(), served })
    }

    fn only_one_for(&self, topic: &str) -> Result<&Arc<Generation>, TopicError> {
        let mut serving = self.all().filter(|generation| serves(generation, topic));
        match (serving.next(), serving.next()) {
            (Some(only), None) => Ok(only),
            (Some(first), Some(second)) => {
                let all = [first, second].into_iter().chain(serving);
                Err(TopicError::Ambiguous { topic: topic.to_owned(), matchers: list(all.map(|it| it.name())) })
            }
            (None, _) => {
                let served = list(self.all().flat_map(|generation| &generation.topics));
                Err(TopicError::Unserved { topic: topic.to_owned(), served })
            }
        }
    }

    fn names(&self) -> String {
        list(self.posts.keys())
    }
}

fn serves(generation: &Generation, topic: &str) -> bool {
    generation.topics.iter().any(|served| &**served == topic)
}

fn list<'a>(names: impl Iterator<Item = &'a Arc<str>>) -> String {
    let quoted: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() { "none".to_owned() } else { quoted.join(", ") }
}

/// A file may replace a built-in matcher of its name, but not another file.
fn replaces(earlier: &Origin, later: &Generation) -> Result<(), RegistryError> {
    if *earlier != Origin::BuiltIn {
        let (first, second) = (earlier.clone(), later.origin.clone());
        return Err(RegistryError::Twice { name: Arc::clone(later.name()), first, second });
    }
    tracing::info!(matcher = &**later.name(), origin = %later.origin, "A file replaces the built-in matcher");
    Ok(())
}

fn unknown(name: &str, wanted: &str, files: &BTreeMap<String, File>) -> RegistryError {
    let known = files.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    RegistryError::Unknown { name: name.to_owned(), wanted: wanted.to_owned(), known }
}

struct Loader<'a> {
    runtime: &'a Runtime,
    named: &'a BTreeMap<String, Settings>,
}

impl Loader<'_> {
    fn load(&self, file: &File, name: Option<&str>) -> Result<Generation, RegistryError> {
        let what = || match (name, &file.origin) {
            (Some(name), _) => format!("the matcher `{name}`"),
            (None, Origin::File(path)) => format!("the matcher `{}`", path.display()),
            (None, Origin::BuiltIn) => "a built-in matcher".to_owned(),
        };
        Generation::load(self.runtime, &file.bytes, file.origin.clone(), name, self.named)
            .map_err(|error| RegistryError::Load(what(), error))
    }
}

fn directory(config: &Config) -> Result<Vec<File>, RegistryError> {
    let Some(directory) = &config.directory else {
        return Ok(Vec::new());
    };
    let unreadable = |error| RegistryError::Directory(directory.clone(), error);
    let entries = fs::read_dir(directory).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    paths.sort();
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Result<File, RegistryError> {
    match fs::read(&path) {
        Ok(bytes) => Ok(File { bytes, origin: Origin::File(path) }),
        Err(error) => Err(RegistryError::File(path, error)),
    }
}
