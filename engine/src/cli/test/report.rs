//! What came of tests, for people on a terminal and as JSON.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Failure, Outcome,
    told::{Came, Differs, Told},
};
use crate::{
    app::scenario::{Difference, Played},
    cli::print::{self, BAD, FAINT, GOOD},
};

/// How many tests there were of each kind.
#[derive(Debug, Default, Serialize)]
pub(in crate::cli) struct Summary {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) broken: usize,
    pub(super) seconds: f64,
}

impl Summary {
    pub(in crate::cli) fn of(told: &[Told], took: Duration) -> Self {
        let mut summary = Self { seconds: took.as_secs_f64(), ..Self::default() };
        for one in told {
            match &one.came {
                Came::Passed => summary.passed += 1,
                Came::Differs(_) => summary.failed += 1,
                Came::Broken(_) => summary.broken += 1,
            }
        }
        summary
    }
}

/// Tells of a test that has been run.
pub(in crate::cli) fn tell(one: &Told) -> Result<(), Failure> {
    print::styled(&told(one))
}

/// Tells that all have been run.
pub(in crate::cli) fn end(summary: &Summary) -> Result<(), Failure> {
    print::styled(&last_line(summary))
}

fn told(one: &Told) -> String {
    let (style, word, more) = match &one.came {
        Came::Passed => (GOOD, "ok", String::new()),
        Came::Differs(differences) => (BAD, "FAILED", differences.iter().map(difference).collect()),
        Came::Broken(reasons) => (BAD, "BROKEN", reasons.iter().map(|line| format!("  {}\n", clean(line))).collect()),
    };
    let title = one.title.as_deref().map(|title| format!("  {FAINT}{}{FAINT:#}", clean(title)));
    let (file, title) = (clean(&one.file), title.unwrap_or_default());
    format!("{style}{word:<6}{style:#}  {file}{title}\n{more}")
}

fn difference(differs: &Differs) -> String {
    let Differs { place, expected, actual, notes } = differs;
    let notes: String = notes.iter().map(|note| format!("      {FAINT}{}{FAINT:#}\n", clean(note))).collect();
    format!(
        "  {}\n    {GOOD}- expected  {}{GOOD:#}\n    {BAD}+ actual    {}{BAD:#}\n{notes}",
        clean(place),
        clean(expected),
        clean(actual),
    )
}

fn last_line(summary: &Summary) -> String {
    let Summary { passed, failed, broken, seconds } = summary;
    let style = if failed + broken == 0 { GOOD } else { BAD };
    let count = |count: usize, word: &str| if count > 0 { format!(", {count} {word}") } else { String::new() };
    let (failed, broken) = (count(*failed, "failed"), count(*broken, "broken"));
    format!("\n{style}{passed} passed{failed}{broken}{style:#} in {seconds:.1} s\n")
}

/// A scenario for programs.
pub(in crate::cli) fn as_json(played: &Played) -> Value {
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
