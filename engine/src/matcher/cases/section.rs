//! Cases within a matcher's file: a custom section that holds the files of its folder.
//!
//! The same for a component and for a core module: both are a head of eight bytes, then sections, each with an id, its length
//! and its bytes. The section's content is a JSON object, by the names of the files.

use std::{borrow::Cow, collections::BTreeMap, path::PathBuf};

use serde_json::value::RawValue;
use wasm_encoder::{CustomSection, Section};
use wasmparser::BinaryReader;

use super::{Case, WrongCase, file};

/// The section's name.
const NAME: &str = "eventlatch:cases";

const HEAD: usize = 8;
const CUSTOM: u8 = 0;

/// So many cases may a file bring: they are run whenever it is to serve.
const MOST: usize = 1_000;

/// Why cases cannot go into a file.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    #[error(transparent)]
    Case(#[from] WrongCase),
    #[error("there are {0} cases, and a file takes {MOST}")]
    TooMany(usize),
    #[error("it is no WebAssembly file, or it is damaged")]
    NotWasm,
}

/// The same file with these files of cases in place of those that it may hold.
pub fn embed(wasm: &[u8], files: &[PathBuf]) -> Result<Vec<u8>, EmbedError> {
    let mut texts = BTreeMap::new();
    let mut count = 0;
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).map_err(|error| WrongCase::Unreadable(path.clone(), error))?;
        count += file::parse(&path.display().to_string(), &text)?.len();
        texts.insert(name, text.trim().to_owned());
    }
    if count > MOST {
        return Err(EmbedError::TooMany(count));
    }
    let mut bytes = wasm.get(..HEAD).unwrap_or(wasm).to_vec();
    for section in sections(wasm).ok_or(EmbedError::NotWasm)? {
        if section.name != Some(NAME) {
            bytes.extend_from_slice(section.all);
        }
    }
    if !texts.is_empty() {
        let content = content(&texts);
        CustomSection { name: NAME.into(), data: Cow::Borrowed(content.as_bytes()) }.append_to(&mut bytes);
    }
    Ok(bytes)
}

/// The cases of a file; none where it brings none.
pub fn embedded(wasm: &[u8]) -> Result<Vec<Case>, EmbedError> {
    let sections = sections(wasm).ok_or(EmbedError::NotWasm)?;
    let Some(section) = sections.iter().find(|section| section.name == Some(NAME)) else {
        return Ok(Vec::new());
    };
    let wrong = |error: serde_json::Error| WrongCase::Wrong {
        file: NAME.to_owned(),
        line: error.line(),
        message: error.to_string(),
    };
    let files: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(section.data).map_err(wrong)?;
    let mut cases = Vec::new();
    for (name, text) in &files {
        cases.extend(file::parse(name, text.get())?);
    }
    if cases.len() > MOST {
        return Err(EmbedError::TooMany(cases.len()));
    }
    Ok(cases)
}

/// Each file's text as it is: what looks the same must stay the same bytes.
fn content(texts: &BTreeMap<String, String>) -> String {
    let entries = texts.iter().map(|(name, text)| format!("{}: {text}", serde_json::Value::from(name.as_str())));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(",\n"))
}

struct Found<'a> {
    /// With id and length.
    all: &'a [u8],
    /// Of a custom section.
    name: Option<&'a str>,
    /// Of a custom section: what follows its name.
    data: &'a [u8],
}

/// The outermost sections.
fn sections(wasm: &[u8]) -> Option<Vec<Found<'_>>> {
    if !wasm.starts_with(b"\0asm") {
        return None;
    }
    let mut reader = BinaryReader::new(wasm, 0);
    reader.read_bytes(HEAD).ok()?;
    let mut sections = Vec::new();
    while !reader.eof() {
        let begins = reader.current_position();
        let id = reader.read_u8().ok()?;
        let length = reader.read_var_u32().ok()? as usize;
        let body = reader.read_bytes(length).ok()?;
        let all = wasm.get(begins..reader.current_position()).unwrap_or_default();
        let (name, data) = if id == CUSTOM { named(body)? } else { (None, body) };
        sections.push(Found { all, name, data });
    }
    Some(sections)
}

fn named(body: &[u8]) -> Option<(Option<&str>, &[u8])> {
    let mut reader = BinaryReader::new(body, 0);
    let name = reader.read_string().ok()?;
    Some((Some(name), body.get(reader.current_position()..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str =
        r#"{"case": "one", "message": {"raw": "x", "arrival": "2019-07-07T08:00:00"}, "expect": {"reject": ""}}"#;

    fn written(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        let write = |(name, text): &(&str, &str)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let paths = files.iter().map(write).collect();
        (folder, paths)
    }

    fn names(wasm: &[u8]) -> Vec<String> {
        embedded(wasm).unwrap().into_iter().map(|case| case.name).collect()
    }

    #[test]
    fn cases_travel_in_modules_and_components() {
        let (_folder, paths) = written(&[("a.json", CASE), ("b.json", &format!("[{CASE}, {CASE}]\n"))]);
        for empty in [b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0"] {
            assert!(names(empty).is_empty());
            let with = embed(empty, &paths).unwrap();
            assert_eq!(names(&with), ["one", "one", "one"]);
            wasmparser::validate(&with).unwrap();
            assert_eq!(names(&embed(&with, &paths[..1]).unwrap()), ["one"], "others take their place");
            assert_eq!(embed(&with, &[]).unwrap(), empty, "and nothing is left of them");
        }
    }

    #[test]
    fn what_is_no_case_is_not_embedded() {
        let (_folder, paths) = written(&[("a.json", "{}")]);
        assert!(
            embed(b"\0asm\x01\0\0\0", &paths).unwrap_err().to_string().ends_with("a.json:1: missing key `message`")
        );
        assert_eq!(embed(b"text", &[]).unwrap_err().to_string(), "it is no WebAssembly file, or it is damaged");
    }
}
