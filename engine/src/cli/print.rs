//! Printing results: tables without borders, or JSON.

use std::io::{self, Write};

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

/// Prints lines; a reader that went away (`| head`) is no error.
pub(super) fn lines(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let trimmed = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    match writeln!(out, "{trimmed}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::unexpected(error)),
        _ => Ok(()),
    }
}

pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    lines(&serde_json::to_string_pretty(value).map_err(Failure::unexpected)?)
}
