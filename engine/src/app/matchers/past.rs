//! What the store knows of matchers from before.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    error::Error,
    path::Path,
    time::Duration,
};

use jiff::Timestamp;

use super::{refused_file, stem};
use crate::{
    domain::generation::{self, GenerationState, short},
    matcher::{Generation, Origin, RegistryError, WasmFile, files},
    pipeline::standing::{RefusedBuild, RefusedFile},
    store::{Store, StoreError},
};

/// So many of each matcher's builds may be wanted at start.
const WANTED: usize = 3;

/// What the store knows of matchers from before.
#[derive(Default)]
pub(in crate::app) struct Past {
    /// The newest first.
    generations: Vec<generation::Generation>,
    pins: BTreeMap<String, String>,
    /// The files that may be wanted.
    modules: HashMap<String, Vec<u8>>,
    has_run: bool,
}

impl Past {
    pub(in crate::app) async fn of(store: &Store, directory: Option<&Path>) -> Result<Self, StoreError> {
        let generations = store.generations().await?;
        let pins: BTreeMap<_, _> = store.pins().await?.into_iter().collect();
        let from_here = |it: &generation::Generation| Path::new(&it.origin).parent() == directory;
        let has_run =
            directory.is_some() && generations.iter().any(from_here) || !store.sensors_of_files().await?.is_empty();
        let mut past = Self { generations, pins, modules: HashMap::new(), has_run };
        for sha256 in past.wanted() {
            if let Some(wasm) = store.module(sha256.clone()).await? {
                past.modules.insert(sha256, wasm);
            }
        }
        Ok(past)
    }

    /// The builds that may be wanted: those that are pinned, those that serve, and the last few of each matcher.
    fn wanted(&self) -> BTreeSet<String> {
        let mut wanted: BTreeSet<_> = self.pins.values().cloned().collect();
        for name in self.names() {
            let mut of_name = BTreeSet::new();
            let newest = self.builds(name).filter(|it| it.state != GenerationState::RolledBack);
            of_name.extend(newest.map(|it| &it.sha256).take(WANTED).cloned());
            of_name.extend(self.builds(name).find(|it| serves(it.state)).map(|it| it.sha256.clone()));
            wanted.extend(of_name);
        }
        wanted
    }

