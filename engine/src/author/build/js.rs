//! JavaScript: the SDK's own builder, which calls `@bytecodealliance/componentize-js`.

use std::{path::PathBuf, process::Command};

use super::tool::{self, ToolError};
use crate::author::project::Project;

const NODE: &str = "install Node.js 20 or newer from https://nodejs.org";

/// Builds the component, and says where it is.
pub(super) fn make(project: &Project) -> Result<PathBuf, ToolError> {
    let builder = project.folder.join("node_modules/.bin/eventlatch-build");
    if !builder.is_file() {
        let folder = project.folder.display();
        return Err(ToolError::Unusable(format!("its packages are not installed: `npm install` in `{folder}`")));
    }
    let mut node = Command::new("node");
    node.args(["node_modules/.bin/eventlatch-build", ".", "-o"]);
    tool::component(node, project, NODE)
}
