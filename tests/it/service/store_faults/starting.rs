//! A store that cannot be used is refused at the start, with a remedy.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    process::Command,
};

use eventlatch_tests::{home::Home, service::binary};
use insta::assert_snapshot;

fn home() -> Home {
    Home::new("[store]\npath = \"store/eventlatch.db\"\n").with("EVENTLATCH_TELEMETRY_LOG", "off")
}

/// A home whose service has run.
fn used() -> Home {
    let home = home();
    home.write("messages.jsonl", "");
    fs::create_dir(home.path("store")).unwrap();
    assert_eq!(home.run(&["run", "--input", "messages.jsonl"]).code, Some(0));
    home
}

#[test]
fn no_directory() {
    assert_snapshot!(home().run(&["run"]), @r"
    ! error: there is no directory for the store store/eventlatch.db (hint: make it, or give another `[store] path`)
    exit 5
    ");
}

#[test]
fn a_file_of_something_else() {
    let home = home();
    home.write("store/eventlatch.db", "this is a letter, not a database; it is long enough to be looked at, though");
    assert_snapshot!(home.run(&["run"]), @r"
    ! error: store/eventlatch.db is no SQLite database: give another `[store] path`
    exit 5
    ");
}

#[test]
fn a_damaged_file() {
    let home = used();
    let mut bytes = fs::read(home.path("store/eventlatch.db")).unwrap();
    bytes[100..].fill(0xAB);
    home.write("store/eventlatch.db", bytes);
    assert_snapshot!(home.run(&["run"]), @r"
    ! error: the store store/eventlatch.db is damaged: restore a backup (hint: `eventlatch store check` says what is wrong)
    !   caused by: database disk image is malformed
    !   caused by: Error code 11: database disk image is malformed
    exit 5
    ");
}

#[test]
fn a_file_that_may_not_be_written() {
    let home = used();
    fs::set_permissions(home.path("store/eventlatch.db"), Permissions::from_mode(0o444)).unwrap();
    let mut command = home.command(&["run"]);
    if rustix::process::geteuid().is_root() {
        // Permissions do not bind whoever may pass over them.
        let mut bound = Command::new("setpriv");
        bound.arg("--bounding-set=-dac_override").arg(binary()).arg("run").current_dir(home.path(""));
        bound.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command = bound;
    }
    let ended = command.output().unwrap();
    assert_eq!(ended.status.code(), Some(5));
    let told = String::from_utf8_lossy(&ended.stderr).replace(&home.path("").display().to_string(), "");
    assert_snapshot!(told, @"error: the store store/eventlatch.db may not be written: make file, directory and disk writable");
}
