//! What came of a test, whatever was tested: a scenario, or a case of a matcher.

use std::time::Duration;

use crate::{
    app::scenario::{Difference, Outcome, Played},
    matcher::cases::{self, Ran},
};

/// A test and what came of it, for people.
pub(in crate::cli) struct Told {
    pub(super) file: String,
    /// None: it could not be read.
    pub(super) title: Option<String>,
    pub(super) came: Came,
    pub(super) took: Duration,
}

pub(super) enum Came {
    Passed,
    /// At least one.
    Differs(Vec<Differs>),
    /// It could not be run, or not to its end: why, a line each.
    Broken(Vec<String>),
}

/// An expectation that does not hold.
pub(super) struct Differs {
    /// Which.
    pub(super) place: String,
    pub(super) expected: String,
    pub(super) actual: String,
    /// What may explain it.
    pub(super) notes: Vec<String>,
}

impl Differs {
    /// In one line.
    pub(super) fn headline(&self) -> String {
        format!("{}: expected {}, actual {}", self.place, self.expected, self.actual)
    }
}

impl From<&Played> for Told {
    fn from(played: &Played) -> Self {
        let came = match &played.outcome {
            Outcome::Passed => Came::Passed,
            Outcome::Differs(all) => Came::Differs(all.iter().map(Differs::from).collect()),
            Outcome::Broken(reasons) => Came::Broken(reasons.clone()),
        };
        Self { file: played.file.display().to_string(), title: played.title.clone(), came, took: played.took }
    }
}

impl From<&Difference> for Differs {
    fn from(difference: &Difference) -> Self {
        let Difference { step, at, sensor, field, expected, actual, notes } = difference;
        let sensor = sensor.as_ref().map(|name| format!("sensor {name}, ")).unwrap_or_default();
        Self {
            place: format!("step {step}, {at}: {sensor}{field}"),
            expected: expected.to_string(),
            actual: actual.as_ref().map_or("nothing of that name".to_owned(), ToString::to_string),
            notes: notes.clone(),
        }
    }
}

impl From<&Ran> for Told {
    fn from(ran: &Ran) -> Self {
        let came = match ran.passed() {
            true => Came::Passed,
            false => Came::Differs(ran.differences.iter().map(Differs::from).collect()),
        };
        Self { file: ran.file.clone(), title: Some(ran.case.clone()), came, took: ran.took }
    }
}

impl From<&cases::Difference> for Differs {
    fn from(difference: &cases::Difference) -> Self {
        let cases::Difference { field, expected, actual, note } = difference;
        Self {
            place: field.clone(),
            expected: expected.to_string(),
            actual: actual.to_string(),
            notes: note.iter().cloned().collect(),
        }
    }
}
