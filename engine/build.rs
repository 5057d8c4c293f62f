//! Builds the matchers that come with eventlatch and wraps them as components, to be embedded.
//!
//! They are built as any author's are, `cargo build --target wasm32-unknown-unknown --release`, in a target directory of
//! their own: cargo holds a lock on the one that runs this script.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest, Sha256};

const TARGET: &str = "wasm32-unknown-unknown";
const MATCHERS: [&str; 4] = ["etl-finish", "job-finish", "fields", "airflow-events"];

/// What the matchers are built from, and the folders that go into the binary, of which the compiler does not tell cargo. No
/// more than they: tools and tests leave files beside them, and each would have the engine compiled anew.
const WATCHED: [&str; 9] = [
    "Cargo.lock",
    "engine/src/author/templates",
    "matchers",
    "sdk/Cargo.toml",
    "sdk/js/bin",
    "sdk/js/src",
    "sdk/js/wit",
    "sdk/src",
    "sdk/wit",
];
/// Goes into the binary as well. Each build of a matcher in Python leaves its cache in it.
const PYTHON: &str = "sdk/python/src/eventlatch_sdk";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    WATCHED.iter().for_each(|path| watch(&root.join(path)));
    let python = fs::read_dir(root.join(PYTHON)).expect("the SDK for Python is there").flatten();
    python.filter(|entry| entry.file_name() != "__pycache__").for_each(|entry| watch(&entry.path()));
    let target = out.join("matchers");
    build(&root, &target);
    for matcher in MATCHERS {
        let file = format!("{}.wasm", matcher.replace('-', "_"));
        let module = fs::read(target.join(TARGET).join("release").join(&file)).expect("cargo built the matcher");
        let component = component(&module);
        // A start that hashed them would take half as long again.
        let sha256 = Sha256::digest(&component).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        fs::write(out.join(&file), component).expect("OUT_DIR can be written");
        fs::write(out.join(format!("{file}.sha256")), sha256).expect("OUT_DIR can be written");
    }
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

fn build(root: &Path, target: &Path) {
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets CARGO"));
    cargo.args(["build", "--locked", "--release", "--target", TARGET]).current_dir(root);
    cargo.arg("--target-dir").arg(target);
    for matcher in MATCHERS {
        cargo.args(["--package", matcher]);
    }
    // Flags and wrappers that are meant for the host's build would break or taint the guest's.
    for foreign in ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
        cargo.env_remove(foreign);
    }
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "failed to build the built-in matchers (hint: `rustup target add {TARGET}`)");
}

fn component(module: &[u8]) -> Vec<u8> {
    let encoder = wit_component::ComponentEncoder::default().validate(true).module(module);
    encoder.and_then(|mut encoder| encoder.encode()).expect("a matcher built with the SDK is a component")
}
