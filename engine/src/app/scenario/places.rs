//! Where in the text of a scenario something stands.

use std::{fmt::Display, path::Path};

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;

use crate::domain::{
    definition::{At, Definition, Keys, Place, Problem, Source},
    text::{Lines, without_place},
};

/// The text of a scenario.
pub(super) struct Text<'a> {
    file: &'a Path,
    pub(super) all: &'a str,
    lines: Lines,
}

/// A value that knows its text.
pub(super) struct Placed<'a, T> {
    pub(super) text: &'a str,
    pub(super) it: T,
}

impl<'de: 'a, 'a, T: Deserialize<'a>> Deserialize<'de> for Placed<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let it = serde_json::from_str(raw.get()).map_err(|error| D::Error::custom(without_place(&error)))?;
        Ok(Self { text: raw.get(), it })
    }
}

impl<'a> Text<'a> {
    pub(super) fn of(file: &'a Path, all: &'a str) -> Self {
        Self { file, all, lines: Lines::of(all) }
    }

    /// A part of the text is wrong.
    pub(super) fn problem(&self, part: &str, message: String) -> Problem {
        self.problem_on(self.line(part), message)
    }

    fn problem_on(&self, line: usize, message: String) -> Problem {
        Problem { source: self.source(), place: Some(Place::Line(line)), message }
    }

    /// The whole cannot be read.
    pub(super) fn problem_of(&self, error: &serde_json::Error) -> Problem {
        self.problem_on(error.line(), without_place(error))
    }

    /// A part cannot be read.
    pub(super) fn read<'b, T: Deserialize<'b>>(&self, part: &'b RawValue) -> Result<T, Problem> {
        serde_json::from_str(part.get()).map_err(|error| {
            let line = self.line(part.get()) + error.line().saturating_sub(1);
            self.problem_on(line, without_place(&error))
        })
    }

    /// What a value of the text stands for, if it is there.
    pub(super) fn parsed<V, T, E: Display>(
        &self,
        value: Option<Placed<'_, V>>,
        parse: impl FnOnce(&V) -> Result<T, E>,
    ) -> Result<Option<T>, Problem> {
        let parsed =
            |value: Placed<'_, V>| parse(&value.it).map_err(|error| self.problem(value.text, error.to_string()));
        value.map(parsed).transpose()
    }

    /// A list of sensors, in the form that a sensor file has under `sensors`.
    pub(super) fn sensors(&self, list: &RawValue) -> Result<Vec<Definition>, Problem> {
        let placed =
            |_: &str, value: &RawValue| Ok(At { place: Place::Line(self.line(value.get())), it: self.read(value)? });
        let all: Vec<Keys<&RawValue>> = self.read(list)?;
        all.into_iter().map(|keys| Definition::new(self.source(), keys.map(placed)?, None)).collect()
    }

    fn source(&self) -> Source {
        Source::Scenario(self.file.to_owned())
    }

    /// A part of the text begins somewhere in it.
    fn line(&self, part: &str) -> usize {
        let begins = part.as_ptr().addr().wrapping_sub(self.all.as_ptr().addr());
        self.lines.line_of(if begins < self.all.len() { begins } else { 0 })
    }
}
