//! Compiled matchers on disk: private, keyed by what was compiled and by what compiled it.
//!
//! A file of the cache is machine code that this process will run. It is therefore kept in a directory of the user's
//! own, carries a checksum, and is never taken from anywhere else: users hand in `.wasm`, the service compiles.

use std::{
    fs,
    hash::{BuildHasher, DefaultHasher, Hash, Hasher},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use foldhash::quality::FixedState;
use wasmtime::{Engine, component::Component};

/// The form of the files: one of another form has another name.
const FORM: u8 = 2;

const CHECKSUM: usize = 8;

/// So much is read and hashed at a time.
const PIECE: usize = 64 << 10;

/// Tells a damaged file from a whole one, and nothing else: a start reads megabytes of code, and a hash that withstands people
/// would take most of its time. (Another release of the hash makes all of them anew.)
fn checksum(mut code: impl Read, mut length: u64) -> io::Result<[u8; CHECKSUM]> {
    let (mut hasher, mut piece) = (FixedState::with_seed(CHECKSUM as u64).build_hasher(), vec![0; PIECE]);
    while length > 0 {
        let next = PIECE.min(usize::try_from(length).unwrap_or(PIECE));
        code.read_exact(&mut piece[..next])?;
        hasher.write(&piece[..next]);
        length -= next as u64;
    }
    Ok(hasher.finish().to_le_bytes())
}

/// A directory of compiled matchers, or none: then every start compiles anew.
#[derive(Debug, Default)]
pub struct Cache {
    directory: Option<PathBuf>,
}

impl Cache {
    /// Opens a cache. One that cannot be written is done without, and said so.
    pub fn open(directory: &Path) -> Self {
        match private_directory(directory) {
            Ok(()) => Self { directory: Some(directory.to_owned()) },
            Err(error) => {
                tracing::warn!(directory = %directory.display(), %error, "Compiled matchers are not kept");
                Self::default()
            }
        }
    }

    /// The compiled form of the file with this hash, made by `component` if it is not there yet.
    pub(super) fn compiled<E: From<wasmtime::Error>>(
        &self,
        engine: &Engine,
        sha256: &str,
        component: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Component, E> {
        let path = self.directory.as_ref().map(|directory| directory.join(file_name(engine, sha256)));
        if let Some(found) = path.as_deref().and_then(|path| load(engine, path)) {
            return Ok(found);
        }
        let compiled = Component::new(engine, component()?)?;
        if let Some(path) = path
            && let Err(error) = save(&path, &compiled)
        {
            tracing::warn!(path = %path.display(), %error, "A compiled matcher was not kept");
        }
        Ok(compiled)
    }
}

fn file_name(engine: &Engine, sha256: &str) -> String {
    let mut compatibility = DefaultHasher::new();
    FORM.hash(&mut compatibility);
    engine.precompile_compatibility_hash().hash(&mut compatibility);
    format!("{sha256}-{:016x}.cwasm", compatibility.finish())
}

#[expect(unsafe_code, reason = "the only way to load compiled code; see the module's head for why it can be trusted")]
fn load(engine: &Engine, path: &Path) -> Option<Component> {
    let file = fs::File::open(path).ok()?;
    if !is_whole(file).unwrap_or(false) {
        tracing::warn!(path = %path.display(), "A damaged compiled matcher is made anew");
        return None;
    }
    // SAFETY: the checksum shows the bytes to be those that `save` wrote, whole, and the file's name that this very
    // engine's version and settings made them. They are mapped, not copied: nobody else can write the file, and we only
    // put another one in its place.
    unsafe { Component::deserialize_file(engine, path) }.ok()
}

/// Whether the code is the one that its checksum behind it was made of.
fn is_whole(mut file: fs::File) -> io::Result<bool> {
    let Some(length) = file.metadata()?.len().checked_sub(CHECKSUM as u64) else {
        return Ok(false);
    };
    let (found, mut noted) = (checksum(&mut file, length)?, [0; CHECKSUM]);
    file.read_exact(&mut noted)?;
    Ok(found == noted)
}

/// Written beside and renamed, so that no reader meets half a file.
fn save(path: &Path, component: &Component) -> io::Result<()> {
    let code = component.serialize().map_err(io::Error::other)?;
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = private_file(&beside)?;
    file.write_all(&code)?;
    file.write_all(&checksum(&*code, code.len() as u64)?)?;
    file.sync_all()?;
    fs::rename(beside, path)
}

/// Makes the directory, for its owner alone. One that is there must be ours, and nobody else may write in it: whoever
/// can place a file there can have it run.
#[cfg(unix)]
fn private_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};

    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let found = fs::metadata(path)?;
    let ours = found.uid() == rustix::process::geteuid().as_raw();
    if !ours || found.mode() & 0o022 != 0 {
        return Err(io::Error::other("others can write in it (hint: `cache` in [matchers] names another directory)"));
    }
    Ok(())
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;

    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn private_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<fs::File> {
    fs::File::create(path)
}
