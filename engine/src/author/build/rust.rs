//! Rust: `cargo build` and nothing else.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use super::tool::{self, ToolError};
use crate::author::project::Project;

const TARGET: &str = "wasm32-unknown-unknown";

const RUSTUP: &str = "install Rust from https://rustup.rs";

/// What `cargo` says of what it has made, as far as it matters here.
#[derive(Deserialize)]
struct Said {
    reason: String,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Builds the crate, and says where its module is.
pub(super) fn make(project: &Project) -> Result<PathBuf, ToolError> {
    has_target(&project.folder)?;
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--target", TARGET, "--message-format=json-render-diagnostics"]);
    let said = tool::run(cargo.current_dir(&project.folder), RUSTUP)?;
    // The crate itself is made last.
    module(&said).ok_or_else(|| {
        let hint = "its `Cargo.toml` needs `[lib] crate-type = [\"cdylib\"]`";
        ToolError::Unusable(format!("`{}` makes no WebAssembly module: {hint}", project.folder.display()))
    })
}

fn module(said: &str) -> Option<PathBuf> {
    let artifacts = said.lines().filter_map(|line| serde_json::from_str::<Said>(line).ok());
    let artifacts = artifacts.filter(|said| said.reason == "compiler-artifact");
    let mut files = artifacts.flat_map(|said| said.filenames);
    files.rfind(|file| file.extension().is_some_and(|extension| extension == "wasm"))
}

/// Whether the compiler can make WebAssembly: what it says itself where it cannot is hard to read.
fn has_target(folder: &Path) -> Result<(), ToolError> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]).current_dir(folder);
    let libraries = tool::ask(&mut rustc, RUSTUP)?;
    match Path::new(libraries.trim()).is_dir() {
        true => Ok(()),
        false => Err(ToolError::Unusable(format!(
            "the Rust target `{TARGET}` is not installed: `rustup target add {TARGET}` in `{}`",
            folder.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_found_in_what_cargo_says() {
        let said = r#"{"reason":"compiler-artifact","filenames":["/t/libserde.rlib"]}
            no json
            {"reason":"compiler-artifact","filenames":["/t/orders.wasm","/t/liborders.rlib"]}
            {"reason":"build-finished","success":true}"#;
        assert_eq!(module(said), Some("/t/orders.wasm".into()));
        assert_eq!(module(r#"{"reason":"compiler-artifact","filenames":["/t/liborders.rlib"]}"#), None);
    }
}
