//! Builds the plug-in for Extism.

use std::{env, fs, path::PathBuf, process::Command};

const TARGET: &str = "wasm32-unknown-unknown";

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets CARGO"));
    cargo.args(["build", "--locked", "--release", "--package", "extism-guest", "--target", TARGET]);
    cargo.arg("--target-dir").arg(out.join("guest"));
    // Flags and wrappers that are meant for the host's build would break the guest's.
    for foreign in ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
        cargo.env_remove(foreign);
    }
    assert!(cargo.status().expect("cargo runs").success(), "the plug-in does not build");
    let built = out.join("guest").join(TARGET).join("release/extism_guest.wasm");
    fs::copy(built, out.join("extism_guest.wasm")).expect("OUT_DIR can be written");
    println!("cargo::rerun-if-changed=extism-guest");
}
