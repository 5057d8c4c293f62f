//! The SDK of each language, as it goes into a new project: its sources, since this release is in no package registry.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use toml::{Table, Value};

use super::language::Language;

static RUST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/src");
static WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/wit");
static PYTHON: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/python/src");
<<<<<<< HEAD
static JAVASCRIPT: [(&str, Dir<'_>); 3] = [
    ("src", include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/src")),
    ("bin", include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/bin")),
    ("wit", include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/wit")),
];
=======
static JS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/src");
static JS_BIN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/bin");
static JS_WIT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../sdk/js/wit");

/// Where the SDK is in a project.
const VENDOR: &str = "vendor/eventlatch-sdk";
>>>>>>> author

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
<<<<<<< HEAD
        Language::JavaScript => Ok(javascript()),
=======
        Language::JavaScript => Ok(js()),
>>>>>>> author
    }
}

/// Where a project has the SDK.
const VENDOR: &str = "vendor/eventlatch-sdk";

fn python() -> Files {
    let at = PathBuf::from(VENDOR);
    let mut files = all(&PYTHON, "vendor/eventlatch-sdk/src");
    files.push((at.join("pyproject.toml"), include_str!("../../../sdk/python/pyproject.toml").into()));
    files.push((at.join("README.md"), include_str!("../../../sdk/python/README.md").into()));
    files
}

fn javascript() -> Files {
    let at = PathBuf::from(VENDOR);
    let mut files: Files =
        JAVASCRIPT.iter().flat_map(|(name, folder)| all(folder, &format!("{VENDOR}/{name}"))).collect();
    files.push((at.join("package.json"), include_str!("../../../sdk/js/package.json").into()));
    files.push((at.join("README.md"), include_str!("../../../sdk/js/README.md").into()));
    files
}

fn rust(name: &str) -> Result<Files, Error> {
<<<<<<< HEAD
    let at = PathBuf::from(VENDOR);
    let mut files = all(&RUST, "vendor/eventlatch-sdk/src");
    files.extend(all(&WIT, "vendor/eventlatch-sdk/wit"));
    files.push((at.join("Cargo.toml"), manifest()?.into_bytes()));
    files.push((at.join("README.md"), README.into()));
=======
    let mut files = [all(&RUST, "src"), all(&WIT, "wit")].concat();
    files.push(one("Cargo.toml", &manifest()?));
    files.push(one("README.md", README));
>>>>>>> author
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
<<<<<<< HEAD
    let mut files: Files =
        folder.files().map(|file| (PathBuf::from(into).join(file.path()), file.contents().to_vec())).collect();
    // What Python writes beside its sources is no source.
    for below in folder.dirs().filter(|folder| !folder.path().ends_with("__pycache__")) {
=======
    // What Python has left where its sources were used is no source.
    let is_source = |file: &&include_dir::File<'_>| file.path().extension().is_none_or(|it| it != "pyc");
    let place =
        |file: &include_dir::File<'_>| (Path::new(VENDOR).join(into).join(file.path()), file.contents().to_vec());
    let mut files: Files = folder.files().filter(is_source).map(place).collect();
    for below in folder.dirs() {
>>>>>>> author
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
    fn each_language_has_its_sdk_and_the_interface() {
        for (language, expected) in [
            (Language::Rust, ["Cargo.toml", "src/lib.rs", "wit/1.0.0/matcher.wit"]),
            (Language::Python, ["pyproject.toml", "src/eventlatch_sdk/build.py", "src/eventlatch_sdk/wit/matcher.wit"]),
            (Language::JavaScript, ["package.json", "bin/eventlatch-build.js", "wit/matcher.wit"]),
        ] {
            let files = files(language, "orders").unwrap();
            for file in expected {
                let file = PathBuf::from(VENDOR).join(file);
                assert!(files.iter().any(|(path, content)| *path == file && !content.is_empty()), "{}", file.display());
            }
        }
    }

    #[test]
    fn the_manifest_stands_alone() {
        let manifest: Table = toml::from_str(&manifest().unwrap()).unwrap();
        assert_eq!(manifest["package"]["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
        assert!(manifest["dependencies"].as_table().unwrap().len() > 3);
        assert!(!manifest.to_string().contains("workspace"), "{manifest}");
    }
}