    /// Matchers that served once.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let served = self.generations.iter().filter(|it| it.state != GenerationState::Refused);
        let names: BTreeSet<_> = served.map(|it| it.matcher.as_str()).collect();
        names.into_iter()
    }

    pub(super) fn pins(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pins.iter().map(|(name, sha256)| (name.as_str(), sha256.as_str()))
    }

    /// The builds of a matcher that served, the newest first.
    fn builds(&self, name: &str) -> impl Iterator<Item = &generation::Generation> + Clone {
        self.generations.iter().filter(move |it| it.matcher == name && it.state != GenerationState::Refused)
    }

    /// The last build of a matcher that was any good.
    pub(super) fn last(&self, name: &str) -> Option<&str> {
        self.builds(name).find(|it| it.state != GenerationState::RolledBack).map(|it| it.sha256.as_str())
    }

    /// Whether a matcher served from a file to the end.
    pub(super) fn served_from(&self, file: &WasmFile) -> bool {
        self.served(file).is_some()
    }

    fn served(&self, file: &WasmFile) -> Option<&generation::Generation> {
        let origin = file.origin.to_string();
        self.generations.iter().find(|it| serves(it.state) && it.origin == origin)
    }

    /// An error is no reason not to start where the service has run before.
    pub(super) fn tolerates(&self, error: RegistryError) -> Result<(), RegistryError> {
        if !self.has_run {
            return Err(error);
        }
        tracing::error!(error = &error as &dyn Error, "A matcher is missing: its topics wait for it");
        Ok(())
    }

    /// What serves in place of a file that cannot: what served from there before, or nothing.
    pub(super) fn instead(
        &self,
        file: &WasmFile,
        error: RegistryError,
        refused: &mut Vec<RefusedFile>,
    ) -> Result<Option<WasmFile>, RegistryError> {
        if !self.has_run {
            return Err(error);
        }
        let served = self.served(file);
        let name = match (&error, served) {
            (RegistryError::Twice { name, .. }, _) => name.to_string(),
            (_, Some(served)) => served.matcher.clone(),
            (_, None) => stem(file).to_string(),
        };
        let instead = served.filter(|served| served.sha256 != *file.sha256);
        let instead = instead.and_then(|served| self.file(&served.sha256, file.origin.clone()));
        let goes_on = if instead.is_some() { "what served before it serves on" } else { "it is left out" };
        tracing::error!(error = &error as &dyn Error, matcher = name, goes_on, "A matcher's file is refused");
        refused.push(refused_file(&name, file, &error));
        Ok(instead)
    }

    /// What is to serve in place of a generation: the pinned build, or the one before a build that was rolled back or
    /// refused. With what is refused then.
    pub(super) fn overruled(&self, generation: &Generation) -> Option<(WasmFile, Option<RefusedFile>)> {
        let (name, sha256) = (&**generation.name(), &**generation.sha256());
        let (ruling, refused, why) = match self.pins.get(name) {
            Some(pinned) => (pinned, None, "it is pinned"),
            None => {
                let last = self.generations.iter().find(|it| it.matcher == name && it.sha256 == sha256)?;
                let served = &self.builds(name).find(|it| serves(it.state))?.sha256;
                match last.state {
                    GenerationState::RolledBack => (served, None, "the file in the directory was rolled back"),
                    GenerationState::Refused => {
                        (served, Some(refused_before(last)), "the file in the directory was refused")
                    }
                    _ => return None,
                }
            }
        };
        if ruling == sha256 {
            return None;
        }
        let file = match &generation.origin {
            Origin::BuiltIn => self.kept(name, ruling)?,
            place => self.file(ruling, place.clone())?,
        };
        tracing::warn!(matcher = name, serving = short(ruling), "An earlier build of a matcher serves: {why}");
        Some((file, refused))
    }

    /// The build that served before a young one, and for how long that one is on trial still.
    pub(super) fn trial(&self, serving: &Generation, span: Duration) -> Option<(&str, Duration)> {
        let is_same = |it: &&generation::Generation| it.sha256 == **serving.sha256();
        let mut builds = self.builds(serving.name());
        // A push is a pin, too, and on trial; what somebody pinned is not.
        let is_pushed = builds.clone().any(|it| is_same(&it) && it.origin == Origin::Pushed.to_string());
        let is_chosen = self.pins.contains_key(&**serving.name()) && !is_pushed;
        if serving.origin == Origin::BuiltIn || is_chosen {
            return None;
        }
        let since = builds.clone().take_while(is_same).last().map(|first| first.loaded_at);
        let age = since.map_or(Duration::ZERO, |since| Timestamp::now().duration_since(since).unsigned_abs());
        let rest = span.checked_sub(age).filter(|rest| !rest.is_zero())?;
        // After one that was rolled back the serving one is no novelty.
        let before = builds.find(|it| !is_same(it)).filter(|it| it.state != GenerationState::RolledBack)?;
        Some((&before.sha256, rest))
    }

    /// A build of a matcher whose file is kept, as if it came from where it came from.
    pub(super) fn kept(&self, name: &str, sha256: &str) -> Option<WasmFile> {
        let build = self.builds(name).find(|it| it.sha256 == sha256);
        self.file(sha256, build.map_or(Origin::BuiltIn, |build| Origin::from(build.origin.as_str())))
    }

    /// The file with this hash, as if it lay in the place of another.
    fn file(&self, sha256: &str, place: Origin) -> Option<WasmFile> {
        if let Some(wasm) = self.modules.get(sha256) {
            return Some(WasmFile::new(place, wasm.clone()));
        }
        files::built_in().into_iter().find(|file| *file.sha256 == *sha256)
    }
}

fn refused_before(it: &generation::Generation) -> RefusedFile {
    let (sha256, origin, at) = (it.sha256.clone(), it.origin.clone(), it.loaded_at);
    let reason = it.reason.clone().unwrap_or_default();
    RefusedFile { matcher: it.matcher.clone(), build: RefusedBuild { sha256, origin, at, reason } }
}

fn serves(state: GenerationState) -> bool {
    matches!(state, GenerationState::Serving | GenerationState::Quarantined)
}
