//! The SDK of each language, as it goes into a new project: its sources, since this release is in no package registry.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use toml::{Table, Value};

use super::language::Language;

static RUST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/src");
static WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/wit");
static PYTHON: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/python/src");
static JS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/src");
static JS_BIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/bin");
static JS_WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/wit");

/// Where the SDK is in a project.
const VENDOR: &str = "vendor/eventlatch-sdk";

const MANIFEST: &str = include_str!("../../../sdk/Cargo.toml");
const WORKSPACE: &str = include_str!("../../../Cargo.toml");
const README: &str = include_str!("../../../sdk/README.md");

type Files = Vec<(PathBuf, Vec<u8>)>;
type Error = Box<dyn std::error::Error + Send + Sync>;

/// The versions of the SDK's dependencies that eventlatch is tested with, in the example's lock.
const LOCK: &str = include_str!("../../../examples/order-shipped/Cargo.lock");
const EXAMPLE: &str = "order-shipped";

/// The files of a project of this name that are the SDK's.
pub(super) fn files(language: Language, name: &str) -> Result<Files, Error> {
    match language {
        Language::Rust => rust(name),
        Language::Python => Ok(python()),
        Language::JavaScript => Ok(js()),
    }
}

fn rust(name: &str) -> Result<Files, Error> {
    let mut files = [all(&RUST, "src"), all(&WIT, "wit")].concat();
    files.push(one("Cargo.toml", &manifest()?));
    files.push(one("README.md", README));
    files.push(("Cargo.lock".into(), LOCK.replace(&format!("\"{EXAMPLE}\""), &format!("\"{name}\"")).into_bytes()));
    Ok(files)
}

fn python() -> Files {
    let mut files = all(&PYTHON, "src");
    files.push(one("pyproject.toml", include_str!("../../../sdk/python/pyproject.toml")));
    files.push(one("README.md", include_str!("../../../sdk/python/README.md")));
    files
}

fn js() -> Files {
    let mut files = [all(&JS, "src"), all(&JS_BIN, "bin"), all(&JS_WIT, "wit")].concat();
    files.push(one("package.json", include_str!("../../../sdk/js/package.json")));
    files.push(one("README.md", include_str!("../../../sdk/js/README.md")));
    files
}

fn one(name: &str, content: &str) -> (PathBuf, Vec<u8>) {
    (Path::new(VENDOR).join(name), content.into())
}

/// The files of a folder and those below it, in a folder of the SDK.
fn all(folder: &Dir<'static>, into: &str) -> Files {
    let place =
        |file: &include_dir::File<'_>| (Path::new(VENDOR).join(into).join(file.path()), file.contents().to_vec());
    let mut files: Files = folder.files().map(place).collect();
    // What Python leaves where its sources were used is no source.
    for below in folder.dirs().filter(|folder| !folder.path().ends_with("__pycache__")) {
        files.extend(all(below, into));
    }
    files
}

/// The SDK's manifest without what it has from its workspace, and without its tests.
fn manifest() -> Result<String, Error> {
    let workspace: Table = toml::from_str(WORKSPACE)?;
    let mut manifest: Table = toml::from_str(MANIFEST)?;
    manifest.remove("dev-dependencies");
    manifest.remove("lints");
    let shared = |section: &str| workspace.get("workspace").and_then(|it| it.get(section)).and_then(Value::as_table);
    for (section, shared) in [("package", shared("package")), ("dependencies", shared("dependencies"))] {
        let Some(Value::Table(entries)) = manifest.get_mut(section) else { continue };
        for (name, value) in entries.iter_mut() {
            if value.get("workspace").and_then(Value::as_bool) == Some(true) {
                *value = shared.and_then(|all| all.get(name)).ok_or(format!("no `{name}` in the workspace"))?.clone();
            }
        }
    }
    Ok(manifest.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_stands_alone() {
        let manifest: Table = toml::from_str(&manifest().unwrap()).unwrap();
        assert_eq!(manifest["package"]["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
        assert!(manifest["dependencies"].as_table().unwrap().len() > 3);
        assert!(!manifest.to_string().contains("workspace"), "{manifest}");
    }
}
