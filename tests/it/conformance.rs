//! docs/conformance.md names tests: they are there.

use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn the_tests_that_the_table_of_conformance_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/conformance.md")).unwrap();
    let mut sources = Vec::new();
    for directory in ["tests/it", "engine/src"] {
        read(&root.join(directory), &mut sources);
    }
    for number in 1..=22 {
        assert!(page.contains(&format!("| KT{number} ")), "KT{number} is missing");
    }
    for number in 1..=19 {
        assert!(page.contains(&format!("| K{number} ")), "K{number} is missing");
    }
    let rows = page.lines().filter(|line| line.starts_with("| K"));
    let last = rows.map(|row| row.trim_matches('|').rsplit('|').next().unwrap());
    let names: Vec<_> = last.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(names.len() > 20, "the table cannot be read: {names:?}");
    for name in names {
        let function = format!("fn {name}(");
        assert!(sources.iter().any(|source| source.contains(&function)), "there is no test `{name}`");
    }
}

fn read(directory: &Path, sources: &mut Vec<String>) {
    let entries: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    for path in entries {
        match path.is_dir() {
            true => read(&path, sources),
            false if path.extension().is_some_and(|it| it == "rs") => sources.push(fs::read_to_string(&path).unwrap()),
            false => {}
        }
    }
}
