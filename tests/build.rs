//! Builds the guests of the tests and makes a constant of each. A guest that no test uses is dead code, and does not
//! pass the lints.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "wasm32-unknown-unknown";
const GUESTS: [&str; 2] = ["unruly", "liar"];

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests");
    for watched in ["guests/Cargo.toml", "guests/unruly", "guests/liar", "../sdk/src", "../sdk/wit"] {
        println!("cargo::rerun-if-changed={watched}");
    }
    let target = out.join("guests");
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets CARGO"));
    cargo.args(["build", "--release", "--target", TARGET]).current_dir(&guests).arg("--target-dir").arg(&target);
    // Flags and wrappers that are meant for the host's build would break the guest's.
    for foreign in ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
        cargo.env_remove(foreign);
    }
    assert!(cargo.status().expect("cargo runs").success(), "the guests of the tests do not build");
    let constant = |guest: &&str| {
        let path = target.join(TARGET).join("release").join(format!("{guest}.wasm"));
        format!("pub(crate) const {}: &[u8] = include_bytes!({:?});\n", guest.to_uppercase(), path)
    };
    let constants: String = GUESTS.iter().map(constant).collect();
    fs::write(out.join("guests.rs"), constants).expect("OUT_DIR can be written");
}
