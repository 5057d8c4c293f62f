//! Python: the SDK's own builder, which calls `componentize-py`.

use std::{env, path::PathBuf, process::Command};

use super::{
    Make,
    tool::{self, Builder, ToolError},
};
use crate::author::project::Project;

const PYTHON: &str = "install Python 3.11 or newer";

/// Fails where the SDK is not there, and says what is.
const INSTALLED: &str = "import eventlatch_sdk.build, importlib.metadata as all, sys
print(sys.version, sorted((it.name, it.version) for it in all.distributions()))";

/// Builds the component, and says where it is.
pub(super) fn make(project: &Project, make: Make) -> Result<PathBuf, ToolError> {
    let python = interpreter(project);
    let mut question = Command::new(&python);
    question.args(["-c", INSTALLED]);
    let installed = tool::ask(question.current_dir(&project.folder), PYTHON).map_err(|error| match error {
        ToolError::Failed(_) => {
            let folder = project.folder.display();
            let install = format!("`python3 -m venv .venv && .venv/bin/pip install -r requirements.txt` in `{folder}`");
            ToolError::Unusable(format!("its packages are not installed: {install}"))
        }
        other => other,
    })?;
    let mut command = Command::new(&python);
    command.args(["-m", "eventlatch_sdk.build", ".", "-o"]);
    Builder { command, installed, hint: PYTHON }.run(project, make)
}

/// The one of the project's environment, or of the one that is active.
fn interpreter(project: &Project) -> PathBuf {
    let environments = [Some(project.folder.join(".venv")), env::var_os("VIRTUAL_ENV").map(PathBuf::from)];
    let pythons = environments.into_iter().flatten().map(|environment| environment.join("bin/python3"));
    // It is run in the project's folder, from where a relative path leads elsewhere.
    let found = pythons.filter(|python| python.is_file()).find_map(|python| std::path::absolute(python).ok());
    found.unwrap_or_else(|| "python3".into())
}
