//! The scanner against serde_json: the corpus and mutations of it. `examples/fuzz_scanner.rs` runs more of the same.

use proptest::prelude::*;
use serde_json::Value;

use super::{Fault, Found, Kind, Memory, Scanner};

const NAMES: [&str; 5] = ["db", "table", "partition_values", "timestamp", "é"];

/// What the scanner must find, according to serde_json.
fn expected(document: &[u8]) -> Result<Vec<Option<Value>>, Fault> {
    let value: Value = serde_json::from_slice(document).map_err(|_| Fault::Malformed)?;
    let object = value.as_object().ok_or(Fault::NotAnObject)?;
    Ok(NAMES.iter().map(|name| object.get(*name).cloned()).collect())
}

fn scanned(document: &[u8], memory: &mut Memory) -> Result<Vec<Option<Value>>, Fault> {
    let mut found = [Found::default(); NAMES.len()];
    Scanner::new(&NAMES).scan(document, memory, &mut found)?;
    Ok(found.iter().map(|found| value_of(document, *found)).collect())
}

fn value_of(document: &[u8], found: Found) -> Option<Value> {
    let token = match found.kind {
        Kind::Absent => return None,
        Kind::Text => return Some(std::str::from_utf8(found.bytes(document)).unwrap().into()),
        Kind::Escaped => &document[found.start as usize - 1..=found.end as usize],
        _ => found.bytes(document),
    };
    let value: Value = serde_json::from_slice(token).unwrap();
    let kind = match value {
        Value::Null => Kind::Null,
        Value::Bool(true) => Kind::True,
        Value::Bool(false) => Kind::False,
        Value::Number(_) => Kind::Number,
        Value::String(_) => Kind::Escaped,
        _ => Kind::Nested,
    };
    assert_eq!(found.kind, kind);
    Some(value)
}

#[track_caller]
fn check(document: &[u8]) {
    let shown = String::from_utf8_lossy(document);
    assert_eq!(scanned(document, &mut Memory::default()), expected(document), "{shown}");
    // Once more, when its shape is known.
    let mut memory = Memory::default();
    let _ = scanned(document, &mut memory);
    assert_eq!(scanned(document, &mut memory), expected(document), "{shown}");
}

fn corpus() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

#[test]
fn agrees_on_the_corpus() {
    let corpus = corpus();
    assert!(corpus.len() > 40, "the corpus is there");
    for document in corpus {
        check(&document);
        // As a value inside another document, and cut short anywhere.
        check(&[b"{\"db\": ", &document[..], b", \"table\": 1}"].concat());
        (0..document.len().min(300)).for_each(|end| check(&document[..end]));
    }
}

#[test]
fn nests_as_deep_as_serde_json() {
    for depth in [1, 125, 126, 127, 128, 129, 5000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let middle = if open == "[" { "" } else { "1" };
            let nested = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
            check(nested.as_bytes());
            check(format!("{{\"db\":{nested}}}").as_bytes());
        }
    }
}

#[test]
fn tells_other_documents_from_malformed_ones() {
    let scan = |text: &str| scanned(text.as_bytes(), &mut Memory::default());
    assert_eq!(scan("[1,2]"), Err(Fault::NotAnObject));
    assert_eq!(scan(" \"x\" "), Err(Fault::NotAnObject));
    assert_eq!(scan("test"), Err(Fault::Malformed));
    assert_eq!(scan(""), Err(Fault::Malformed));
    assert_eq!(scan("[1,2"), Err(Fault::Malformed));
}

#[test]
fn the_last_of_equal_keys_counts() {
    for text in [r#"{"db":1,"db":"x"}"#, r#"{"db":"x","d\u0062":2}"#, r#"{"db":"x","db":"y","db":null}"#] {
        check(text.as_bytes());
    }
}

/// A byte that means something to the grammar, or any.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        prop::sample::select(&b"\"\\{}[]:, 0123456789.eE+-tfnu/\x00\x1f\x7f\x80\xc3\xa9\xed\xa0\xf0\xff"[..]),
        any::<u8>()
    ]
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0..3, byte()), 0..4);
    (prop::sample::select(corpus()), edits).prop_map(|(mut document, edits)| {
        for (place, kind, byte) in edits {
            let at = place.index(document.len() + 1);
            match kind {
                0 if at < document.len() => document[at] = byte,
                1 if at < document.len() => drop(document.remove(at)),
                _ => document.insert(at, byte),
            }
        }
        document
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_on_mutations(document in mutated()) {
        check(&document);
    }

    /// What was seen before must not change what is found now.
    #[test]
    fn agrees_after_other_documents(documents in prop::collection::vec(mutated(), 2..6)) {
        let mut memory = Memory::default();
        for document in &documents {
            let shown = String::from_utf8_lossy(document);
            prop_assert_eq!(scanned(document, &mut memory), expected(document), "{}", shown);
        }
    }

    #[test]
    fn agrees_on_random_bytes(document in prop::collection::vec(byte(), 0..40)) {
        check(&document);
    }
}
