//! Printing results: tables without borders, or JSON.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use comfy_table::{Table, presets};
use serde::Serialize;

use super::Failure;

/// A table whose columns are aligned and whose borders are left out: it can be read, cut and piped.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if !header.is_empty() {
        table.set_header(header.to_vec());
    }
    table
}

/// Prints lines; a reader that went away (`| head`) is no error. What would move the cursor or change the colours is
/// escaped: much of the text comes from messages and matchers.
pub(super) fn lines(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let plain = text.lines().map(|line| escaped(line.trim_end())).collect::<Vec<_>>().join("\n");
    match writeln!(out, "{plain}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::unexpected(error)),
        _ => Ok(()),
    }
}

fn escaped(line: &str) -> Cow<'_, str> {
    if !line.contains(is_control) {
        return line.into();
    }
    let escape = |c: char| if is_control(c) { c.escape_default().to_string() } else { c.to_string() };
    line.chars().map(escape).collect::<String>().into()
}

fn is_control(c: char) -> bool {
    c.is_control() && c != '\t'
}

pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    lines(&serde_json::to_string_pretty(value).map_err(Failure::unexpected)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_the_cursor_is_escaped() {
        assert_eq!(escaped("a\u{1b}[2Jb\tc é"), "a\\u{1b}[2Jb\tc é");
    }
}
