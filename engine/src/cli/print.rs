//! Printing results: tables without borders, or JSON.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write},
};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;
use serde::{Serialize, ser::SerializeSeq};

use super::Failure;

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const OPEN: Style = AnsiColor::Yellow.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default();
pub(super) const FAINT: Style = Style::new().dimmed();

/// A table whose columns are aligned and whose borders are left out: it can be read, cut and piped. On a terminal what is
/// wider goes on below, within its column.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(columns) = terminal_columns() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(columns);
    }
    if !header.is_empty() {
        table.set_header(header.to_vec());
    }
    table
}

/// None where the standard output is no terminal.
fn terminal_columns() -> Option<u16> {
    let out = io::stdout();
    let size = out.is_terminal().then(|| rustix::termios::tcgetwinsize(&out).ok()).flatten()?;
    Some(size.ws_col).filter(|columns| *columns > 0)
}

/// The lines of a table, with the words of the column `name` in the colour that they are given.
pub(super) fn coloured(table: &Table, name: &str, style: impl Fn(&str) -> Style) -> String {
    let text = table.to_string();
    let column = text.lines().next().and_then(|head| head.find(name));
    let colour = |line: &str| {
        let line = escaped(line.trim_end());
        let word = column.and_then(|at| line.get(at..)).and_then(|rest| rest.split(' ').next());
        match (word.filter(|word| !word.is_empty()), column) {
            (Some(word), Some(at)) => {
                let (before, after) = line.split_at(at);
                let style = style(word);
                format!("{before}{style}{word}{style:#}{}", after.strip_prefix(word).unwrap_or_default())
            }
            _ => line.into_owned(),
        }
    };
    text.lines().map(colour).collect::<Vec<_>>().join("\n")
}

/// Prints lines; a reader that went away (`| head`) is no error. What would move the cursor or change the colours is
/// escaped: much of the text comes from messages and matchers.
pub(super) fn lines(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", escaped_lines(text)) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::unexpected(error)),
        _ => Ok(()),
    }
}

/// Prints text with colours, which are left out where nobody sees them.
pub(super) fn styled(text: &str) -> Result<(), Failure> {
    match anstream::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::unexpected(error)),
        _ => Ok(()),
    }
}

pub(super) fn escaped_lines(text: &str) -> String {
    text.lines().map(|line| escaped(line.trim_end())).collect::<Vec<_>>().join("\n")
}

pub(super) fn escaped(line: &str) -> Cow<'_, str> {
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

/// Prints a list that comes in pages, so that it need not fit in memory.
pub(super) fn json_list<T: Serialize>(pages: impl IntoIterator<Item = Result<Vec<T>, Failure>>) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write_list(&mut out, pages)?.and_then(|()| writeln!(out)).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::unexpected(error)),
        _ => Ok(()),
    }
}

/// The outer failure is that of a page, the inner one of writing.
fn write_list<T: Serialize>(
    out: &mut impl Write,
    pages: impl IntoIterator<Item = Result<Vec<T>, Failure>>,
) -> Result<io::Result<()>, Failure> {
    let mut serializer = serde_json::Serializer::pretty(out);
    let mut list = match serde::Serializer::serialize_seq(&mut serializer, None) {
        Ok(list) => list,
        Err(error) => return Ok(Err(error.into())),
    };
    for page in pages {
        for one in page? {
            if let Err(error) = list.serialize_element(&one) {
                return Ok(Err(error.into()));
            }
        }
    }
    Ok(list.end().map_err(Into::into))
}

/// `2026-01-31 12:00:00Z`.
pub(super) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A size as people read it: `12.3 MiB`.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} bytes");
    }
    let (mut size, mut units) = (count as f64 / 1024.0, UNITS.iter());
    let mut unit = units.next().unwrap_or(&"KiB");
    while let (true, Some(larger)) = (size >= 1024.0, units.next()) {
        (size, unit) = (size / 1024.0, larger);
    }
    format!("{size:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_that_suits_them() {
        let shown = [0, 1023, 1024, 1_572_864, 3 << 40].map(bytes);
        assert_eq!(shown, ["0 bytes", "1023 bytes", "1.0 KiB", "1.5 MiB", "3.0 TiB"]);
    }

    #[test]
    fn what_would_move_the_cursor_is_escaped() {
        assert_eq!(escaped("a\u{1b}[2Jb\tc é"), "a\\u{1b}[2Jb\tc é");
    }
}
