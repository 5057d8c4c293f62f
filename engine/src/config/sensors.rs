//! Sensor files: TOML or JSON, whose wanted messages are the seed's dictionaries unchanged.
//!
//! Read in three steps: [`Folder`] looks which files are other than they were, a file's text becomes drafts that know
//! their lines (`draft`), and drafts become sensors with the matchers' consent (`check`). At start and later it is the
//! same way; only what follows from a problem differs.

mod check;
mod draft;
mod folder;

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

pub use check::{Checked, Checker};
pub use draft::Draft;
pub use folder::{Change, Folder, Look};

use crate::domain::sensor::Owner;

/// Why sensors cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SensorsError {
    #[error("cannot read the sensor directory `{}` (hint: create it, or set `directory` in [sensors])", .0.display())]
    Directory(PathBuf, #[source] io::Error),
    #[error("the sensor files cannot be used\n{}", list(.0))]
    Problems(Vec<Problem>),
}

/// One thing that is wrong with a sensor file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub file: PathBuf,
    pub line: Option<usize>,
    /// What and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file.display(), self.message),
            None => write!(f, "{}: {}", self.file.display(), self.message),
        }
    }
}

/// A directory of thousands of files may share one mistake.
const SHOWN: usize = 20;

fn list(problems: &[Problem]) -> String {
    let mut lines: Vec<_> = problems.iter().take(SHOWN).map(|problem| format!("  {problem}")).collect();
    if problems.len() > SHOWN {
        lines.push(format!("  … and {} more", problems.len() - SHOWN));
    }
    lines.join("\n")
}

/// Whose the sensors of a file are.
fn owner(file: &Path) -> Owner {
    Owner::File(file.file_name().unwrap_or_default().to_string_lossy().into_owned())
}
