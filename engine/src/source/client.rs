//! What librdkafka is told: the properties that the guarantees rest on, the defaults, and the user's own.

use rdkafka::{ClientConfig, config::RDKafkaLogLevel, error::KafkaError, metadata::Metadata, types::RDKafkaErrorCode};

use super::{
    KafkaConfig, Protocol, SourceError,
    properties::{is_reference, resolve},
};

/// Ours where the user says nothing.
const CONSUMER_DEFAULTS: [(&str, &str); 6] = [
    // After a crash the group waits this long for the one that is gone.
    ("session.timeout.ms", "10000"),
    // How soon a new topic or partition is found.
    ("topic.metadata.refresh.interval.ms", "5000"),
    // librdkafka's own 64 MiB are per partition.
    ("queued.max.messages.kbytes", "16384"),
    ("queued.min.messages", "20000"),
    // How long a partition waits to be fetched from again when its queue was full.
    ("fetch.queue.backoff.ms", "20"),
    ("reconnect.backoff.max.ms", "5000"),
];

/// What no user may change.
const CONSUMER_FORCED: [(&str, &str); 4] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "false"),
];

/// Little is read ahead, and a request for what is not there yet does not hold up the next one.
const FETCHER_FORCED: [(&str, &str); 7] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "true"),
    ("fetch.wait.max.ms", "20"),
    ("queued.min.messages", "100"),
    ("queued.max.messages.kbytes", "4096"),
];

/// Reads long stretches, beside a consumer that is not to feel it.
const LOG_FORCED: [(&str, &str); 7] = [
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("auto.offset.reset", "error"),
    ("enable.partition.eof", "true"),
    ("fetch.wait.max.ms", "50"),
    ("queued.min.messages", "10000"),
    ("queued.max.messages.kbytes", "8192"),
];

const PRODUCER_FORCED: [(&str, &str); 2] = [("acks", "all"), ("enable.idempotence", "true")];

impl KafkaConfig {
    /// Checks the properties without connecting: names and values, and that references can be read.
    pub fn check(&self) -> Result<(), SourceError> {
        consumer(self)?.create_native_config().map(drop).map_err(|error| self.explain(error))
    }

    /// What librdkafka says against a property; a value that came by reference is not repeated.
    pub(super) fn explain(&self, error: KafkaError) -> SourceError {
        match error {
            KafkaError::ClientConfig(_, reason, name, _) => {
                let by_reference = self.properties.iter().any(|(set, value)| set == name && is_reference(value));
                let twice = format!(": \"{name}\"");
                let reason = match by_reference {
                    true => "its value is not accepted".to_owned(),
                    false => reason.strip_suffix(&twice).map(str::to_owned).unwrap_or(reason),
                };
                SourceError::Property { name, reason }
            }
            KafkaError::ClientCreation(reason) => SourceError::Client(reason),
            other => SourceError::Client(other.to_string()),
        }
    }
}

/// For the consumer of the group.
pub(super) fn consumer(config: &KafkaConfig) -> Result<ClientConfig, SourceError> {
    let mut client = client(config, &CONSUMER_DEFAULTS)?;
    match config.protocol {
        Protocol::Classic => {
            default(&mut client, "partition.assignment.strategy", "cooperative-sticky");
            let heartbeat = heartbeat(client.get("session.timeout.ms"));
            default(&mut client, "heartbeat.interval.ms", &heartbeat);
        }
        Protocol::Consumer => {
            client.set("group.protocol", "consumer");
            // The broker decides.
            if !config.properties.contains("session.timeout.ms") {
                client.remove("session.timeout.ms");
            }
        }
    }
    if !config.instance_id.is_empty() {
        client.set("group.instance.id", &config.instance_id);
    }
    client.set("group.id", &config.group);
    Ok(force(client, &CONSUMER_FORCED))
}

/// A third of the session, as Kafka advises: with librdkafka's own three seconds whoever shortens the session is thrown out
/// of the group again and again.
fn heartbeat(session: Option<&str>) -> String {
    let session = session.and_then(|session| session.parse::<u32>().ok()).unwrap_or(10_000);
    (session / 3).clamp(1, 3_000).to_string()
}

/// For asking only: it joins no group.
pub(super) fn asker(config: &KafkaConfig) -> Result<ClientConfig, SourceError> {
    Ok(force(client(config, &CONSUMER_DEFAULTS)?, &CONSUMER_FORCED))
}

/// For reading single messages again.
pub(super) fn fetcher(config: &KafkaConfig) -> Result<ClientConfig, SourceError> {
    apart(config, &FETCHER_FORCED)
}

