//! Case files as they are written. A mistake is told with its line.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value, value::RawValue};

use super::{
    Case,
    expect::{Expected, Time},
};
use crate::domain::{
    message::{Header, Message},
    text::without_place,
};

/// Why a file of cases cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WrongCase {
    #[error("cannot read {}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("{file}:{line}: {message}")]
    Wrong { file: String, line: usize, message: String },
}

/// The files of a folder, by name. A folder that is not there holds none.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, WrongCase> {
    let unreadable = |error| WrongCase::Unreadable(folder.to_owned(), error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>().map_err(unreadable)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

/// Reads a file: one case, or a list of them.
pub fn read(file: &Path) -> Result<Vec<Case>, WrongCase> {
    let text = fs::read_to_string(file).map_err(|error| WrongCase::Unreadable(file.to_owned(), error))?;
    parse(&file.display().to_string(), &text)
}

/// The same from its text.
pub(super) fn parse(file: &str, text: &str) -> Result<Vec<Case>, WrongCase> {
    let keys: Vec<Keys> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(text),
        false => serde_json::from_str(text).map(|only| vec![only]),
    }
    .map_err(|error| WrongCase::Wrong {
        file: file.to_owned(),
        line: error.line().max(1),
        message: without_place(&error),
    })?;
    let is_only = keys.len() == 1;
    let stem = Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let name = |number: usize| if is_only { stem.clone() } else { format!("{stem} {number}") };
    Ok(keys.into_iter().enumerate().map(|(at, keys)| keys.case(file, name(at + 1))).collect())
}

#[derive(Deserialize)]
#[serde(try_from = "Written")]
struct Keys(Written);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    case: Option<String>,
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(default = "utc", deserialize_with = "zone")]
    timezone: TimeZone,
    message: MessageKeys,
    wanted: Option<Map<String, Value>>,
    expect: Expected,
}

impl TryFrom<Written> for Keys {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written.wanted.is_none() && written.expect.needs_wanted() {
            true => Err("a `verdict` or a `problem` is about something `wanted`: give it"),
            false => Ok(Self(written)),
        }
    }
}

impl Keys {
    fn case(self, file: &str, otherwise: String) -> Case {
        let Written { case, config, timezone: zone, message, wanted, expect: expected } = self.0;
        let MessageKeys { topic, value: Content(value), key, headers, arrival } = message;
        let header = |(name, value): (String, String)| Header { name, value: value.into_bytes() };
        let message = Message {
            offset: 0,
            arrival: arrival.instant(&zone),
            key: key.map(Bytes::from),
            value: value.map(Bytes::from),
            headers: headers.into_iter().map(header).collect(),
        };
        let (name, file) = (case.unwrap_or(otherwise), file.to_owned());
        Case { name, file, config, topic, message, zone, wanted, expected }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "WrittenMessage")]
struct MessageKeys {
    topic: Option<String>,
    value: Content,
    key: Option<String>,
    headers: BTreeMap<String, String>,
    arrival: Time,
}

/// None is a tombstone.
struct Content(Option<Vec<u8>>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMessage {
    topic: Option<String>,
    #[serde(default, deserialize_with = "present")]
    value: Option<Box<RawValue>>,
    raw: Option<String>,
    base64: Option<String>,
    key: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    arrival: Time,
}

impl TryFrom<WrittenMessage> for MessageKeys {
    type Error = String;

    fn try_from(written: WrittenMessage) -> Result<Self, Self::Error> {
        let WrittenMessage { topic, value, raw, base64, key, headers, arrival } = written;
        let value = match (value.as_deref().map(RawValue::get), raw, base64) {
            (Some("null"), None, None) => None,
            (Some(value), None, None) => Some(value.as_bytes().to_vec()),
            (None, Some(raw), None) => Some(raw.into_bytes()),
            (None, None, Some(text)) => {
                let bytes = BASE64_STANDARD.decode(text);
                Some(bytes.map_err(|error| format!("`base64` is not standard base64: {error}"))?)
            }
            _ => {
                let all = "a `value` (any JSON, null for a tombstone), a `raw` text, or bytes in `base64`";
                return Err(format!("a message has one of: {all}"));
            }
        };
        Ok(Self { topic, value: Content(value), key, headers, arrival })
    }
}

/// Tells `null` from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

fn utc() -> TimeZone {
    TimeZone::UTC
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
    let name = String::deserialize(deserializer)?;
    TimeZone::get(&name).map_err(|_| {
        D::Error::custom(format!("there is no time zone `{name}`: write an IANA name such as \"Europe/Berlin\""))
    })
}

#[cfg(test)]
mod tests;
