//! From a project's sources to its file: the language's own tool makes it, its cases go into it, and it must load.

mod js;
mod python;
mod rust;
mod sources;
mod tool;

use std::{fs, io, path::PathBuf};

pub use tool::ToolError;

use super::{language::Language, project::Project};
use crate::matcher::{
    Generation, LoadError, Origin, Runtime, WasmFile,
    cases::{EmbedError, WrongCase, embed, read},
};

/// A matcher that was built.
pub struct Built {
    pub path: PathBuf,
    pub file: WasmFile,
    pub generation: Generation,
}

/// Why a project could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error("cannot read `{}`, which should have been built", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    #[error(transparent)]
    Cases(#[from] WrongCase),
    #[error("its cases cannot be put into `{}`", .0.display())]
    Embed(PathBuf, #[source] EmbedError),
    #[error("what was built is no matcher that can serve")]
    Load(#[source] Box<LoadError>),
    #[error("cannot write `{}`", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

/// Whether a component is made although nothing has changed that it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Make {
    Always,
    IfChanged,
}

/// Builds a project. What its language's tool says goes to the standard error, as it is said. (Cargo knows itself what has
/// changed.)
pub fn build(project: &Project, runtime: &Runtime, make: Make) -> Result<Built, BuildError> {
    // Before minutes are spent on a build.
    let cases = project.cases()?;
    cases.iter().try_for_each(|file| read(file).map(drop))?;
    let made = match project.language {
        Language::Rust => rust::make(project)?,
        Language::Python => python::make(project, make)?,
        Language::JavaScript => js::make(project, make)?,
    };
    let bytes = fs::read(&made).map_err(|error| BuildError::Unreadable(made.clone(), error))?;
    let bytes = embed(&bytes, &cases).map_err(|error| BuildError::Embed(made.clone(), error))?;
    let file = WasmFile::new(Origin::File(made), bytes);
    let generation = Generation::unconfigured(runtime, &file);
    let generation = generation.map_err(|error| BuildError::Load(Box::new(error)))?;
    let path = project.build().join(format!("{}.wasm", generation.description.name));
    let written = fs::create_dir_all(project.build()).and_then(|()| fs::write(&path, &file.bytes));
    written.map_err(|error| BuildError::Write(path.clone(), error))?;
    let file = WasmFile { origin: Origin::File(path.clone()), ..file };
    Ok(Built { path, file, generation })
}
