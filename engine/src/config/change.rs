//! What is different in a configuration that was read again, key by key, and what of it can take effect at once.

use std::{collections::BTreeSet, fmt};

use toml::{Table, Value};

use super::Config;

/// Keys, and sections, that change while the service runs. All others need a restart.
const LIVE: [&str; 3] = ["dead_letters", "marking.backoff", "telemetry.log"];

/// What was given, by the file and by the environment: the defaults are not in it. Never printed, it may hold secrets.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Given(pub(super) Table);

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A key whose value is another one now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// As `kafka.brokers`.
    pub key: String,
    pub effect: Effect,
}

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Live,
    Restart,
}

impl Config {
    /// What is different in another configuration, in the order of the keys.
    pub fn changes(&self, other: &Self) -> Vec<Change> {
        let mut keys = BTreeSet::new();
        differences(&self.given.0, &other.given.0, "", &mut keys);
        let effect = |key: &str| if LIVE.iter().any(|live| is_in(key, live)) { Effect::Live } else { Effect::Restart };
        keys.into_iter().map(|key| Change { effect: effect(&key), key }).collect()
    }

    /// Takes from another configuration what is live; the rest stays as it was.
    pub fn take_live(&mut self, other: &Self) {
        self.dead_letters = other.dead_letters.clone();
        self.marking.backoff = other.marking.backoff;
        self.telemetry.log.clone_from(&other.telemetry.log);
        for key in LIVE {
            let path: Vec<_> = key.split('.').collect();
            match value(&other.given.0, &path) {
                Some(value) => set(&mut self.given.0, &path, value.clone()),
                None => remove(&mut self.given.0, &path),
            }
        }
    }
}

/// Whether a key is another one, or in its section.
fn is_in(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The keys below two tables that have not the same value.
fn differences(one: &Table, other: &Table, below: &str, found: &mut BTreeSet<String>) {
    for name in one.keys().chain(other.keys()) {
        let key = if below.is_empty() { name.clone() } else { format!("{below}.{name}") };
        match (one.get(name), other.get(name)) {
            (one, other) if one == other => {}
            (Some(Value::Table(one)), Some(Value::Table(other))) => differences(one, other, &key, found),
            (Some(Value::Table(one)), None) => differences(one, &Table::new(), &key, found),
            (None, Some(Value::Table(other))) => differences(&Table::new(), other, &key, found),
            _ => drop(found.insert(key)),
        }
    }
}

fn value<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    match path {
        [last] => table.get(*last),
        [first, rest @ ..] => value(table.get(*first)?.as_table()?, rest),
        [] => None,
    }
}

fn set(table: &mut Table, path: &[&str], value: Value) {
    match path {
        [last] => drop(table.insert((*last).to_owned(), value)),
        [first, rest @ ..] => {
            let inner = table.entry(*first).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                set(inner, rest, value);
            }
        }
        [] => {}
    }
}

fn remove(table: &mut Table, path: &[&str]) {
    match path {
        [last] => drop(table.remove(*last)),
        [first, rest @ ..] => {
            if let Some(Value::Table(inner)) = table.get_mut(*first) {
                remove(inner, rest);
            }
        }
        [] => {}
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn load(text: &str) -> Config {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        Config::load(Some(file.path()), [("EVENTLATCH_KAFKA_GROUP".to_owned(), "mine".to_owned())]).unwrap()
    }

    fn changes(one: &Config, other: &Config) -> Vec<String> {
        one.changes(other).iter().map(|change| format!("{} {:?}", change.key, change.effect)).collect()
    }

    #[test]
    fn changes_are_named_and_known_to_be_live_or_not() {
        let old = load("[kafka]\nbrokers = \"a:1\"\n[telemetry]\nlog = \"info\"");
        assert_eq!(changes(&old, &old), [""; 0]);
        // What the environment says wins over the file, so that this group is no change.
        let new = load(
            "[kafka]\nbrokers = \"b:1\"\ngroup = \"other\"\nproperties.\"ssl.ca.location\" = \"/ca\"\n\
             [telemetry]\nlog = \"debug\"\nformat = \"json\"\n[dead_letters]\nredact = [\"ssn\"]\n\
             [marking.backoff]\nfirst_seconds = 2.0",
        );
        let expected = [
            "dead_letters.redact Live",
            "kafka.brokers Restart",
            "kafka.properties.ssl.ca.location Restart",
            "marking.backoff.first_seconds Live",
            "telemetry.format Restart",
            "telemetry.log Live",
        ];
        assert_eq!(changes(&old, &new), expected);
    }

    #[test]
    fn what_needs_a_restart_is_said_until_there_is_one() {
        let mut running = load("[telemetry]\nlog = \"debug\"\n[marking.backoff]\nfirst_seconds = 2.0");
        let new = load("[kafka]\nbrokers = \"b:1\"\n[dead_letters]\nkey = \"none\"");
        running.take_live(&new);
        assert_eq!(running.dead_letters, new.dead_letters);
        assert_eq!((running.marking.backoff, &running.telemetry.log), (new.marking.backoff, &new.telemetry.log));
        assert_eq!(changes(&running, &new), ["kafka.brokers Restart"]);
    }

    #[test]
    fn what_was_given_is_never_printed() {
        let config = load("[kafka.properties]\n\"sasl.password\" = \"secret\"");
        assert!(!format!("{config:?}").contains("secret"));
    }
}
