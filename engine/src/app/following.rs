//! The matcher directory, followed while the service runs: what is different there takes its post, if it can.

mod acting;

use std::{
    collections::BTreeMap,
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::Matchers;
use crate::{
    config::watch::Watch,
    domain::generation::{self, GenerationState},
    matcher::{self, Generation, Origin, Registry, Runtime, WasmFile, files},
    pipeline::{Shared, Stop, acts::Order, matchers::Refusal},
};

/// A file that is gone acts after so long: whoever writes it anew may delete it first.
const VANISHED: Duration = Duration::from_secs(5);

/// Follows the matcher directory.
pub(super) struct Following {
    directory: Option<PathBuf>,
    config: matcher::Config,
    runtime: Runtime,
    shared: Shared,
    seen: BTreeMap<PathBuf, Seen>,
}

/// What was seen of a file.
struct Seen {
    sha256: Arc<str>,
    /// The matchers that serve from it.
    serves: Vec<Arc<str>>,
    gone: Option<Instant>,
}

/// Why a file does not serve.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Load(#[from] matcher::RegistryError),
    #[error(transparent)]
    Refusal(#[from] Refusal),
    #[error("{0} serves under the name `{1}` already (hint: remove one of the two files)")]
    Twice(Origin, Arc<str>),
}

impl Following {
    pub(super) fn new(matchers: &Matchers, config: &matcher::Config, shared: &Shared) -> Self {
        let registry = &matchers.registry;
        let seen = |file: &WasmFile| {
            let path = file.path()?.to_owned();
            let serves = serving_from(registry, &path);
            Some((path, Seen { sha256: Arc::clone(&file.sha256), serves, gone: None }))
        };
        Self {
            directory: config.directory.clone(),
            config: config.clone(),
            runtime: matchers.runtime.clone(),
            shared: shared.clone(),
            seen: matchers.files.iter().filter_map(seen).collect(),
        }
    }

    /// Follows, and does what people ask for, until the service stops.
    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>, mut stop: watch::Receiver<Stop>) {
        let mut watch = self.directory.as_deref().map(Watch::begin);
        while *stop.borrow() == Stop::Not {
            let gone = self.seen.values().filter_map(|seen| seen.gone).min();
            let again = gone.map_or(VANISHED, |gone| (gone + VANISHED).saturating_duration_since(Instant::now()));
            tokio::select! {
                () = changed(watch.as_mut()) => self.look().await,
                () = tokio::time::sleep(again), if gone.is_some() => self.look().await,
                Some(Order { matcher, act, answer }) = orders.recv() => drop(answer.send(self.obey(&matcher, act).await)),
                _ = stop.changed() => {}
            }
        }
    }

    /// Looks at the directory and takes what is different.
    async fn look(&mut self) {
        let Some(directory) = &self.directory else {
            return;
        };
        let paths = match files::paths(directory) {
            Ok(paths) => paths,
            Err(error) => {
                tracing::error!(error = &error as &dyn Error, "The matchers that serve go on as they are");
                return;
            }
        };
        for path in &paths {
            match files::read(path, &self.config.limits) {
                Ok(file) => self.see(path, file).await,
                Err(error) => tracing::warn!(path = %path.display(), %error, "A matcher cannot be read now"),
            }
        }
        for path in self.gone(&paths) {
            self.vanished(&path).await;
        }
    }

    async fn see(&mut self, path: &Path, file: WasmFile) {
        let serves = match self.seen.get_mut(path) {
            Some(seen) if seen.sha256 == file.sha256 => {
                seen.gone = None;
                return;
            }
            seen => seen.map(|seen| seen.serves.clone()).unwrap_or_default(),
        };
        let sha256 = Arc::clone(&file.sha256);
        let now = self.take(file, &serves).await;
        for left in serves.iter().filter(|name| !now.contains(name)) {
            self.leave(left, path).await;
        }
        self.seen.insert(path.to_owned(), Seen { sha256, serves: now, gone: None });
    }

    /// Has the generations of a file take their posts. The answer is who serves from it now.
    async fn take(&self, file: WasmFile, before: &[Arc<str>]) -> Vec<Arc<str>> {
        let (runtime, named, loading) = (self.runtime.clone(), self.config.named.clone(), file.clone());
        let loaded = tokio::task::spawn_blocking(move || loading.load(&runtime, &named));
        match loaded.await.expect("loading a matcher does not panic") {
            Ok(generations) => self.appoint_all(&file, generations, before).await,
            Err(error) => {
                let name = before.first().cloned().unwrap_or_else(|| stem(&file));
                self.refuse(&name, &file, None, &error.into()).await;
                before.to_vec()
            }
        }
    }

    async fn appoint_all(&self, file: &WasmFile, all: Vec<Generation>, before: &[Arc<str>]) -> Vec<Arc<str>> {
        let mut serving = Vec::new();
        for generation in all.into_iter().map(Arc::new) {
            let name = Arc::clone(generation.name());
            match self.appoint(file, &generation).await {
                Ok(()) => serving.push(name),
                Err(refused) => {
                    self.refuse(&name, file, Some(&generation), &refused).await;
                    serving.extend(before.contains(&name).then_some(name));
                }
            }
        }
        serving
    }

    async fn appoint(&self, file: &WasmFile, generation: &Arc<Generation>) -> Result<(), Refused> {
        let name = generation.name();
        if let Some(other) = self.shared.live.load().registry.get(name)
            && !matches!(&other.origin, Origin::BuiltIn)
            && other.origin != generation.origin
        {
            return Err(Refused::Twice(other.origin.clone(), Arc::clone(name)));
        }
        if self.shared.is_pinned(name).await {
            tracing::warn!(
                matcher = &**name,
                "A new file is there, but the matcher is pinned to the build that serves"
            );
            return Ok(());
        }
        let probation = Duration::from_secs(u64::from(self.config.probation_minutes) * 60);
        self.shared.appoint(Arc::clone(generation), Some(Arc::clone(&file.bytes)), probation).await?;
        tracing::info!(
            matcher = &**name, version = generation.description.version, origin = %generation.origin,
            sha256 = generation.short_sha256(), "A new matcher serves"
        );
        Ok(())
    }

    async fn refuse(&self, name: &str, file: &WasmFile, generation: Option<&Generation>, why: &Refused) {
        let reason = chain(why);
        let goes_on =
            if self.shared.live.load().registry.get(name).is_some() { "the one before serves on" } else { "" };
        tracing::error!(file = %file.origin, reason, goes_on, "A matcher is refused");
        let refused = generation::Generation {
            matcher: name.to_owned(),
            sha256: file.sha256.to_string(),
            version: generation.map(|it| it.description.version.clone()).unwrap_or_default(),
            interface: generation.map(|it| it.description.interface.to_owned()).unwrap_or_default(),
            origin: file.origin.to_string(),
            loaded_at: Timestamp::now(),
            state: GenerationState::Refused,
            reason: Some(reason),
            ended_at: None,
        };
        if let Err(error) = self.shared.store.save_generation(refused, None).await {
            tracing::error!(error = &error as &dyn Error, "That a matcher was refused was not kept");
        }
    }

    /// The files that are gone for long enough.
    fn gone(&mut self, paths: &[PathBuf]) -> Vec<PathBuf> {
        let now = Instant::now();
        let missing = self.seen.iter_mut().filter(|(path, _)| !paths.contains(path));
        let is_over = |(path, seen): (&PathBuf, &mut Seen)| {
            let since = *seen.gone.get_or_insert(now);
            (now.duration_since(since) >= VANISHED).then(|| path.clone())
        };
        missing.filter_map(is_over).collect()
    }

    async fn vanished(&mut self, path: &Path) {
        let Some(seen) = self.seen.remove(path) else {
            return;
        };
        for name in &seen.serves {
            self.leave(name, path).await;
        }
    }

    /// A file serves no longer under a name: the built-in matcher of that name does, if there is one.
    async fn leave(&self, name: &Arc<str>, path: &Path) {
        for file in files::built_in() {
            let loaded = file.load(&self.runtime, &self.config.named);
            let found = loaded.into_iter().flatten().find(|it| it.name() == name);
            if let Some(generation) = found.map(Arc::new) {
                if let Err(refused) = self.shared.appoint(Arc::clone(&generation), None, Duration::ZERO).await {
                    self.refuse(name, &file, Some(&generation), &refused.into()).await;
                }
                return;
            }
        }
        let reason = format!("its file `{}` was removed", path.display());
        self.shared.dismiss(name, &reason).await;
    }
}

async fn changed(watch: Option<&mut Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

fn serving_from(registry: &Registry, path: &Path) -> Vec<Arc<str>> {
    let from = |it: &&Arc<Generation>| matches!(&it.origin, Origin::File(origin) if origin == path);
    registry.all().filter(from).map(|it| Arc::clone(it.name())).collect()
}

fn stem(file: &WasmFile) -> Arc<str> {
    file.path().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into()).unwrap_or_else(|| "?".into())
}

/// An error with all that is behind it, on one line. Transparent ones say the same as what is behind them.
pub(super) fn chain(error: &dyn Error) -> String {
    let text = error.to_string();
    match error.source().map(chain) {
        Some(behind) if behind == text || text.is_empty() => behind,
        Some(behind) => format!("{text}: {behind}"),
        None => text,
    }
}
