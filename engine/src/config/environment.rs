//! Environment twins: `EVENTLATCH_KAFKA_BROKERS` is `brokers` in `[kafka]`, and so on for every value.

use toml::{Table, Value};

use super::{Config, ConfigError};
use crate::domain::text::{is_slip, plain};

const PREFIX: &str = "EVENTLATCH_";

/// Any librdkafka property: `EVENTLATCH_KAFKA_PROPERTIES_SECURITY_PROTOCOL` is `security.protocol`.
const PROPERTIES: &str = "EVENTLATCH_KAFKA_PROPERTIES_";

/// A topic's name in Kafka: `EVENTLATCH_TOPICS_ETL_FINISH` is `etl-finish` in `[topics]`.
const TOPICS: &str = "EVENTLATCH_TOPICS_";

/// Every value that a variable can set, as it stands in the file.
const PATHS: &[&str] = &[
    "kafka.brokers",
    "kafka.group",
    "kafka.client_id",
    "kafka.start",
    "kafka.on_gap",
    "kafka.delivery",
    "kafka.max_messages",
    "kafka.max_bytes",
    "kafka.max_wait_ms",
    "kafka.tombstones",
    "kafka.commit_interval_seconds",
    "kafka.instance_id",
    "kafka.protocol",
    "store.path",
    "store.retention_days",
    "sensors.directory",
    "sensors.timezone",
    "sensors.catch_up_days",
    "sensors.deadline_grace_seconds",
    "matchers.directory",
    "matchers.cache",
    "matchers.allow",
    "matchers.allow_file",
    "matchers.workers",
    "matchers.probation_minutes",
    "matchers.on_fault",
    "matchers.on_reject",
    "matchers.retries",
    "matchers.concurrency.messages",
    "matchers.concurrency.partitions",
    "matchers.budget.cpu_ms_per_1000_messages",
    "matchers.budget.cpu_share",
    "matchers.budget.memory_mib",
    "matchers.budget.window_seconds",
    "matchers.limits.memory_mib",
    "matchers.limits.table_elements",
    "matchers.limits.tolerated_faults",
    "matchers.limits.file_mib",
    "matchers.limits.stack_kib",
    "matchers.limits.returned_mib",
    "matchers.limits.log_kib",
    "matchers.limits.base_ms",
    "matchers.limits.per_message_us",
    "matchers.limits.recycle_calls",
    "matchers.limits.recycle_growth_mib",
    "marking.adapter",
    "marking.order",
    "marking.concurrency",
    "marking.backoff.first_seconds",
    "marking.backoff.limit_seconds",
    "marking.sql.database",
    "marking.sql.statement",
    "marking.sql.rows",
    "marking.webhook.url",
    "marking.webhook.token",
    "marking.webhook.secret",
    "marking.webhook.timeout_seconds",
    "marking.kafka.topic",
    "marking.kafka.key",
    "dead_letters.sample_bytes",
    "dead_letters.payload",
    "dead_letters.key",
    "dead_letters.redact",
    "dead_letters.topic",
    "report.email.smtp",
    "report.email.from",
    "report.email.to",
    "report.email.password",
    "report.email.tls",
    "report.webhook.url",
    "report.webhook.token",
    "api.enabled",
    "api.listen",
    "api.token",
    "api.read_token",
    "api.requests_per_second",
    "service.shutdown_seconds",
    "telemetry.log",
    "telemetry.format",
    "telemetry.file.path",
    "telemetry.file.rotation",
    "telemetry.file.keep",
    "telemetry.otlp.endpoint",
    "telemetry.otlp.sample_ratio",
    "telemetry.otlp.headers",
    "telemetry.otlp.service_name",
];

