//! Sensor files: TOML or JSON, whose wanted messages are the seed's dictionaries unchanged.
//!
//! Read in two steps: the text becomes drafts that know their lines (`draft`), and drafts become sensors with the
//! matchers' consent (`check`). All problems of all files are reported at once.

mod check;
mod draft;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

pub use check::Checker;
pub use draft::Draft;

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

/// What the sensor directory says, before matchers are asked.
pub fn read(directory: &Path) -> Result<Vec<Draft>, SensorsError> {
    let (mut drafts, mut problems) = (Vec::new(), Vec::new());
    for path in files(directory)? {
        match fs::read_to_string(&path) {
            Ok(text) => match Draft::parse(&path, &text) {
                Ok(more) => drafts.extend(more),
                Err(problem) => problems.push(problem),
            },
            Err(error) => {
                problems.push(Problem { file: path, line: None, message: format!("cannot be read: {error}") })
            }
        }
    }
    if problems.is_empty() { Ok(drafts) } else { Err(SensorsError::Problems(problems)) }
}

fn files(directory: &Path) -> Result<Vec<PathBuf>, SensorsError> {
    let unreadable = |error| SensorsError::Directory(directory.to_owned(), error);
    let entries = fs::read_dir(directory).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|it| it == "toml" || it == "json"));
    paths.sort();
    Ok(paths)
}
