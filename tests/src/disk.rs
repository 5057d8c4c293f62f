//! A disk that fails when a test wants it to.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::{home::Home, jars};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/disk.c");

/// What writing fails with.
#[derive(Debug, Clone, Copy)]
pub enum Failure {
    NoSpace = 28,
    InputOutput = 5,
}

/// A switch in the home of a service.
pub struct Disk {
    control: PathBuf,
}

impl Disk {
    /// Has whatever runs there write to this disk.
    pub fn of(home: Home) -> (Home, Self) {
        let control = home.path("disk-fails");
        let home = home.with("LD_PRELOAD", library().display()).with("FAILING_DISK", control.display());
        (home, Self { control })
    }

    pub fn fail(&self, failure: Failure) {
        let next = self.control.with_extension("next");
        let written = fs::write(&next, (failure as i32).to_string()).and_then(|()| fs::rename(next, &self.control));
        written.expect("the temporary directory can be written");
    }

    pub fn mend(&self) {
        fs::remove_file(&self.control).expect("it failed");
    }
}

/// Compiled once; who compiles SQLite has a C compiler.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let path = jars::target().join("tmp/failing-disk.so");
        fs::create_dir_all(path.parent().expect("it is in a directory")).expect("the target directory can be written");
        let done =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&path).args([SOURCE, "-ldl"]).status();
        assert!(done.expect("cc can be started").success(), "{SOURCE} does not compile");
        path
    })
}
