//! The table of rooms in ARCHITECTURE.md, held against every import of the engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

type Rooms = BTreeMap<String, BTreeSet<String>>;

#[test]
fn rooms_import_only_what_the_table_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let allowed = table(&fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap());
    let engine = root.join("engine/src");
    let mut found = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in rust_files(&engine) {
        let Some(room) = room_of(file.strip_prefix(&engine).unwrap()) else {
            continue;
        };
        let text = fs::read_to_string(&file).unwrap();
        for import in imports(&text).into_iter().filter(|import| *import != room) {
            if !allowed.get(&room).is_some_and(|allowed| allowed.contains(&import)) {
                wrong.push(format!("{}: `{room}` imports `{import}`", file.display()));
            }
        }
        found.insert(room);
    }
    assert!(wrong.is_empty(), "not allowed by the table in ARCHITECTURE.md:\n{}", wrong.join("\n"));
    let documented: BTreeSet<_> = allowed.into_keys().collect();
    assert_eq!(found, documented, "the table and the folders name different rooms");
}

/// Rows such as "| `store` | … | domain, telemetry |" whose last cell names rooms.
fn table(text: &str) -> Rooms {
    let section = text.split("## The rooms").nth(1).unwrap().split("Around the engine").next().unwrap();
    let row = |line: &str| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let room = cells.first()?.strip_prefix('`')?.strip_suffix('`')?;
        let allowed = cells.last()?.split(',').map(|name| name.trim().to_owned()).filter(|name| name != "–");
        Some((room.to_owned(), allowed.collect()))
    };
    let rooms: Rooms = section.lines().filter_map(row).collect();
    assert!(rooms.len() > 8, "the table of rooms cannot be read");
    rooms
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The room of a file; the crate's root is none.
fn room_of(file: &Path) -> Option<String> {
    let first = file.components().next()?.as_os_str().to_str()?;
    let room = first.strip_suffix(".rs").unwrap_or(first);
    (!["lib", "main"].contains(&room)).then(|| room.to_owned())
}

/// Every room that is named after `crate::`, also within braces and in the middle of the code.
fn imports(text: &str) -> BTreeSet<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut rooms = BTreeSet::new();
    for after in code.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(group) => rooms.extend(group_heads(group)),
            None => rooms.extend(name(after)),
        }
    }
    rooms
}

/// The first names of `a::b, c::{d, e}, …}`.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut start) = (0, Vec::new(), true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && !c.is_whitespace() => {
                heads.extend(group.get(at..).and_then(name));
                start = false;
            }
            _ => {}
        }
    }
    heads
}

fn name(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::domain::mark::Mark;\nuse crate::{\n    store::{Store, Reader},\n    task,\n};\nlet x = crate::cli::main();\n// crate::nothing";
    let expected: BTreeSet<_> = ["domain", "store", "task", "cli"].map(str::to_owned).into();
    assert_eq!(imports(text), expected);
}