/// Puts on top of a table what the environment says, and answers with the configuration; None where it says nothing.
pub(super) fn overlay(
    table: &mut Table,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Option<Config>, ConfigError> {
    let mut config = None;
    let mut twins = Vec::new();
    for (name, value) in environment {
        match path(&name, table) {
            Some(path) => twins.push((path, name, value)),
            None => is_not_misspelt(name)?,
        }
    }
    twins.sort();
    for (path, name, value) in twins {
        // As text where text is wanted: a password of digits is no number.
        set(table, &path, Value::String(value.clone()));
        let parsed = Config::deserialize_table(table).or_else(|detail| {
            set(table, &path, typed(&value).ok_or(detail)?);
            Config::deserialize_table(table)
        });
        config = Some(parsed.map_err(|detail| ConfigError::Environment { name, detail })?);
    }
    Ok(config)
}

impl Config {
    fn deserialize_table(table: &Table) -> Result<Self, String> {
        Value::Table(table.clone()).try_into().map_err(|error: toml::de::Error| plain(error.message()))
    }
}

/// Where a value stands that a variable sets, in a table as it is read from the file.
fn path(name: &str, table: &Table) -> Option<Vec<String>> {
    if let Some(property) = name.strip_prefix(PROPERTIES) {
        return Some(vec!["kafka".into(), "properties".into(), property.to_lowercase().replace('_', ".")]);
    }
    if let Some(topic) = name.strip_prefix(TOPICS) {
        let mut named = table.get("topics").and_then(Value::as_table).into_iter().flat_map(Table::keys);
        let known = named.find(|name| name.to_uppercase().replace(['.', '-'], "_") == topic);
        return Some(vec!["topics".into(), known.cloned().unwrap_or_else(|| topic.to_lowercase().replace('_', "-"))]);
    }
    let rest = name.strip_prefix(PREFIX)?;
    let found = PATHS.iter().find(|path| path.to_uppercase().replace('.', "_") == rest)?;
    Some(found.split('.').map(str::to_owned).collect())
}

/// Others may begin with the same letters (Kubernetes sets `EVENTLATCH_SERVICE_HOST`): only what is almost one of ours is
/// taken for a slip.
fn is_not_misspelt(name: String) -> Result<(), ConfigError> {
    let Some(rest) = name.strip_prefix(PREFIX) else { return Ok(()) };
    let variable = |path: &str| path.to_uppercase().replace('.', "_");
    let near = PATHS.iter().map(|path| variable(path)).find(|known| is_slip(rest, known));
    near.map_or(Ok(()), |known| {
        let detail = format!("there is none of this name (hint: {PREFIX}{known})");
        Err(ConfigError::Environment { name, detail })
    })
}

/// A number, a boolean or a list, where it reads as one.
fn typed(text: &str) -> Option<Value> {
    let value = text.parse::<Value>().ok();
    value.filter(|value| matches!(value, Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Array(_)))
}

fn set(table: &mut Table, path: &[String], value: Value) {
    let [first, rest @ ..] = path else { return };
    if rest.is_empty() {
        table.insert(first.clone(), value);
    } else if let Value::Table(inner) = table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new())) {
        set(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, value: &str) -> Result<Config, ConfigError> {
        Config::load(None, [(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn a_slip_in_a_name_is_told_and_what_others_set_is_not_ours() {
        let told = load("EVENTLATCH_KAFKA_BROKER", "a:1").unwrap_err().to_string();
        assert_eq!(
            told,
            "the environment variable EVENTLATCH_KAFKA_BROKER cannot be used: there is none of this name \
             (hint: EVENTLATCH_KAFKA_BROKERS)"
        );
        for foreign in ["EVENTLATCH_SERVICE_HOST", "EVENTLATCH_PORT", "EVENTLATCH_KAFKA_SERVICE_PORT", "EVENTLATCH_BIN"]
        {
            load(foreign, "1").unwrap();
        }
    }

    #[test]
    fn a_variable_wins_and_keeps_the_type_of_its_value() {
        assert_eq!(load("EVENTLATCH_KAFKA_BROKERS", "a:1,b:2").unwrap().kafka.brokers, "a:1,b:2");
        assert_eq!(load("EVENTLATCH_KAFKA_MAX_MESSAGES", "7").unwrap().kafka.max_messages, 7);
        assert_eq!(load("EVENTLATCH_MATCHERS_LIMITS_MEMORY_MIB", "9").unwrap().matchers.limits.memory_mib.get(), 9);
        assert_eq!(load("EVENTLATCH_KAFKA_GROUP", "2024").unwrap().kafka.group, "2024");
        let properties = load("EVENTLATCH_KAFKA_PROPERTIES_SSL_CA_LOCATION", "/ca.pem").unwrap().kafka.properties;
        assert!(properties.contains("ssl.ca.location"));
        let topics = load("EVENTLATCH_TOPICS_ETL_FINISH", "prod.etl-finish").unwrap().topics;
        assert_eq!(topics.in_kafka("etl-finish"), "prod.etl-finish");
    }

    #[test]
    fn a_bad_value_is_told_with_the_name_of_its_variable() {
        let error = load("EVENTLATCH_KAFKA_MAX_MESSAGES", "many").unwrap_err().to_string();
        assert!(error.contains("EVENTLATCH_KAFKA_MAX_MESSAGES") && error.contains("many"), "{error}");
    }

    #[test]
    fn every_value_is_in_the_reference() {
        let reference = include_str!("../../../docs/configuration.md");
        for path in PATHS {
            let key = path.rsplit('.').next().unwrap_or(path);
            assert!(reference.contains(&format!("| `{key}` |")), "{path} is not in docs/configuration.md");
        }
    }
}