/// For reading stretches of logs again.
pub(super) fn log(config: &KafkaConfig) -> Result<ClientConfig, SourceError> {
    apart(config, &LOG_FORCED)
}

/// Never joins the group whose name it bears: librdkafka assigns nothing without.
fn apart(config: &KafkaConfig, forced: &[(&str, &str)]) -> Result<ClientConfig, SourceError> {
    let mut client = force(client(config, &CONSUMER_DEFAULTS)?, forced);
    client.set("group.id", &config.group);
    Ok(client)
}

pub(super) fn producer(config: &KafkaConfig) -> Result<ClientConfig, SourceError> {
    let client = client(config, &[("message.timeout.ms", "30000"), ("linger.ms", "5")])?;
    Ok(force(client, &PRODUCER_FORCED))
}

fn client(config: &KafkaConfig, defaults: &[(&str, &str)]) -> Result<ClientConfig, SourceError> {
    let mut client = ClientConfig::new();
    for (name, value) in config.properties.iter() {
        client.set(name, resolve(name, value)?);
    }
    for (name, value) in defaults {
        default(&mut client, name, value);
    }
    client.set("bootstrap.servers", &config.brokers);
    client.set("client.id", &config.client_id);
    let debugging = config.properties.contains("debug");
    client.set_log_level(if debugging { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Info });
    Ok(client)
}

fn default(client: &mut ClientConfig, name: &str, value: &str) {
    if client.get(name).is_none() {
        client.set(name, value);
    }
}

fn force(mut client: ClientConfig, forced: &[(&str, &str)]) -> ClientConfig {
    for (name, value) in forced {
        client.set(*name, *value);
    }
    client
}

/// The partitions of a topic, in order; none if there is no such topic. That a topic cannot be told of now is an error.
pub(super) fn partitions(metadata: &Metadata, topic: &str) -> Result<Vec<i32>, KafkaError> {
    let Some(found) = metadata.topics().iter().find(|it| it.name() == topic) else { return Ok(Vec::new()) };
    match found.error().map(RDKafkaErrorCode::from) {
        None | Some(RDKafkaErrorCode::UnknownTopicOrPartition) => {}
        Some(error) => return Err(KafkaError::MetadataFetch(error)),
    }
    let mut numbers: Vec<_> = found.partitions().iter().map(|partition| partition.id()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use rdkafka::consumer::BaseConsumer;

    use super::*;

    fn check(name: &str, value: &str, expected: &str) {
        let mut config = KafkaConfig::default();
        config.properties.set(name, value).unwrap();
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(name), "{error}");
    }

    #[test]
    fn a_bad_property_is_named() {
        check("no.such.property", "1", "No such configuration property");
        check("session.timeout.ms", "soon", "Invalid value");
        check("sasl.password", "env:NO_SUCH_VARIABLE_IS_SET", "refers to a value that cannot be had");
    }

    #[test]
    fn a_value_by_reference_is_not_shown() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hunter2\n").unwrap();
        check("session.timeout.ms", &format!("file:{}", file.path().display()), "not accepted");
    }

    #[test]
    fn tls_and_sasl_are_built_in() {
        for mechanism in ["PLAIN", "SCRAM-SHA-512"] {
            let mut config = KafkaConfig::default();
            config.properties.set("security.protocol", "SASL_SSL").unwrap();
            config.properties.set("sasl.mechanism", mechanism).unwrap();
            config.properties.set("sasl.username", "somebody").unwrap();
            config.properties.set("sasl.password", "secret").unwrap();
            let created: Result<BaseConsumer, _> = consumer(&config).unwrap().create();
            assert!(created.is_ok(), "{mechanism}: {:?}", created.err());
        }
    }

    #[test]
    fn who_shortens_the_session_is_heard_of_in_time() {
        for (session, heartbeat) in [(None, "3000"), (Some("2000"), "666"), (Some("45000"), "3000")] {
            let mut config = KafkaConfig::default();
            session.into_iter().for_each(|it| config.properties.set("session.timeout.ms", it).unwrap());
            assert_eq!(consumer(&config).unwrap().get("heartbeat.interval.ms"), Some(heartbeat), "{session:?}");
        }
        let mut config = KafkaConfig::default();
        config.properties.set("heartbeat.interval.ms", "500").unwrap();
        assert_eq!(consumer(&config).unwrap().get("heartbeat.interval.ms"), Some("500"));
    }

    #[test]
    fn the_default_configuration_is_accepted() {
        KafkaConfig::default().check().unwrap();
        producer(&KafkaConfig::default()).unwrap().create_native_config().unwrap();
    }
}
