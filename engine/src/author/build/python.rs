//! Python: the SDK's own builder, which calls `componentize-py`.

use std::{env, path::PathBuf, process::Command};

use super::tool::{self, ToolError};
use crate::author::project::Project;

const PYTHON: &str = "install Python 3.11 or newer";

/// Builds the component, and says where it is.
pub(super) fn make(project: &Project) -> Result<PathBuf, ToolError> {
    let python = interpreter(project);
    let mut question = Command::new(&python);
    question.args(["-c", "import eventlatch_sdk.build"]);
    if let Err(error) = tool::ask(question.current_dir(&project.folder), PYTHON) {
        let folder = project.folder.display();
        let install = format!("`python3 -m venv .venv && .venv/bin/pip install -r requirements.txt` in `{folder}`");
        return Err(match error {
            ToolError::Failed(_) => ToolError::Unusable(format!("its packages are not installed: {install}")),
            other => other,
        });
    }
    let mut builder = Command::new(&python);
    builder.args(["-m", "eventlatch_sdk.build", ".", "-o"]);
    tool::component(builder, project, PYTHON)
}

/// The one of the project's environment, or of the one that is active.
fn interpreter(project: &Project) -> PathBuf {
    let environments = [Some(project.folder.join(".venv")), env::var_os("VIRTUAL_ENV").map(PathBuf::from)];
    let pythons = environments.into_iter().flatten().map(|environment| environment.join("bin/python3"));
    // It is run in the project's folder, from where a relative path leads elsewhere.
    let found = pythons.filter(|python| python.is_file()).find_map(|python| std::path::absolute(python).ok());
    found.unwrap_or_else(|| "python3".into())
}
