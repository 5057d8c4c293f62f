//! A wanted message's dictionary, taken apart: the keys that are ours, and what is left for its matcher.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    domain::{
        text::is_slip,
        wanted::WantedMessage,
        window::{Frequency, NotAFrequency},
    },
    matcher::{Generation, Registry, TopicError, is_pattern},
    source::Topics,
};

/// Why a dictionary is no wanted message.
#[derive(Debug, thiserror::Error)]
pub(super) enum WrongWanted {
    #[error("a wanted message must be a dictionary (an object, a table), not {0}")]
    NoDictionary(Value),
    #[error("`{0}` is missing: a wanted message has `frequency`, `topic` and `task_id`")]
    Missing(&'static str),
    #[error("`{missing}` is missing (hint: it is written `{written}`)")]
    Misspelt { missing: &'static str, written: String },
    #[error("`{0}` must be text, not {1}")]
    NoText(&'static str, Value),
    #[error(transparent)]
    Frequency(NotAFrequency),
    #[error("`{0}` must be true or false, not {1}")]
    NoBoolean(&'static str, Value),
    #[error("`count` must be how many messages are wanted, 1 to 4294967295, not {0}")]
    Count(Value),
    #[error(
        "`distinct` must be a list of names of top-level fields, as [\"order\"], each once and at least one, not {0}"
    )]
    Distinct(Value),
    #[error("`distinct` counts different values and needs `count`: how many (hint: `count = 2`, or leave both out)")]
    DistinctWithoutCount,
    #[error(
        "the topic `{topic}` of Kafka is called `{rather}` here: write `topic = \"{rather}\"` (`[topics]` says so)"
    )]
    Renamed { topic: String, rather: String },
    #[error("`{0}` is a pattern: a wanted message names one topic (a matcher may serve many by a pattern)")]
    Pattern(String),
    #[error(transparent)]
    Matcher(TopicError),
}

/// Takes a dictionary apart and finds its matcher.
pub(super) fn wanted<'a>(
    registry: &'a Registry,
    topics: &Topics,
    value: &Value,
) -> Result<(WantedMessage, &'a Arc<Generation>), WrongWanted> {
    let Value::Object(fields) = value else {
        return Err(WrongWanted::NoDictionary(value.clone()));
    };
    let mut fields = fields.clone();
    let frequency: Frequency = text(&mut fields, "frequency")?.parse().map_err(WrongWanted::Frequency)?;
    let topic = text(&mut fields, "topic")?;
    if is_pattern(&topic) {
        return Err(WrongWanted::Pattern(topic));
    }
    if let Some(rather) = topics.rather(&topic) {
        return Err(WrongWanted::Renamed { rather: rather.to_owned(), topic });
    }
    let task_id = text(&mut fields, "task_id")?;
    let named = fields.contains_key("matcher").then(|| text(&mut fields, "matcher")).transpose()?;
    let optional = boolean(&mut fields, "optional")?;
    let distinct = distinct(&mut fields)?;
    if !distinct.is_empty() && !fields.contains_key("count") {
        return Err(WrongWanted::DistinctWithoutCount);
    }
    let count = count(&mut fields)?;
    let generation = registry.serving(&topic, named.as_deref()).map_err(WrongWanted::Matcher)?;
    for (field, default) in generation.wanted_defaults() {
        fields.entry(field).or_insert_with(|| default.clone());
    }
    let wanted = WantedMessage {
        topic: topic.into(),
        frequency,
        task_id,
        matcher: Arc::clone(generation.name()),
        day_shift_seconds: generation.day_shift_seconds,
        optional,
        count,
        distinct,
        fields,
    };
    Ok((wanted, generation))
}

fn text(fields: &mut Map<String, Value>, key: &'static str) -> Result<String, WrongWanted> {
    match fields.remove(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(other) => Err(WrongWanted::NoText(key, other)),
        None => Err(missing(fields, key)),
    }
}

