//! What a component is made of, as one hash: making it takes half a minute, and not once for each test that is run.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

/// What is made, fetched, or no part of a component.
const NO_SOURCES: [&str; 6] = ["__pycache__", "build", "cases", "node_modules", "scenarios", "target"];

/// The hash of a project's files, by name and content, and of what is installed for them.
pub(super) fn hash(folder: &Path, installed: &str) -> io::Result<String> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    let mut hash = Sha256::new();
    for part in [env!("CARGO_PKG_VERSION"), installed] {
        add(&mut hash, part.as_bytes());
    }
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(&file);
        add(&mut hash, name.as_os_str().as_encoded_bytes());
        add(&mut hash, &fs::read(&file)?);
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// With its length: two parts are not taken for two others.
fn add(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_le_bytes());
    hash.update(part);
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || NO_SOURCES.contains(&&*name) {
            continue;
        }
        match path.is_dir() {
            true => collect(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_component_is_made_of_changes_the_hash_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let now = || hash(folder.path(), "sdk 1").unwrap();
        write("matcher.py", "a");
        write("vendor/sdk.py", "b");
        let before = now();
        for aside in ["build/x.wasm", "cases/a.json", ".venv/bin/python", "vendor/__pycache__/sdk.pyc"] {
            write(aside, "c");
        }
        assert_eq!(now(), before);
        assert_ne!(hash(folder.path(), "sdk 2").unwrap(), before);
        write("vendor/sdk.py", "c");
        assert_ne!(now(), before);
    }
}
