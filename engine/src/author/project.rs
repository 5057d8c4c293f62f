//! A folder with the sources of a matcher, and where things are in it.

use std::path::{Path, PathBuf};

use super::language::Language;
use crate::matcher::cases;

/// A matcher's folder.
#[derive(Debug, Clone)]
pub struct Project {
    pub folder: PathBuf,
    pub language: Language,
}

/// Why a folder is none.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error("there is no folder `{}`", .0.display())]
    Missing(PathBuf),
    #[error(
        "`{}` is no matcher's folder: it has no `Cargo.toml`, `matcher.py` or `package.json` (hint: `eventlatch matcher new \
         NAME` makes one)",
        .0.display()
    )]
    Unknown(PathBuf),
}

impl Project {
    /// Recognises the language of a folder.
    pub fn open(folder: &Path) -> Result<Self, ProjectError> {
        if !folder.is_dir() {
            return Err(ProjectError::Missing(folder.to_owned()));
        }
        let language = Language::of(folder).ok_or_else(|| ProjectError::Unknown(folder.to_owned()))?;
        Ok(Self { folder: folder.to_owned(), language })
    }

    /// What is built goes here, and what is noted of it.
    pub fn build(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// The files of its cases.
    pub fn cases(&self) -> Result<Vec<PathBuf>, cases::WrongCase> {
        cases::files(&self.folder.join("cases"))
    }

    /// The folder of its scenarios, which need not be there.
    pub fn scenarios(&self) -> PathBuf {
        self.folder.join("scenarios")
    }
}
