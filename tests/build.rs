//! Builds the guests of the tests and makes a constant of each. A guest that no test uses is dead code, and does not
//! pass the lints.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "wasm32-unknown-unknown";

/// Workspaces, and the files that come out of them.
const GUESTS: [(&str, &[&str]); 3] = [
    ("guests", &["unruly", "liar", "sleeper", "weary", "choosy", "tame", "picky", "lenient"]),
    ("../examples/order-shipped", &["order_shipped"]),
    ("../examples/order-paid/rust", &["order_paid"]),
];

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let target = out.join("guests");
    let mut constants = String::new();
    for (workspace, guests) in GUESTS {
        build(Path::new(env!("CARGO_MANIFEST_DIR")).join(workspace).as_path(), &target);
        println!("cargo::rerun-if-changed={workspace}");
        for guest in guests {
            let path = target.join(TARGET).join("release").join(format!("{guest}.wasm"));
            constants += &format!("pub(crate) const {}: &[u8] = include_bytes!({path:?});\n", guest.to_uppercase());
        }
    }
    for sdk in ["../sdk/src", "../sdk/wit"] {
        println!("cargo::rerun-if-changed={sdk}");
    }
    fs::write(out.join("guests.rs"), constants).expect("OUT_DIR can be written");
}

fn build(workspace: &Path, target: &Path) {
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets CARGO"));
    cargo.args(["build", "--locked", "--release", "--target", TARGET]).current_dir(workspace);
    cargo.arg("--target-dir").arg(target);
    // Flags and wrappers that are meant for the host's build would break the guest's.
    for foreign in ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
        cargo.env_remove(foreign);
    }
    assert!(cargo.status().expect("cargo runs").success(), "{} does not build", workspace.display());
}
