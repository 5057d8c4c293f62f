//! The matcher by hand of `guests/bare.wat`, with instructions in place of its marked comments.

use wasmparser::{Parser, Payload};

use super::LIAR;

const BARE: &str = include_str!("../../guests/bare.wat");

/// A core module with instructions at a mark: `bare("EVERY", "unreachable")`.
pub(super) fn bare(mark: &str, instructions: &str) -> Vec<u8> {
    let mark = format!("(;{mark};)");
    assert!(BARE.contains(&mark), "{mark}");
    let mut module = wat::parse_str(BARE.replace(&mark, instructions)).unwrap();
    let interface = interface();
    module.push(0);
    module.extend(leb128(interface.len()));
    module.extend(interface);
    module
}

/// The custom section with the component type, from a guest that has the same.
fn interface() -> &'static [u8] {
    let sections = Parser::new(0).parse_all(LIAR).map(Result::unwrap);
    let mut found = sections.filter_map(|payload| match payload {
        Payload::CustomSection(section) if section.name().starts_with("component-type") => Some(section.range()),
        _ => None,
    });
    &LIAR[found.next().unwrap()]
}

fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
