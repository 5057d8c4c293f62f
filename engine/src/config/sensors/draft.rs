//! Sensors as their files write them, with the lines they stand on.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use toml::Spanned;

use super::Problem;
use crate::config::text::{Lines, plain, without_place};

/// A sensor as a file has it, not yet checked.
#[derive(Debug)]
pub struct Draft {
    pub(super) file: PathBuf,
    /// Where its name stands, or its first wanted message where its file lends its name.
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) timezone: Option<At<String>>,
    pub(super) wanted: Vec<WantedDraft>,
}

/// Something that stands on a line.
#[derive(Debug)]
pub(super) struct At<T> {
    pub(super) line: usize,
    pub(super) it: T,
}

/// A wanted message as a file has it.
pub(super) type WantedDraft = At<Map<String, Value>>;

/// The keys of a sensor, whose texts and wanted messages know their places. What a later release will serve is known and
/// refused by name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys<T, W> {
    name: Option<T>,
    timezone: Option<T>,
    wanted: Vec<W>,
    open: Option<String>,
    require: Option<Value>,
    timeout: Option<Value>,
    on_timeout: Option<Value>,
    late: Option<Value>,
}

/// With the places of what may be complained about.
type KeysInPlace = Keys<Spanned<String>, Spanned<Map<String, Value>>>;

/// A file with several sensors.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "T: Deserialize<'de>, W: Deserialize<'de>"))]
struct Several<T, W> {
    sensors: Vec<Keys<T, W>>,
}

/// All places known.
type Placed = Keys<At<String>, WantedDraft>;

impl Draft {
    /// Reads the text of a file, which holds a sensor, or a list of them under `sensors`. The file's name decides
    /// whether it is JSON or TOML, and lends its stem to a sensor without a name.
    pub fn parse(file: &Path, text: &str) -> Result<Vec<Self>, Problem> {
        let json = file.extension().is_some_and(|extension| extension == "json");
        let drafts = if json { from_json(text) } else { from_toml(text) };
        let place = |(line, message)| Problem { file: file.to_owned(), line, message };
        let drafts = drafts.map_err(place)?;
        let several = drafts.len() > 1;
        drafts.into_iter().map(|keys| keys.draft(file, several).map_err(place)).collect()
    }

    /// The same for texts that say the same, wherever they stand.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.timezone.as_ref().map(|timezone| &timezone.it).hash(&mut hasher);
        for wanted in &self.wanted {
            Value::Object(wanted.it.clone()).to_string().hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// An error may know its line.
type Located<T> = Result<T, (Option<usize>, String)>;

fn from_toml(text: &str) -> Located<Vec<Placed>> {
    let lines = Lines::of(text);
    let problem = |error: toml::de::Error| (error.span().map(|span| lines.line_of(span.start)), plain(error.message()));
    let table: toml::Table = toml::from_str(text).map_err(problem)?;
    let keys: Vec<KeysInPlace> = match table.contains_key("sensors") {
        true => toml::from_str::<Several<_, _>>(text).map_err(problem)?.sensors,
        false => vec![toml::from_str(text).map_err(problem)?],
    };
    let text = |it: Spanned<String>| Ok(At { line: lines.line_of(it.span().start), it: it.into_inner() });
    let wanted = |it: Spanned<Map<String, Value>>| Ok(At { line: lines.line_of(it.span().start), it: it.into_inner() });
    keys.into_iter().map(|keys| keys.map(text, wanted)).collect()
}

fn from_json(text: &str) -> Located<Vec<Placed>> {
    let lines = Lines::of(text);
    let problem = |error: serde_json::Error| (Some(error.line()), without_place(&error));
    let map: Map<String, Value> = serde_json::from_str(text).map_err(problem)?;
    let keys: Vec<Keys<&RawValue, &RawValue>> = match map.contains_key("sensors") {
        true => serde_json::from_str::<Several<_, _>>(text).map_err(problem)?.sensors,
        false => vec![serde_json::from_str(text).map_err(problem)?],
    };
    // A raw value is a part of the text: where it begins says on which line it stands.
    let line = |it: &RawValue| lines.line_of(it.get().as_ptr().addr() - text.as_ptr().addr());
    let text = |it: &RawValue| match serde_json::from_str(it.get()) {
        Ok(text) => Ok(At { line: line(it), it: text }),
        Err(error) => Err((Some(line(it)), without_place(&error))),
    };
    let wanted = |it: &RawValue| match serde_json::from_str(it.get()) {
        Ok(fields) => Ok(At { line: line(it), it: fields }),
        Err(error) => Err((Some(line(it)), format!("a wanted message must be an object: {}", without_place(&error)))),
    };
    keys.into_iter().map(|keys| keys.map(text, wanted)).collect()
}

impl<T, W> Keys<T, W> {
    fn map(
        self,
        text: impl Fn(T) -> Located<At<String>>,
        wanted: impl Fn(W) -> Located<WantedDraft>,
    ) -> Located<Placed> {
        let Self { name, timezone, wanted: all, open, require, timeout, on_timeout, late } = self;
        let (name, timezone) = (name.map(&text).transpose()?, timezone.map(&text).transpose()?);
        let wanted = all.into_iter().map(wanted).collect::<Result<_, _>>()?;
        Ok(Keys { name, timezone, wanted, open, require, timeout, on_timeout, late })
    }
}

impl Placed {
    fn draft(self, file: &Path, several: bool) -> Located<Draft> {
        let named = self.name.as_ref().map(|name| name.line);
        let line = named.or_else(|| self.wanted.first().map(|wanted| wanted.line));
        let problem = |message: String| (line, message);
        self.refuse_what_is_not_served().map_err(problem)?;
        let stem = || file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).filter(|_| !several);
        let name = self.name.map(|name| name.it).or_else(stem).filter(|name| !name.is_empty());
        let nameless = || "a sensor needs a `name` (only a file with one sensor lends its own)".to_owned();
        let name = name.ok_or_else(nameless).map_err(problem)?;
        if self.wanted.is_empty() {
            let message = format!("the sensor `{name}` wants nothing: give it at least one message in `wanted`");
            return Err(problem(message));
        }
        let line = line.unwrap_or(1);
        Ok(Draft { file: file.to_owned(), line, name, timezone: self.timezone, wanted: self.wanted })
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
