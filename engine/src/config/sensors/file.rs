//! The text of a sensor file, as definitions that know their lines.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use toml::Spanned;

use crate::domain::{
    definition::{At, Definition, Keys, Place, Problem, Source},
    text::{Lines, plain, without_place},
};

/// A file with several sensors.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "V: Deserialize<'de>"))]
struct Several<V> {
    sensors: Vec<Keys<V>>,
}

/// Reads the text of a file, which holds a sensor, or a list of them under `sensors`. The file's name decides whether it
/// is JSON or TOML, and lends its stem to a sensor without a name.
pub fn parse(file: &Path, text: &str) -> Result<Vec<Definition>, Problem> {
    let source = Source::File(file.to_owned());
    let is_json = file.extension().is_some_and(|extension| extension == "json");
    let all = if is_json { from_json(text) } else { from_toml(text) };
    let all =
        all.map_err(|(line, message)| Problem { source: source.clone(), place: line.map(Place::Line), message })?;
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).filter(|_| all.len() == 1);
    all.into_iter().map(|keys| Definition::new(source.clone(), keys, stem.clone())).collect()
}

/// An error may know its line.
type Located<T> = Result<T, (Option<usize>, String)>;

fn from_toml(text: &str) -> Located<Vec<Keys<At<Value>>>> {
    let lines = Lines::of(text);
    let problem = |error: toml::de::Error| (error.span().map(|span| lines.line_of(span.start)), plain(error.message()));
    let table: toml::Table = toml::from_str(text).map_err(problem)?;
    let keys: Vec<Keys<Spanned<Value>>> = match table.contains_key("sensors") {
        true => toml::from_str::<Several<_>>(text).map_err(problem)?.sensors,
        false => vec![toml::from_str(text).map_err(problem)?],
    };
    let placed = |_: &str, it: Spanned<Value>| {
        Ok(At { place: Place::Line(lines.line_of(it.span().start)), it: it.into_inner() })
    };
    keys.into_iter().map(|keys| keys.map(placed)).collect()
}

fn from_json(text: &str) -> Located<Vec<Keys<At<Value>>>> {
    let lines = Lines::of(text);
    let problem = |error: serde_json::Error| (Some(error.line()), without_place(&error));
    let map: Map<String, Value> = serde_json::from_str(text).map_err(problem)?;
    let keys: Vec<Keys<&RawValue>> = match map.contains_key("sensors") {
        true => serde_json::from_str::<Several<_>>(text).map_err(problem)?.sensors,
        false => vec![serde_json::from_str(text).map_err(problem)?],
    };
    // A raw value is a part of the text: where it begins says on which line it stands.
    let line = |it: &RawValue| lines.line_of(it.get().as_ptr().addr() - text.as_ptr().addr());
    let placed = |_: &str, it: &RawValue| match serde_json::from_str(it.get()) {
        Ok(value) => Ok(At { place: Place::Line(line(it)), it: value }),
        Err(error) => Err((Some(line(it)), without_place(&error))),
    };
    keys.into_iter().map(|keys| keys.map(placed)).collect()
}
