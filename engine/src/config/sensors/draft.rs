//! Sensors as their files write them, with the lines they stand on.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use toml::Spanned;

use super::Problem;
use crate::config::text::{Lines, plain, without_place};

/// A sensor as a file has it, not yet checked.
#[derive(Debug)]
pub struct Draft {
    pub(super) file: PathBuf,
    pub(super) name: String,
    pub(super) timezone: Option<String>,
    pub(super) wanted: Vec<WantedDraft>,
}

/// A wanted message as a file has it.
#[derive(Debug)]
pub(super) struct WantedDraft {
    pub(super) line: usize,
    pub(super) fields: Map<String, Value>,
}

/// The keys of a sensor. What a later release will serve is known and refused by name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys<W> {
    name: Option<String>,
    timezone: Option<String>,
    wanted: Vec<W>,
    open: Option<String>,
    require: Option<Value>,
    timeout: Option<Value>,
    on_timeout: Option<Value>,
    late: Option<Value>,
}

/// A file with several sensors.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "W: Deserialize<'de>"))]
struct Several<W> {
    sensors: Vec<Keys<W>>,
}

impl Draft {
    /// Reads the text of a file, which holds a sensor, or a list of them under `sensors`. The file's name decides
    /// whether it is JSON or TOML, and lends its stem to a sensor without a name.
    pub fn parse(file: &Path, text: &str) -> Result<Vec<Self>, Problem> {
        let json = file.extension().is_some_and(|extension| extension == "json");
        let drafts = if json { from_json(text) } else { from_toml(text) };
        let place = |(line, message)| Problem { file: file.to_owned(), line, message };
        let drafts = drafts.map_err(place)?;
        let several = drafts.len() > 1;
        drafts.into_iter().map(|keys| keys.draft(file, several).map_err(|message| place((None, message)))).collect()
    }
}

/// An error may know its line.
type Located<T> = Result<T, (Option<usize>, String)>;

fn from_toml(text: &str) -> Located<Vec<Keys<WantedDraft>>> {
    let lines = Lines::of(text);
    let problem = |error: toml::de::Error| (error.span().map(|span| lines.line_of(span.start)), plain(error.message()));
    let table: toml::Table = toml::from_str(text).map_err(problem)?;
    let keys: Vec<Keys<Spanned<Map<String, Value>>>> = match table.contains_key("sensors") {
        true => toml::from_str::<Several<_>>(text).map_err(problem)?.sensors,
        false => vec![toml::from_str(text).map_err(problem)?],
    };
    let wanted = |it: Spanned<Map<String, Value>>| {
        Ok(WantedDraft { line: lines.line_of(it.span().start), fields: it.into_inner() })
    };
    keys.into_iter().map(|keys| keys.map(wanted)).collect()
}

fn from_json(text: &str) -> Located<Vec<Keys<WantedDraft>>> {
    let lines = Lines::of(text);
    let problem = |error: serde_json::Error| (Some(error.line()), without_place(&error));
    let map: Map<String, Value> = serde_json::from_str(text).map_err(problem)?;
    let keys: Vec<Keys<&RawValue>> = match map.contains_key("sensors") {
        true => serde_json::from_str::<Several<_>>(text).map_err(problem)?.sensors,
        false => vec![serde_json::from_str(text).map_err(problem)?],
    };
    let wanted = |it: &RawValue| {
        // A raw value is a part of the text: where it begins says on which line it stands.
        let line = lines.line_of(it.get().as_ptr().addr() - text.as_ptr().addr());
        match serde_json::from_str(it.get()) {
            Ok(fields) => Ok(WantedDraft { line, fields }),
            Err(error) => Err((Some(line), format!("a wanted message must be an object: {}", without_place(&error)))),
        }
    };
    keys.into_iter().map(|keys| keys.map(wanted)).collect()
}

impl<W> Keys<W> {
    fn map<V>(self, wanted: impl Fn(W) -> Located<V>) -> Located<Keys<V>> {
        let Self { name, timezone, wanted: all, open, require, timeout, on_timeout, late } = self;
        let wanted = all.into_iter().map(wanted).collect::<Result<_, _>>()?;
        Ok(Keys { name, timezone, wanted, open, require, timeout, on_timeout, late })
    }
}

impl Keys<WantedDraft> {
    fn draft(self, file: &Path, several: bool) -> Result<Draft, String> {
        self.refuse_what_is_not_served()?;
        let stem = || file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).filter(|_| !several);
        let name = self.name.or_else(stem).filter(|name| !name.is_empty());
        let name = name.ok_or("a sensor needs a `name` (only a file with one sensor lends its own)")?;
        if self.wanted.is_empty() {
            return Err(format!("the sensor `{name}` wants nothing: give it at least one message in `wanted`"));
        }
        Ok(Draft { file: file.to_owned(), name, timezone: self.timezone, wanted: self.wanted })
    }

    fn refuse_what_is_not_served(&self) -> Result<(), String> {
        let later = [
            ("require", self.require.is_some()),
            ("timeout", self.timeout.is_some()),
            ("on_timeout", self.on_timeout.is_some()),
            ("late", self.late.is_some()),
        ];
        if let Some((key, _)) = later.iter().find(|(_, given)| *given) {
            return Err(format!("`{key}` is not served by this release: remove it"));
        }
        match self.open.as_deref() {
            None | Some("window") => Ok(()),
            Some(other) => {
                Err(format!("`open = {other:?}` is not served by this release: write \"window\" or nothing"))
            }
        }
    }
}
