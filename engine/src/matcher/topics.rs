//! Topics that a matcher serves by a regular expression: those that stand behind `^`, as users of Kafka write them.
//!
//! A name goes before a pattern, so that one topic of many can have a matcher of its own.

use std::sync::Arc;

use regex::Regex;

use super::load::Generation;

/// The patterns among the topics of a matcher.
#[derive(Debug, Clone, Default)]
pub(super) struct Patterns(Vec<Regex>);

/// How a matcher comes to serve a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    ByName,
    ByPattern,
}

/// Whether a topic is written as a pattern of many.
pub fn is_pattern(topic: &str) -> bool {
    topic.starts_with('^')
}

impl Patterns {
    /// The error says which one makes no sense, and why.
    pub(super) fn among(topics: &[Arc<str>]) -> Result<Self, String> {
        let compile = |text: &Arc<str>| {
            Regex::new(text).map_err(|error| {
                let why = error.to_string();
                format!("its topic `{text}` is no regular expression: {}", why.lines().last().unwrap_or_default())
            })
        };
        topics.iter().filter(|topic| is_pattern(topic)).map(compile).collect::<Result<_, _>>().map(Self)
    }
}

impl Generation {
    /// Whether it serves a topic.
    pub fn serves(&self, topic: &str) -> Option<Serves> {
        serves(&self.topics, &self.patterns, topic)
    }
}

fn serves(topics: &[Arc<str>], patterns: &Patterns, topic: &str) -> Option<Serves> {
    if is_pattern(topic) {
        return None;
    }
    if topics.iter().any(|name| **name == *topic) {
        return Some(Serves::ByName);
    }
    patterns.0.iter().any(|pattern| pattern.is_match(topic)).then_some(Serves::ByPattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_served_by_name_and_by_pattern() {
        let topics: [Arc<str>; 2] = ["a.b".into(), r"^orders\.(eu|us)$".into()];
        let patterns = Patterns::among(&topics).unwrap();
        for (topic, expected) in [
            ("a.b", Some(Serves::ByName)),
            ("axb", None),
            ("orders.eu", Some(Serves::ByPattern)),
            ("orders.eu2", None),
            ("old.orders.eu", None),
            (r"^orders\.(eu|us)$", None),
        ] {
            assert_eq!(serves(&topics, &patterns, topic), expected, "{topic}");
        }
        let refused = Patterns::among(&["^a(".into()]).unwrap_err();
        assert_eq!(refused, "its topic `^a(` is no regular expression: error: unclosed group");
    }
}
