//! Matchers as files: those that are built in, and those of the matcher directory.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{
    builtin::{BUILTIN_SHA256, BUILTINS},
    config::{Config, Named},
    limits::Limits,
    load::{Generation, Origin},
    registry::RegistryError,
    runtime::Runtime,
};

/// A matcher's file, as it was found.
#[derive(Clone)]
pub struct WasmFile {
    pub origin: Origin,
    /// In lower-case hexadecimal.
    pub sha256: Arc<str>,
    pub bytes: Bytes,
}

impl WasmFile {
    pub fn new(origin: Origin, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { origin, sha256: hex(&Sha256::digest(&bytes)).into(), bytes }
    }

    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File(path) => Some(path),
            Origin::BuiltIn | Origin::Pushed => None,
        }
    }

    /// The generations that the file brings: its own, and those that the configuration makes of it under other names.
    pub fn load(&self, runtime: &Runtime, named: &Named) -> Result<Vec<Generation>, RegistryError> {
        let load = |name: Option<&str>| {
            Generation::load(runtime, self, name, named).map_err(|error| RegistryError::Load(self.called(name), error))
        };
        let own = load(None)?;
        let others = named.iter().filter(|(_, settings)| settings.r#use.as_ref() == Some(&own.description.name));
        let others = others.map(|(name, _)| load(Some(name))).collect::<Result<Vec<_>, _>>()?;
        Ok(std::iter::once(own).chain(others).collect())
    }

    fn called(&self, name: Option<&str>) -> String {
        match (name, &self.origin) {
            (Some(name), _) => format!("the matcher `{name}`"),
            (None, Origin::File(path)) => format!("the matcher `{}`", path.display()),
            (None, Origin::BuiltIn) => "a built-in matcher".to_owned(),
            (None, Origin::Pushed) => "the matcher that was pushed".to_owned(),
        }
    }
}

/// The matchers that come with eventlatch.
pub fn built_in() -> Vec<WasmFile> {
    let file = |(bytes, sha256): (&'static [u8], &str)| WasmFile {
        origin: Origin::BuiltIn,
        sha256: sha256.into(),
        bytes: Bytes::from_static(bytes),
    };
    BUILTINS.into_iter().zip(BUILTIN_SHA256).map(file).collect()
}

/// The paths of the matcher directory's `*.wasm` files, in their order.
pub fn paths(directory: &Path) -> Result<Vec<PathBuf>, RegistryError> {
    let unreadable = |error| RegistryError::Directory(directory.to_owned(), error);
    let entries = fs::read_dir(directory).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
    paths.sort();
    Ok(paths)
}

/// The files of the matcher directory, if there is one.
pub fn directory(config: &Config) -> Result<Vec<WasmFile>, RegistryError> {
    let Some(directory) = &config.directory else {
        return Ok(Vec::new());
    };
    if config.directory_may_be_missing && !directory.exists() {
        return Ok(Vec::new());
    }
    let read = |path: PathBuf| read(&path, &config.limits).map_err(|error| RegistryError::File(path, error));
    paths(directory)?.into_iter().map(read).collect()
}

/// Reads one file; of one that is larger than a matcher may be only as much as shows that.
pub fn read(path: &Path, limits: &Limits) -> io::Result<WasmFile> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(limits.file() as u64 + 1).read_to_end(&mut bytes)?;
    Ok(WasmFile::new(Origin::File(path.to_owned()), bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_in_has_the_hash_of_its_bytes() {
        for file in built_in() {
            assert_eq!(WasmFile::new(Origin::BuiltIn, file.bytes.clone()).sha256, file.sha256);
        }
    }
}
