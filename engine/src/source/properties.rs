//! `[kafka.properties]`: librdkafka's own properties, those that would break a guarantee refused by name.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, MapAccess, Visitor},
};

use super::SourceError;
use crate::outside::SecretReference;

/// Properties by name. Printing it shows no values: any of them may be a secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

const KEPT: &str = "an offset is stored only once the messages before it are recorded";
const DECIDED: &str = "`start` and `on_gap` in [kafka] decide where reading starts";

const REFUSED: [(&str, &str); 20] = [
    ("bootstrap.servers", "set `brokers` in [kafka]"),
    ("metadata.broker.list", "set `brokers` in [kafka]"),
    ("group.id", "set `group` in [kafka]"),
    ("group.instance.id", "set `instance_id` in [kafka]"),
    ("group.protocol", "set `protocol` in [kafka]"),
    ("auto.commit.interval.ms", "set `commit_interval_seconds` in [kafka]"),
    ("client.id", "set `client_id` in [kafka]"),
    ("enable.auto.commit", KEPT),
    ("auto.commit.enable", KEPT),
    ("enable.auto.offset.store", KEPT),
    ("offset.store.method", KEPT),
    ("offset.store.path", KEPT),
    ("offset.store.sync.interval.ms", KEPT),
    ("auto.offset.reset", DECIDED),
    ("enable.partition.eof", "nothing here reads the ends of partitions from it"),
    ("acks", "a message counts as sent only when all in-sync replicas have it"),
    ("request.required.acks", "a message counts as sent only when all in-sync replicas have it"),
    ("enable.idempotence", "a message that is sent must not appear twice"),
    ("log.queue", "the logs are read by eventlatch"),
    ("test.mock.num.brokers", "`eventlatch demo` runs without a broker"),
];

impl Properties {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Adds one, by the same rules as those from a file.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SourceError> {
        if let Some(reason) = refusal(name) {
            return Err(SourceError::Property { name: name.to_owned(), reason: reason.to_owned() });
        }
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }
}

fn refusal(name: &str) -> Option<&'static str> {
    REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, reason)| *reason)
}

/// The value itself, or what its reference stands for.
pub(super) fn resolve(name: &str, value: &str) -> Result<String, SourceError> {
    match SecretReference::parse(value) {
        Some(reference) => reference.read().map_err(|source| SourceError::Reference { name: name.to_owned(), source }),
        None => Ok(value.to_owned()),
    }
}

/// Whether a value is a reference: what it stands for is never shown.
pub(super) fn is_reference(value: &str) -> bool {
    SecretReference::parse(value).is_some()
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all = BTreeMap::new();
        deserializer.deserialize_map(Property { name: String::new(), all: &mut all })?;
        Ok(Self(all))
    }
}

/// A value with its name, or more of them below it: TOML reads `ssl.ca.location = "…"` as tables in tables, and both
/// spellings mean the same here.
struct Property<'a> {
    name: String,
    all: &'a mut BTreeMap<String, String>,
}

impl Property<'_> {
    fn set<E>(self, value: String) -> Result<(), E> {
        self.all.insert(self.name, value);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Property<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Property<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, true or false")
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.set(value.to_owned())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.set(value.to_string())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.set(value.to_string())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.set(value.to_string())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.set(value.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Name { below: &self.name })? {
            map.next_value_seed(Property { name, all: self.all })?;
        }
        Ok(())
    }
}

/// The name of a property. One that is refused fails here, so that the error has its line.
struct Name<'a> {
    below: &'a str,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let last = String::deserialize(deserializer)?;
        let name = if self.below.is_empty() { last } else { format!("{}.{last}", self.below) };
        match refusal(&name) {
            Some(reason) => Err(D::Error::custom(format_args!("`{name}` cannot be set here: {reason}"))),
            None => Ok(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::KafkaConfig;

    fn check(toml: &str, expected: &[(&str, &str)]) {
        let config: KafkaConfig = toml::from_str(toml).unwrap();
        assert_eq!(config.properties.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn dotted_and_quoted_names_are_the_same() {
        check(
            "[properties]\nssl.ca.location = \"/a\"\nssl.crl.location = \"/b\"\n\"session.timeout.ms\" = 6000",
            &[("session.timeout.ms", "6000"), ("ssl.ca.location", "/a"), ("ssl.crl.location", "/b")],
        );
        check("properties = { \"socket.keepalive.enable\" = true }", &[("socket.keepalive.enable", "true")]);
    }

    #[test]
    fn what_would_break_a_guarantee_is_refused_with_the_reason() {
        let error = toml::from_str::<KafkaConfig>("[properties]\nenable.auto.commit = false").unwrap_err().to_string();
        assert!(error.contains("`enable.auto.commit` cannot be set here: an offset is stored only once"), "{error}");
        let error = toml::from_str::<KafkaConfig>("[properties]\nlinger.ms = [1]").unwrap_err().to_string();
        assert!(error.contains("a text, a number, true or false"), "{error}");
    }

    #[test]
    fn values_are_never_printed() {
        let config: KafkaConfig = toml::from_str("[properties]\nsasl.password = \"secret\"").unwrap();
        let printed = format!("{config:?}");
        assert!(printed.contains("sasl.password") && !printed.contains("secret"), "{printed}");
    }
}
