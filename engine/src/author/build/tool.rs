//! Running the tools of languages, and what to say where one is missing.

use std::{
    fs, io,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

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

/// Has a builder, to be run in a project's folder, make a component; its last argument is where.
pub(super) fn component(mut builder: Command, project: &Project, hint: &'static str) -> Result<PathBuf, ToolError> {
    let folder = project.build();
    fs::create_dir_all(&folder).map_err(|error| ToolError::Unrunnable(folder.display().to_string(), error))?;
    run(builder.arg("build/component.wasm").current_dir(&project.folder), hint)?;
    Ok(folder.join("component.wasm"))
}
