//! Holds the field scanner to serde_json: `cargo run --release -p eventlatch-sdk --example fuzz_scanner -- 10000000`.
//!
//! Documents are mutations and splices of `corpus/`, many of one shape in a row, so that what the scanner remembers of a
//! shape is put to the test too. The first difference ends the run with the document.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::process::ExitCode;

use eventlatch_sdk::scan::{Fault, Found, Kind, Memory, Scanner};
use serde_json::Value;

const NAMES: [&str; 5] = ["db", "table", "partition_values", "timestamp", "é"];

/// What mutations put in: whatever means something to the grammar.
const BYTES: &[u8] =
    b"\"\"\\{}[]:,, 0123456789.eE+-tfnul/b\x00\x0a\x1f\x7f\x80\xbf\xc3\xa9\xe4\xb8\xad\xed\xa0\xf0\x9f\xff";

const PIECES: [&[u8]; 12] = [
    b"\\u00e9",
    b"\\ud83d\\ude00",
    b"\\ud83d",
    "é".as_bytes(),
    "\u{1F600}".as_bytes(),
    b"\"db\":",
    b", \"table\": \"x\"",
    b"1e309",
    b"18446744073709551616",
    b"[[[]]]",
    b"{\"db\":1}",
    b"true",
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let cases: u64 = arguments.next().unwrap_or(1_000_000);
    let mut random = Random(arguments.next().unwrap_or(0x9E37_79B9_7F4A_7C15));
    let corpus = corpus();
    let scanner = Scanner::new(&NAMES);
    let mut memory = Memory::default();
    let mut accepted = 0_u64;
    for case in 0..cases {
        // Now and then what is remembered is forgotten, as it is between batches.
        if random.below(64) == 0 {
            memory = Memory::default();
        }
        let document = document(&corpus, &mut random);
        let (expected, found) = (expected(&document), scanned(&scanner, &document, &mut memory));
        if expected != found {
            println!("case {case}: {}\nexpected {expected:?}\nfound {found:?}", document.escape_ascii());
            return ExitCode::FAILURE;
        }
        accepted += u64::from(found.is_ok());
    }
    println!("{cases} documents, {accepted} of them accepted: no difference");
    ExitCode::SUCCESS
}

fn corpus() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
    let files = std::fs::read_dir(folder).expect("the corpus is in the crate").flatten();
    let mut paths: Vec<_> = files.map(|file| file.path()).collect();
    paths.sort();
    paths.iter().flat_map(std::fs::read).collect()
}

/// A document like one of the corpus.
fn document(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    // Every other one is of the corpus's most common shapes: else few would share one.
    let index = if random.below(2) == 0 { random.below(corpus.len()) } else { corpus.len() - 1 - random.below(4) };
    let mut document = corpus[index].clone();
    if random.below(8) == 0 {
        let other = &corpus[random.below(corpus.len())];
        let at = random.below(document.len() + 1);
        document.splice(at..at, other.iter().copied());
    }
    for _ in 0..random.below(4) {
        mutate(&mut document, random);
    }
    document
}

fn mutate(document: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(document.len() + 1);
    let byte = BYTES[random.below(BYTES.len())];
    match random.below(6) {
        0 if at < document.len() => document[at] = byte,
        1 if at < document.len() => drop(document.remove(at)),
        2 if at < document.len() => document[at] = random.below(256) as u8,
        3 => drop(document.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
        4 if at < document.len() => document.truncate(at),
        _ => document.insert(at, byte),
    }
}

fn expected(document: &[u8]) -> Result<Vec<Option<Value>>, Fault> {
    let value: Value = serde_json::from_slice(document).map_err(|_| Fault::Malformed)?;
    let object = value.as_object().ok_or(Fault::NotAnObject)?;
    Ok(NAMES.iter().map(|name| object.get(*name).cloned()).collect())
}

fn scanned(scanner: &Scanner, document: &[u8], memory: &mut Memory) -> Result<Vec<Option<Value>>, Fault> {
    let mut found = [Found::default(); NAMES.len()];
    scanner.scan(document, memory, &mut found)?;
    Ok(found.iter().map(|found| value_of(document, *found)).collect())
}

/// A found field as serde_json would have it; a wrong kind shows as a difference.
fn value_of(document: &[u8], found: Found) -> Option<Value> {
    let bytes = found.bytes(document);
    let value = match found.kind {
        Kind::Absent => return None,
        Kind::Text => return std::str::from_utf8(bytes).ok().map(Value::from),
        Kind::Escaped => serde_json::from_slice(&document[found.start as usize - 1..=found.end as usize]),
        _ => serde_json::from_slice(bytes),
    };
    value.ok().filter(|value: &Value| match found.kind {
        Kind::Number => value.is_number(),
        Kind::True => *value == Value::Bool(true),
        Kind::False => *value == Value::Bool(false),
        Kind::Null => value.is_null(),
        Kind::Nested => value.is_object() || value.is_array(),
        _ => value.is_string(),
    })
}

/// xorshift: enough to choose with, and the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
