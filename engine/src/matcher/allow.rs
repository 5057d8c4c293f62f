//! Which builds may serve, where not every one may.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Deserializer, de::Error};

use super::files::{self, WasmFile};

/// The sha256 of a build that may serve, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sha256(String);

/// The builds that may serve. Those that are built in always may.
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    /// `allow` in `[matchers]`.
    pub named: Option<BTreeSet<Sha256>>,
    /// `allow_file`: read anew for each build, so that it may be changed while the service runs.
    pub file: Option<PathBuf>,
}

/// Why a build may not serve.
#[derive(Debug, thiserror::Error)]
pub enum NotAllowed {
    #[error(
        "its sha256 {0} is not on the allow-list (hint: add it to `allow` in [matchers], or to the file that `allow_file` names)"
    )]
    Unknown(Arc<str>),
    #[error("the allow-list `{}` cannot be read: no build is allowed meanwhile (hint: `allow_file` in [matchers])", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
}

impl AllowList {
    /// Whether a build may serve.
    pub(super) fn check(&self, file: &WasmFile) -> Result<(), NotAllowed> {
        let is_open = self.named.is_none() && self.file.is_none();
        let is_named = || self.named.as_ref().is_some_and(|named| named.iter().any(|it| it.0 == *file.sha256));
        let is_built_in = || files::built_in().iter().any(|built_in| built_in.sha256 == file.sha256);
        if is_open || is_named() || self.is_in_file(&file.sha256)? || is_built_in() {
            return Ok(());
        }
        Err(NotAllowed::Unknown(Arc::clone(&file.sha256)))
    }

    fn is_in_file(&self, sha256: &str) -> Result<bool, NotAllowed> {
        let Some(path) = &self.file else { return Ok(false) };
        let listed = read(path).map_err(|error| NotAllowed::Unreadable(path.clone(), error))?;
        Ok(listed.lines().filter_map(|line| line.split_whitespace().next()).any(|it| it.eq_ignore_ascii_case(sha256)))
    }
}

/// A line for each build, as `sha256sum` writes them: the hash stands first.
fn read(path: &Path) -> std::io::Result<String> {
    fs::read_to_string(path)
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(Self(text.to_lowercase())),
            false => Err(D::Error::custom(format_args!(
                "`{text}` is no sha256 (hint: 64 hexadecimal digits; `sha256sum FILE.wasm` says them)"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::Origin;

    fn file(bytes: &[u8]) -> WasmFile {
        WasmFile::new(Origin::File("orders.wasm".into()), bytes.to_owned())
    }

    fn named(hashes: &[&str]) -> AllowList {
        AllowList { named: Some(hashes.iter().map(|it| Sha256((*it).to_owned())).collect()), file: None }
    }

    #[test]
    fn without_a_list_every_build_may_serve() {
        assert!(AllowList::default().check(&file(b"one")).is_ok());
    }

    #[test]
    fn with_a_list_only_its_builds_and_those_built_in_may() {
        let one = file(b"one");
        assert!(named(&[&one.sha256]).check(&one).is_ok());
        let refused = named(&[&one.sha256]).check(&file(b"two")).unwrap_err().to_string();
        assert!(refused.contains(&*file(b"two").sha256) && refused.contains("`allow` in [matchers]"), "{refused}");
        let built_in = files::built_in().remove(0);
        assert!(named(&[]).check(&built_in).is_ok());
    }

    #[test]
    fn a_file_may_be_what_sha256sum_writes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("allowed");
        let list = AllowList { named: None, file: Some(path.clone()) };
        assert!(matches!(list.check(&file(b"one")), Err(NotAllowed::Unreadable(..))));
        fs::write(&path, format!("{}  matchers/orders.wasm\n", file(b"one").sha256)).unwrap();
        assert!(list.check(&file(b"one")).is_ok());
        assert!(matches!(list.check(&file(b"two")), Err(NotAllowed::Unknown(_))));
    }

    #[test]
    fn what_is_no_sha256_is_told() {
        let error = toml::from_str::<crate::matcher::Config>("allow = [\"3f2a\"]").unwrap_err().to_string();
        assert!(error.contains("`3f2a` is no sha256"), "{error}");
    }
}
