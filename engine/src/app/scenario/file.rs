//! Scenario files as they are written, checked as far as their text alone allows.
//!
//! A mistake is told with its line; what only the matchers can know is found when the scenario is played. Start at
//! [`Scenario::parse`].

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    places::{Placed, Text},
    steps::{self, Step},
};
use crate::{
    domain::definition::{Definition, Problem, Source},
    matcher::Settings,
};

/// A scenario, read and ready to be played.
#[derive(Debug)]
pub struct Scenario {
    pub file: PathBuf,
    /// What it shows, in one line.
    pub title: String,
    pub(super) timezone: String,
    /// What its matchers' settings have different from the configuration's.
    pub(super) matchers: BTreeMap<String, Settings>,
    pub(super) sensors: Vec<Definition>,
    /// At least one, their instants in order.
    pub(super) steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys<'a> {
    scenario: String,
    #[serde(borrow)]
    timezone: Option<Placed<'a, String>>,
    #[serde(default)]
    matchers: BTreeMap<String, Settings>,
    #[serde(borrow)]
    sensors: Option<&'a RawValue>,
    #[serde(borrow)]
    steps: Placed<'a, Vec<&'a RawValue>>,
}

impl Scenario {
    /// Reads a file.
    pub fn read(file: &Path) -> Result<Self, Problem> {
        let problem = |message| Problem { source: Source::Scenario(file.to_owned()), place: None, message };
        let text = fs::read_to_string(file).map_err(|error| problem(format!("it cannot be read: {error}")))?;
        Self::parse(file, &text)
    }

    /// The same from its text.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Problem> {
        let text = Text::of(file, text);
        let keys: Keys<'_> = serde_json::from_str(text.all).map_err(|error| text.problem_of(&error))?;
        let name = keys.timezone.as_ref().map_or("UTC", |timezone| &timezone.it);
        let zone = TimeZone::get(name).map_err(|_| {
            let message = format!("there is no time zone `{name}`: write an IANA name such as \"Europe/Berlin\"");
            text.problem(keys.timezone.as_ref().map_or("", |timezone| timezone.text), message)
        })?;
        let sensors = keys.sensors.map_or(Ok(Vec::new()), |sensors| text.sensors(sensors))?;
        let known = sensors.iter().map(|sensor| sensor.name.clone()).collect();
        let steps = steps::read(&text, &keys.steps.it, &zone, known)?;
        if steps.is_empty() {
            return Err(text.problem(keys.steps.text, "a scenario needs at least one step".to_owned()));
        }
        let (title, timezone) = (keys.scenario, name.to_owned());
        Ok(Self { file: file.to_owned(), title, timezone, matchers: keys.matchers, sensors, steps })
    }
}
