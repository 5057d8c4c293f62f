//! What is remembered of a matcher's file.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use crate::{
    app::Matchers,
    matcher::{Generation, Origin, Registry, WasmFile},
    pipeline::standing::RefusedFile,
};

/// What was seen of a file.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) sha256: Arc<str>,
    /// The matchers that serve from it, be it with what it held before.
    pub(super) serves: Vec<Arc<str>>,
    /// What of it does not serve.
    pub(super) refused: Vec<RefusedFile>,
    /// Whether it was refused over what passes by itself, and so is tried again at every look.
    pub(super) passes: bool,
    /// Since when it is missing.
    pub(super) gone: Option<Instant>,
}

impl Seen {
    pub(super) fn at_start(file: &WasmFile, matchers: &Matchers) -> Option<(PathBuf, Self)> {
        let path = file.path()?.to_owned();
        let here = file.origin.to_string();
        let refused = matchers.refused.iter().filter(|it| it.build.origin == here).cloned().collect();
        let serves = serving_from(&matchers.registry, &path);
        Some((path, Self { sha256: Arc::clone(&file.sha256), serves, refused, passes: false, gone: None }))
    }

    /// Whether there is a reason to try the same content again.
    pub(super) fn is_due(&self, retry: bool) -> bool {
        self.passes || retry && !self.refused.is_empty()
    }
}

fn serving_from(registry: &Registry, path: &Path) -> Vec<Arc<str>> {
    let from = |it: &&Arc<Generation>| matches!(&it.origin, Origin::File(origin) if origin == path);
    registry.all().filter(from).map(|it| Arc::clone(it.name())).collect()
}
