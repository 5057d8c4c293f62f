//! Matchers that are built only where a test asks for them, and the tools of their languages. Those are fetched once, into
//! the target directory or beside the SDK, as `make python` and `make js` do.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use crate::jars::target;

/// A language that has an SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    Python,
    JavaScript,
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).expect("the tests are in the repository")
}

impl Language {
    /// The folder of the language's SDK.
    pub fn sdk(self) -> PathBuf {
        repository().join("sdk").join(match self {
            Self::Python => "python",
            Self::JavaScript => "js",
        })
    }

    /// The language's interpreter, with everything that the SDK's tests need at hand.
    ///
    /// # Panics
    ///
    /// If it cannot be had: the message is that of `make`, which says what is missing.
    pub fn interpreter(self) -> Command {
        static READY: Mutex<Vec<Language>> = Mutex::new(Vec::new());
        let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
        if !ready.contains(&self) {
            let goal = if self == Self::Python { "python" } else { "js" };
            let mut make = Command::new("make");
            make.arg("--no-print-directory").arg(goal).current_dir(repository());
            make.env("CARGO_TARGET_DIR", target()).env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
            run(&mut make);
            ready.push(self);
        }
        match self {
            Self::Python => Command::new(target().join("python/bin/python")),
            Self::JavaScript => Command::new("node"),
        }
    }

    /// The component of the matcher in a folder of the repository, built by the SDK's own command; once in a run.
    pub fn component(self, folder: &str) -> Arc<[u8]> {
        once(folder, |output| {
            run(self.builder().arg(repository().join(folder)).arg("-o").arg(output));
        })
    }

    /// The SDK's command that makes a component of the matcher in a folder.
    pub fn builder(self) -> Command {
        let mut builder = self.interpreter();
        match self {
            Self::Python => builder.args(["-m", "eventlatch_sdk.build"]),
            Self::JavaScript => builder.arg(self.sdk().join("bin/eventlatch-build.js")),
        };
        builder
    }
}

/// The module of a crate in a folder of the repository, built by cargo; once in a run.
pub fn rust(folder: &str) -> Arc<[u8]> {
    once(folder, |output| {
        let mut cargo = cargo(folder);
        cargo.args(["build", "--release", "--target", "wasm32-unknown-unknown", "--locked", "--message-format=json"]);
        let said = run(&mut cargo);
        let mut modules = said.split('"').filter(|word| word.ends_with(".wasm"));
        fs::copy(modules.next_back().expect("cargo names what it made"), output).expect("the module can be copied");
    })
}

/// A command of cargo in a folder of the repository, whose flags are not those of the tests.
pub fn cargo(folder: &str) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(repository().join(folder)).env("CARGO_TARGET_DIR", target().join("tmp/languages/cargo"));
    for foreign in ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
        cargo.env_remove(foreign);
    }
    cargo
}

/// What a folder's matcher is built to; `build` writes it.
fn once(folder: &str, build: impl FnOnce(&Path)) -> Arc<[u8]> {
    static BUILT: Mutex<BTreeMap<String, Arc<[u8]>>> = Mutex::new(BTreeMap::new());
    // Held while it builds: each build takes all the machine has.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(component) = built.get(folder) {
        return Arc::clone(component);
    }
    let output = target().join("tmp/languages").join(folder).with_extension("wasm");
    output.parent().map(fs::create_dir_all).expect("it is in a folder").expect("the target directory can be written");
    build(&output);
    let component: Arc<[u8]> = fs::read(&output).expect("the build wrote its output").into();
    built.insert(folder.to_owned(), Arc::clone(&component));
    component
}

/// Runs a command and gives what it printed.
///
/// # Panics
///
/// If it does not start or fails; the message is what it printed.
pub fn run(command: &mut Command) -> String {
    let program = command.get_program().to_owned();
    let arguments = command.get_args().collect::<Vec<_>>().join(OsStr::new(" "));
    let done = command.output().unwrap_or_else(|error| panic!("{program:?} cannot be run: {error}"));
    let printed = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program:?} {arguments:?} failed:\n{printed}");
    printed
}
