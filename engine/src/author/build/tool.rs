//! Running the tools of languages, and what to say where one is missing.

use std::{
    fs, io,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use super::{Make, sources};
use crate::author::project::Project;

/// Why a tool did not make a file.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    #[error("`{tool}` is not there: {hint}")]
    Missing { tool: String, hint: &'static str },
    #[error("`{0}` could not be run")]
    Unrunnable(String, #[source] io::Error),
    #[error("`{0}` failed; what it said stands above")]
    Failed(String),
    #[error("{0}")]
    Unusable(String),
}

/// Runs a command to its end. What it says on its standard error is the user's to read, and what it prints is the answer.
pub(super) fn run(command: &mut Command, hint: &'static str) -> Result<String, ToolError> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).stdout(Stdio::piped()).output();
    answer(command, output, hint)
}

/// The same for a question whose complaints nobody needs to see.
pub(super) fn ask(command: &mut Command, hint: &'static str) -> Result<String, ToolError> {
    let output = command.stdin(Stdio::null()).output();
    answer(command, output, hint)
}

fn answer(command: &Command, output: io::Result<Output>, hint: &'static str) -> Result<String, ToolError> {
    let tool = command.get_program().to_string_lossy().into_owned();
    match output {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(_) => Err(ToolError::Failed(line(command))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ToolError::Missing { tool, hint }),
        Err(error) => Err(ToolError::Unrunnable(line(command), error)),
    }
}

/// A command as it would be typed.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// A command that makes a component of the project in whose folder it runs; its last argument is where.
pub(super) struct Builder {
    pub(super) command: Command,
    /// What it uses, with versions.
    pub(super) installed: String,
    /// What to do where the command is not there.
    pub(super) hint: &'static str,
}

impl Builder {
    /// Has the component made, where it is not there already, and says where it is. It is no file that anybody should copy:
    /// it is without its cases yet.
    pub(super) fn run(mut self, project: &Project, make: Make) -> Result<PathBuf, ToolError> {
        let unusable = |error: io::Error| ToolError::Unrunnable(project.folder.display().to_string(), error);
        let folder = project.build();
        let (component, noted) = (folder.join(".component.wasm"), folder.join(".component.sources"));
        let sources = sources::hash(&project.folder, &self.installed).map_err(unusable)?;
        let is_same = fs::read_to_string(&noted).is_ok_and(|noted| noted == sources) && component.is_file();
        if make == Make::Always || !is_same {
            fs::create_dir_all(&folder).map_err(unusable)?;
            // Should this end half way, the note is not of what lies there.
            let _absent = fs::remove_file(&noted);
            run(self.command.arg("build/.component.wasm").current_dir(&project.folder), self.hint)?;
            fs::write(&noted, sources).map_err(unusable)?;
        }
        Ok(component)
    }
}
