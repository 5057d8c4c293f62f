//! The jars of Apache Kafka: fetched by Maven, once, into the target directory.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const POM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pom.xml");

/// The directory of build products, which holds the profile that this test was built with.
pub(crate) fn target() -> PathBuf {
    profile().parent().map(Path::to_owned).expect("a profile is in the target directory")
}

/// The directory of the profile that this test was built with: the test itself is in `deps` below it.
pub(crate) fn profile() -> PathBuf {
    let test = std::env::current_exe().expect("the path of the running test is known");
    test.ancestors().nth(2).map(Path::to_owned).expect("cargo puts tests into target/<profile>/deps")
}

/// Where they are, and what is made of them.
pub(crate) fn folder() -> PathBuf {
    target().join("kafka")
}

/// The class path of the broker.
pub(crate) fn class_path() -> String {
    let jars = folder();
    let stamp = jars.join("pom.xml");
    let pom = fs::read(POM).expect("tests/pom.xml can be read");
    if fs::read(&stamp).ok().as_ref() != Some(&pom) {
        fetch(&jars);
        fs::write(&stamp, pom).expect("the target directory can be written");
    }
    format!("{}/*", jars.display())
}

fn fetch(jars: &Path) {
    let _absent = fs::remove_dir_all(jars);
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "-f", POM, "dependency:copy-dependencies", "-DincludeScope=runtime"]);
    maven.arg(format!("-DoutputDirectory={}", jars.display()));
    match maven.output() {
        Ok(done) if done.status.success() => {}
        Ok(done) => {
            panic!("Maven cannot fetch Apache Kafka for the tests:\n{}", String::from_utf8_lossy(&done.stdout));
        }
        Err(error) => {
            panic!("install Maven (`mvn`) and Java 17 or newer to run the tests: mvn: {error}")
        }
    }
}
