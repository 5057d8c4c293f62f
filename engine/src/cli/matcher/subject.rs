//! The matcher that an author works on: a folder, which is built first, or a file.

use std::path::Path;

use super::{Exit, Failure};
use crate::{
    author::{self, BuildError, Built, Make, Project},
    config::Config,
    matcher::{Cache, Generation, Runtime, WasmFile, cases, cases::Case, files},
};

/// A matcher under test.
pub(super) struct Subject {
    pub(super) runtime: Runtime,
    pub(super) file: WasmFile,
    /// Not configured.
    pub(super) generation: Generation,
    pub(super) cases: Vec<Case>,
    /// Of a file there is none.
    pub(super) project: Option<Project>,
}

impl Subject {
    pub(super) fn open(config: &Config, path: &Path) -> Result<Self, Failure> {
        let runtime = runtime(config)?;
        match path.is_file() {
            true => Self::of_file(runtime, path),
            false => Self::of_folder(runtime, path),
        }
    }

    fn of_file(runtime: Runtime, path: &Path) -> Result<Self, Failure> {
        let failed =
            |error: anyhow::Error| Failure::new(Exit::Matcher, error.context(format!("cannot use {}", path.display())));
        let file = files::read(path, runtime.limits()).map_err(|error| failed(error.into()))?;
        let generation = Generation::unconfigured(&runtime, &file).map_err(|error| failed(error.into()))?;
        let cases = cases::embedded(&file.bytes).map_err(|error| failed(error.into()))?;
        Ok(Self { runtime, file, generation, cases, project: None })
    }

    fn of_folder(runtime: Runtime, folder: &Path) -> Result<Self, Failure> {
        let project = open(folder)?;
        let Built { file, generation, .. } = build(&project, &runtime, Make::IfChanged)?;
        let files = project.cases().map_err(Failure::config)?;
        let cases = files.iter().map(|file| cases::read(file)).collect::<Result<Vec<_>, _>>();
        let cases = cases.map_err(Failure::config)?.into_iter().flatten().collect();
        Ok(Self { runtime, file, generation, cases, project: Some(project) })
    }
}

pub(super) fn runtime(config: &Config) -> Result<Runtime, Failure> {
    let cache = config.matchers.cache.as_deref().map(Cache::open).unwrap_or_default();
    Runtime::new(config.matchers.limits.clone(), cache).map_err(|error| Failure::new(Exit::Matcher, error))
}

pub(super) fn open(folder: &Path) -> Result<Project, Failure> {
    Project::open(folder).map_err(|error| Failure::new(Exit::Matcher, error))
}

pub(super) fn build(project: &Project, runtime: &Runtime, make: Make) -> Result<Built, Failure> {
    author::build::build(project, runtime, make).map_err(|error| match error {
        BuildError::Cases(error) => Failure::config(error),
        error => Failure::new(Exit::Matcher, error),
    })
}

/// Bytes as people read them.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ if bytes.is_multiple_of(1_048_576) => format!("{} MiB", bytes / 1_048_576),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
