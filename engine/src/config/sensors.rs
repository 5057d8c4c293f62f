//! Sensor files: TOML or JSON, whose wanted messages are the seed's dictionaries unchanged.
//!
//! Read in three steps: [`Folder`] looks which files are other than they were, a file's text becomes definitions that know
//! their lines ([`parse`]), and definitions become sensors with the matchers' consent (`pipeline::checking`). At start and
//! later it is the same way; only what follows from a problem differs.

mod file;
mod folder;

use std::{io, path::PathBuf};

pub use file::parse;
pub use folder::{Change, Folder, Look};

use crate::domain::definition::Problem;

/// Why sensors cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SensorsError {
    #[error("cannot read the sensor directory `{}` (hint: create it, or set `directory` in [sensors])", .0.display())]
    Directory(PathBuf, #[source] io::Error),
    #[error("the sensor files cannot be used\n{}", list(.0))]
    Problems(Vec<Problem>),
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
