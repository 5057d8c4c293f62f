//! Definitions of sensors as people write them: JSON values that know where they stand, not checked yet.
//!
//! A file and the HTTP API say the same in the same words. Start at [`Definition::new`]; [`super::terms`] reads the
//! values, and the pipeline's checker makes a sensor of all of it.

use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    sensor::{Late, Opening, Owner, Require, Sensor, Timeout},
    wait::OnTimeout,
    wanted::WantedMessage,
};

/// Who defines a sensor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    File(PathBuf),
    Scenario(PathBuf),
    Api,
}

impl Source {
    /// Whose the sensor is.
    pub fn owner(&self) -> Owner {
        match self {
            Self::File(path) => Owner::File(path.file_name().unwrap_or_default().to_string_lossy().into_owned()),
            Self::Scenario(_) | Self::Api => Owner::Api,
        }
    }

    /// How waits open on a sensor that does not say. Whoever registers one by the API has a run that waits;
    /// a scenario says when one opens.
    pub fn opening(&self) -> Opening {
        match self {
            Self::File(_) => Opening::Window,
            Self::Scenario(_) | Self::Api => Opening::Request,
        }
    }
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Of a file, counted from 1.
    Line(usize),
    /// A JSON pointer into a request.
    Pointer(String),
}

/// Something that stands somewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct At<T> {
    pub place: Place,
    pub it: T,
}

/// The keys of a definition.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys<V> {
    pub name: Option<V>,
    pub timezone: Option<V>,
    pub open: Option<V>,
    pub require: Option<V>,
    pub timeout: Option<V>,
    pub on_timeout: Option<V>,
    pub late: Option<V>,
    pub target: Option<V>,
    pub wanted: Vec<V>,
}

impl<V> Keys<V> {
    /// The same keys with other values, each made with its key; of a wanted message the key is its number too.
    pub fn map<W, E>(self, make: impl Fn(&str, V) -> Result<W, E>) -> Result<Keys<W>, E> {
        let one = |key: &str, value: Option<V>| value.map(|value| make(key, value)).transpose();
        let wanted = self.wanted.into_iter().enumerate();
        Ok(Keys {
            name: one("name", self.name)?,
            timezone: one("timezone", self.timezone)?,
            open: one("open", self.open)?,
            require: one("require", self.require)?,
            timeout: one("timeout", self.timeout)?,
            on_timeout: one("on_timeout", self.on_timeout)?,
            late: one("late", self.late)?,
            target: one("target", self.target)?,
            wanted: wanted.map(|(number, it)| make(&format!("wanted/{number}"), it)).collect::<Result<_, E>>()?,
        })
    }
}

/// A sensor as somebody wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub source: Source,
    /// Where its name stands, or its first wanted message where it has none of its own.
    pub place: Place,
    pub name: String,
    pub keys: Keys<At<Value>>,
}

impl Definition {
    /// Names a definition, by itself or by what is there for those that do not.
    pub fn new(source: Source, keys: Keys<At<Value>>, otherwise: Option<String>) -> Result<Self, Problem> {
        let Some(first) = keys.name.as_ref().or_else(|| keys.wanted.first()) else {
            let name = otherwise.map(|name| format!(" `{name}`")).unwrap_or_default();
            let message = format!("the sensor{name} wants nothing: give it at least one message in `wanted`");
            return Err(Problem { source, place: None, message });
        };
        let place = first.place.clone();
        let problem = |message: &str| {
            Err(Problem { source: source.clone(), place: Some(place.clone()), message: message.to_owned() })
        };
        let name = match keys.name.as_ref().map(|name| &name.it) {
            Some(Value::String(name)) => Some(name.clone()),
            Some(_) => return problem("`name` must be text"),
            None => otherwise,
        };
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return problem("a sensor needs a `name` (only a file with one sensor lends its own)");
        };
        if keys.wanted.is_empty() {
            let message = format!("the sensor `{name}` wants nothing: give it at least one message in `wanted`");
            return problem(&message);
        }
        Ok(Self { source, place, name, keys })
    }

    /// A definition of a request, found in it at a JSON pointer. A name that the request says elsewhere is given.
    pub fn of_request(pointer: &str, value: Value, name: Option<String>) -> Result<Self, Problem> {
        let at = |place: &str| Some(Place::Pointer(place.to_owned()));
        let keys: Keys<Value> = serde_json::from_value(value).map_err(|error| Problem {
            source: Source::Api,
            place: at(pointer),
            message: error.to_string(),
        })?;
        let placed = |key: &str, it| Ok(At { place: Place::Pointer(format!("{pointer}/{key}")), it });
        Self::new(Source::Api, keys.map(placed)?, name)
            .map_err(|problem| Problem { place: problem.place.or(at(pointer)), ..problem })
    }

    /// The same for definitions that say the same, wherever it stands.
    pub fn fingerprint(&self) -> u64 {
        let Keys { name: _, timezone, open, require, timeout, on_timeout, late, target, wanted } = &self.keys;
        let mut hasher = DefaultHasher::new();
        for value in [timezone, open, require, timeout, on_timeout, late, target] {
            value.as_ref().map(|value| value.it.to_string()).hash(&mut hasher);
        }
        for wanted in wanted {
            wanted.it.to_string().hash(&mut hasher);
        }
        hasher.finish()
    }

    /// What is wrong with it, at a place in it.
    pub fn problem(&self, place: &Place, message: impl ToString) -> Problem {
        Problem { source: self.source.clone(), place: Some(place.clone()), message: message.to_string() }
    }
}

