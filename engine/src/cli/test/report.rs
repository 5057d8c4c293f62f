//! What came of scenarios, for people on a terminal and as JSON.

use std::{
    io::{self, Write},
    time::Duration,
};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Failure, Format, Outcome};
use crate::{
    app::scenario::{Difference, Played},
    cli::print,
};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const FAINT: Style = Style::new().dimmed();

/// How many scenarios there were of each kind.
#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) broken: usize,
    pub(super) seconds: f64,
}

impl Summary {
    pub(super) fn of(played: &[Played], took: Duration) -> Self {
        let mut summary = Self { seconds: took.as_secs_f64(), ..Self::default() };
        for one in played {
            match &one.outcome {
                Outcome::Passed => summary.passed += 1,
                Outcome::Differs(_) => summary.failed += 1,
                Outcome::Broken(_) => summary.broken += 1,
            }
        }
        summary
    }
}

/// Tells while scenarios are played.
pub(super) struct Report {
    format: Format,
}

impl Report {
    pub(super) fn begin(format: Format) -> Self {
        Self { format }
    }

    /// One has been played.
    pub(super) fn tell(&mut self, played: &Played) -> Result<(), Failure> {
        match self.format {
            Format::Table => write(&told(played)),
            Format::Json => Ok(()),
        }
    }

    /// All have.
    pub(super) fn end(&self, played: &[Played], summary: &Summary) -> Result<(), Failure> {
        match self.format {
            Format::Table => write(&last_line(summary)),
            Format::Json => print::json(&json!({
                "scenarios": played.iter().map(as_json).collect::<Vec<_>>(),
                "summary": summary,
            })),
        }
    }
}

/// Colours are left out where nobody sees them; a reader that went away is no error.
fn write(text: &str) -> Result<(), Failure> {
    match anstream::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::unexpected(error)),
        _ => Ok(()),
    }
}

fn told(played: &Played) -> String {
    let (style, word, more) = match &played.outcome {
        Outcome::Passed => (GOOD, "ok", String::new()),
        Outcome::Differs(differences) => (BAD, "FAILED", differences.iter().map(difference).collect()),
        Outcome::Broken(reasons) => {
            (BAD, "BROKEN", reasons.iter().map(|line| format!("  {}\n", clean(line))).collect())
        }
    };
    let title = played.title.as_deref().map(|title| format!("  {FAINT}{}{FAINT:#}", clean(title)));
    let (file, title) = (clean(&played.file.display().to_string()), title.unwrap_or_default());
    format!("{style}{word:<6}{style:#}  {file}{title}\n{more}")
}

fn difference(difference: &Difference) -> String {
    let Difference { step, at, sensor, field, expected, actual, notes } = difference;
    let sensor = sensor.as_ref().map(|name| format!("sensor {}, ", clean(name))).unwrap_or_default();
    let actual = actual.as_ref().map_or("nothing of that name".to_owned(), Value::to_string);
    let notes: String = notes.iter().map(|note| format!("      {FAINT}{}{FAINT:#}\n", clean(note))).collect();
    format!(
        "  step {step}, {}: {sensor}{}\n    {GOOD}- expected  {}{GOOD:#}\n    {BAD}+ actual    {}{BAD:#}\n{notes}",
        clean(at),
        clean(field),
        clean(&expected.to_string()),
        clean(&actual),
    )
}

fn last_line(summary: &Summary) -> String {
    let Summary { passed, failed, broken, seconds } = summary;
    let style = if failed + broken == 0 { GOOD } else { BAD };
    let count = |count: usize, word: &str| if count > 0 { format!(", {count} {word}") } else { String::new() };
    let (failed, broken) = (count(*failed, "failed"), count(*broken, "broken"));
    format!("\n{style}{passed} passed{failed}{broken}{style:#} in {seconds:.1} s\n")
}

fn as_json(played: &Played) -> Value {
    let (outcome, differences, reasons): (_, &[Difference], &[String]) = match &played.outcome {
        Outcome::Passed => ("passed", &[], &[]),
        Outcome::Differs(differences) => ("failed", differences, &[]),
        Outcome::Broken(reasons) => ("broken", &[], reasons),
    };
    json!({
        "file": played.file.display().to_string(),
        "scenario": played.title,
        "outcome": outcome,
        "differences": differences,
        "reasons": reasons,
        "seconds": played.took.as_secs_f64(),
    })
}

/// Without what would move the cursor: much of it comes from files and messages.
fn clean(text: &str) -> String {
    print::escaped(text).into_owned()
}
