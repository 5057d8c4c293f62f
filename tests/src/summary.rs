//! What long suites came to, in files that `make` shows at the end.

use std::fs;

use crate::jars;

/// Adds a story to a suite's table; a story that is told again replaces what it was.
pub fn tell(suite: &str, story: &str, came: &str) {
    println!("{story} | {came}");
    let directory = jars::target().join("tmp").join(suite);
    let file = directory.join(format!("{}.txt", story.replace(|other: char| !other.is_ascii_alphanumeric(), "-")));
    let written = fs::create_dir_all(&directory).and_then(|()| fs::write(file, format!("{story} | {came}\n")));
    written.expect("the target directory can be written");
}