/// Many a key that is missing is there, with a slip.
fn missing(fields: &Map<String, Value>, key: &'static str) -> WrongWanted {
    match fields.keys().find(|written| is_slip(written, key)) {
        Some(written) => WrongWanted::Misspelt { missing: key, written: written.clone() },
        None => WrongWanted::Missing(key),
    }
}

fn boolean(fields: &mut Map<String, Value>, key: &'static str) -> Result<bool, WrongWanted> {
    match fields.remove(key) {
        None => Ok(false),
        Some(Value::Bool(value)) => Ok(value),
        Some(other) => Err(WrongWanted::NoBoolean(key, other)),
    }
}

fn count(fields: &mut Map<String, Value>) -> Result<u32, WrongWanted> {
    let Some(value) = fields.remove("count") else { return Ok(1) };
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0);
    count.ok_or(WrongWanted::Count(value))
}

fn distinct(fields: &mut Map<String, Value>) -> Result<Vec<String>, WrongWanted> {
    let Some(value) = fields.remove("distinct") else { return Ok(Vec::new()) };
    let names: Option<Vec<_>> = value.as_array().and_then(|all| all.iter().map(Value::as_str).collect());
    let mut names: Vec<_> = names.unwrap_or_default().into_iter().map(str::to_owned).collect();
    let given = names.len();
    names.sort();
    names.dedup();
    let is_fine = given > 0 && given == names.len() && !names.iter().any(String::is_empty);
    if is_fine { Ok(names) } else { Err(WrongWanted::Distinct(value)) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn topics() -> Topics {
        toml::from_str("orders = \"prod.orders\"").unwrap()
    }

    /// What is wrong with a dictionary before any matcher is looked for; nothing: `no matcher` is.
    fn wrong(more: &Value) -> String {
        let mut fields = json!({"frequency": "D", "topic": "t", "task_id": "a"});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wanted(&Registry::default(), &topics(), &fields).err().unwrap().to_string()
    }

    fn check(more: &Value, message: &str) {
        let wrong = wrong(more);
        assert!(wrong.starts_with(message), "{wrong}");
    }

    #[test]
    fn keys_of_ours_must_make_sense() {
        let no_dictionary = wanted(&Registry::default(), &topics(), &json!("t")).err().unwrap().to_string();
        assert_eq!(no_dictionary, "a wanted message must be a dictionary (an object, a table), not \"t\"");
        let written = json!({"frequncy": "D", "topic": "t", "task_id": "a"});
        let misspelt = wanted(&Registry::default(), &topics(), &written).err().unwrap().to_string();
        assert_eq!(misspelt, "`frequency` is missing (hint: it is written `frequncy`)");
        check(&json!({"frequency": "d"}), "`d` is not a frequency: write \"H\" (hour)");
        check(&json!({"topic": ""}), "`topic` must be text, not \"\"");
        check(&json!({"topic": "^orders"}), "`^orders` is a pattern: a wanted message names one topic");
        check(&json!({"topic": "prod.orders"}), "the topic `prod.orders` of Kafka is called `orders` here: write");
        check(&json!({"task_id": 7}), "`task_id` must be text, not 7");
        check(&json!({"matcher": null}), "`matcher` must be text, not null");
        check(&json!({"optional": "yes"}), "`optional` must be true or false, not \"yes\"");
        check(&json!({"frequency": "once", "optional": true, "count": 3}), "no matcher serves the topic `t`");
    }

    #[test]
    fn a_count_is_at_least_one_and_values_are_counted_by_name() {
        for count in [json!(0), json!(-1), json!(1.5), json!("2"), json!(u64::from(u32::MAX) + 1)] {
            check(&json!({"count": count}), "`count` must be how many messages are wanted, 1 to 4294967295, not");
        }
        for distinct in [json!([]), json!("order"), json!([""]), json!(["a", "a"]), json!([1])] {
            check(&json!({"count": 2, "distinct": distinct}), "`distinct` must be a list of names of top-level fields");
        }
        check(&json!({"distinct": ["order"]}), "`distinct` counts different values and needs `count`: how many");
        check(&json!({"count": 2, "distinct": ["b", "a"]}), "no matcher serves the topic `t`");
    }
}
