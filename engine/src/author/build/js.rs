//! JavaScript: the SDK's own builder, which calls `@bytecodealliance/componentize-js`.

use std::{fs, path::PathBuf, process::Command};

use super::{
    Make,
    tool::{Builder, ToolError},
};
use crate::author::project::Project;

const NODE: &str = "install Node.js 20 or newer from https://nodejs.org";

/// Builds the component, and says where it is.
pub(super) fn make(project: &Project, make: Make) -> Result<PathBuf, ToolError> {
    let builder = project.folder.join("node_modules/.bin/eventlatch-build");
    if !builder.is_file() {
        let folder = project.folder.display();
        return Err(ToolError::Unusable(format!("its packages are not installed: `npm install` in `{folder}`")));
    }
    // Where npm notes what it has installed.
    let installed = fs::read_to_string(project.folder.join("node_modules/.package-lock.json")).unwrap_or_default();
    let mut command = Command::new("node");
    command.args(["node_modules/.bin/eventlatch-build", ".", "-o"]);
    Builder { command, installed, hint: NODE }.run(project, make)
}