/// A sensor as its definition would say it, everything named.
pub fn written(sensor: &Sensor) -> Value {
    let mut keys = json!({
        "name": sensor.name,
        "timezone": sensor.timezone,
        "open": match sensor.opening {
            Opening::Window => "window",
            Opening::Request => "request",
        },
        "require": match sensor.require {
            Require::All => Value::from("all"),
            Require::Any => Value::from("any"),
            Require::Number(number) => Value::from(number),
        },
        "on_timeout": match sensor.on_timeout {
            OnTimeout::Fail => "fail",
            OnTimeout::Skip => "skip",
        },
        "late": match sensor.late {
            Late::Ignore => "ignore",
            Late::Heal => "heal",
        },
        "wanted": sensor.wanted.iter().map(written_wanted).collect::<Vec<_>>(),
    });
    match &sensor.timeout {
        Timeout::WindowEnd => {}
        Timeout::Seconds(seconds) => keys["timeout"] = Value::from(*seconds),
        Timeout::Cron(cron) => keys["timeout"] = Value::from(cron.as_str()),
    }
    if !sensor.target.is_empty() {
        keys["target"] = Value::Object(sensor.target.keys().clone());
    }
    keys
}

fn written_wanted(wanted: &WantedMessage) -> Value {
    let mut keys: Map<_, _> = wanted.fields.clone();
    keys.insert("frequency".into(), Value::from(wanted.frequency.letter()));
    keys.insert("topic".into(), Value::from(&*wanted.topic));
    keys.insert("task_id".into(), Value::from(wanted.task_id.as_str()));
    keys.insert("matcher".into(), Value::from(&*wanted.matcher));
    if wanted.optional {
        keys.insert("optional".into(), Value::from(true));
    }
    if wanted.count > 1 || !wanted.distinct.is_empty() {
        keys.insert("count".into(), Value::from(wanted.count));
    }
    if !wanted.distinct.is_empty() {
        keys.insert("distinct".into(), Value::from(wanted.distinct.clone()));
    }
    Value::Object(keys)
}

/// One thing that is wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub source: Source,
    pub place: Option<Place>,
    /// What and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Source::File(path) | Source::Scenario(path) = &self.source {
            write!(f, "{}:", path.display())?;
        }
        match &self.place {
            Some(Place::Line(line)) => write!(f, "{line}: {}", self.message),
            Some(Place::Pointer(pointer)) if !pointer.is_empty() => write!(f, "{pointer}: {}", self.message),
            _ if self.source == Source::Api => f.write_str(&self.message),
            _ => write!(f, " {}", self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of_request(value: Value) -> Result<Definition, String> {
        Definition::of_request("/sensors/3", value, None).map_err(|problem| problem.to_string())
    }

    #[test]
    fn what_a_request_defines_knows_its_place() {
        let definition = of_request(json!({"name": "s", "late": "heal", "timeout": null, "wanted": [{}, {}]})).unwrap();
        assert_eq!((definition.name.as_str(), definition.source.opening()), ("s", Opening::Request));
        let places = [&definition.keys.late.unwrap(), &definition.keys.wanted[1]].map(|it| it.place.clone());
        assert_eq!(places, ["/sensors/3/late", "/sensors/3/wanted/1"].map(|it| Place::Pointer(it.to_owned())));
        assert_eq!(definition.keys.timeout, None);
    }

    #[test]
    fn a_request_that_defines_nothing_is_told_why() {
        let error = |value| of_request(value).unwrap_err();
        assert!(error(json!({"name": "s", "wanted": [{}], "lat": 1})).starts_with("/sensors/3: unknown field `lat`"));
        assert_eq!(error(json!({"name": "s"})), "/sensors/3: missing field `wanted`");
        let nothing = "/sensors/3/name: the sensor `s` wants nothing: give it at least one message in `wanted`";
        assert_eq!(error(json!({"name": "s", "wanted": []})), nothing);
        assert_eq!(error(json!({"name": 7, "wanted": [{}]})), "/sensors/3/name: `name` must be text");
        let nameless = "/sensors/3/wanted/0: a sensor needs a `name` (only a file with one sensor lends its own)";
        assert_eq!(error(json!({"wanted": [{}]})), nameless);
    }

    #[test]
    fn a_fingerprint_covers_every_key_and_no_place() {
        let base = json!({"name": "s", "wanted": [{"a": 1}]});
        let print = |value: &Value| Definition::of_request("", value.clone(), None).unwrap().fingerprint();
        for key in ["timezone", "open", "require", "timeout", "on_timeout", "late", "target"] {
            let mut other = base.clone();
            other[key] = json!("x");
            assert_ne!(print(&base), print(&other), "{key}");
        }
        assert_ne!(print(&base), print(&json!({"name": "s", "wanted": [{"a": 2}]})));
        let elsewhere = Definition::of_request("/sensors/7", base.clone(), None).unwrap().fingerprint();
        assert_eq!(print(&base), elsewhere);
    }
}
