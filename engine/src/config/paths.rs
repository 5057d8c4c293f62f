//! Relative paths of the configuration are relative to its file.

use std::path::{Path, PathBuf};

use super::Config;

impl Config {
    pub(super) fn resolve_paths(&mut self, base: &Path) {
        let resolve = |path: &mut PathBuf| *path = base.join(&*path);
        resolve(&mut self.store.path);
        resolve(&mut self.sensors.directory);
        if !self.telemetry.file.path.as_os_str().is_empty() {
            resolve(&mut self.telemetry.file.path);
        }
        if let Some(sql) = &mut self.marking.sql {
            resolve(&mut sql.database);
        }
        self.matchers.allowed.file.iter_mut().for_each(resolve);
        match &mut self.matchers.directory {
            Some(directory) => resolve(directory),
            none => {
                *none = Some(base.join("matchers"));
                self.matchers.directory_may_be_missing = true;
            }
        }
        match &mut self.matchers.cache {
            Some(cache) => resolve(cache),
            none => *none = user_cache(),
        }
    }
}

/// `eventlatch` in the user's cache directory, by the XDG rules.
pub fn user_cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("eventlatch"))
}
