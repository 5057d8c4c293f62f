//! Reports: what is missing when a wait ends at its deadline, and that it came after all.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{explanation::Explanation, wait::WaitId};

/// The store's number of a report to one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReportId(pub i64);

/// What is told of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportKind {
    /// It ended at its deadline with something missing.
    Missing,
    /// What was missing came later.
    Healed,
}

impl ReportKind {
    pub const ALL: [Self; 2] = [Self::Missing, Self::Healed];

    /// The word for it in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Healed => "healed",
        }
    }
}

/// Reports that go out together, and always the same ones: whoever gets them twice can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The first of them.
    pub id: ReportId,
    /// How often they could not be delivered.
    pub attempts: u32,
    /// In the order in which they came about.
    pub entries: Vec<(ReportKind, WaitId)>,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The same whenever it is sent again.
    pub id: String,
    pub subject: String,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub kind: ReportKind,
    #[serde(flatten)]
    pub explanation: Explanation,
}

impl Report {
    pub fn new(id: String, entries: Vec<Entry>) -> Self {
        Self { id, subject: subject(&entries), entries }
    }
}

/// `my_consumer: 2 of 3 missing at 22:00`
fn subject(entries: &[Entry]) -> String {
    let (missing, healed): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.kind == ReportKind::Missing);
    match (missing.as_slice(), healed.as_slice()) {
        ([], []) => "nothing is missing".to_owned(),
        ([one], []) => {
            format!("{}: {} missing{}", one.explanation.sensor, one.explanation.missing_of(), at(one, deadline))
        }
        ([], [one]) => format!("{}: complete after all{}", one.explanation.sensor, at(one, ended)),
        _ => [several_missing(&missing), several_healed(&healed)].into_iter().flatten().collect::<Vec<_>>().join("; "),
    }
}

fn several_missing(entries: &[&Entry]) -> Option<String> {
    let sum = |of: fn(&Explanation) -> usize| entries.iter().map(|entry| of(&entry.explanation)).sum::<usize>();
    let (missing, required) = (sum(|it| it.required - it.received), sum(|it| it.required));
    let names = || names(entries);
    (!entries.is_empty()).then(|| format!("{}: {missing} of {required} missing", names()))
}

fn several_healed(entries: &[&Entry]) -> Option<String> {
    (!entries.is_empty()).then(|| format!("{}: complete after all", names(entries)))
}

/// Sensors by name, or how many waits there are.
fn names(entries: &[&Entry]) -> String {
    let mut names: Vec<_> = entries.iter().map(|entry| entry.explanation.sensor.as_str()).collect();
    names.dedup();
    if names.len() <= 3 { names.join(", ") } else { format!("{} waits", entries.len()) }
}

fn at(entry: &Entry, when: fn(&Explanation) -> Option<Timestamp>) -> String {
    let explanation = &entry.explanation;
    when(explanation).map(|at| format!(" at {}", explanation.clock(at, explanation.at))).unwrap_or_default()
}

fn deadline(explanation: &Explanation) -> Option<Timestamp> {
    explanation.wait.as_ref().and_then(|wait| wait.deadline.filter(|_| wait.ended_at.is_some()))
}

fn ended(explanation: &Explanation) -> Option<Timestamp> {
    explanation.wait.as_ref().and_then(|wait| wait.ended_at)
}
