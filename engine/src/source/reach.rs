//! Whether Kafka is reached, said once when it changes instead of with every attempt.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use rdkafka::{config::RDKafkaLogLevel, error::RDKafkaErrorCode};

use super::{
    desk::{Desk, lock},
    reason,
};

#[derive(Debug)]
pub(super) struct Reach {
    brokers: String,
    desk: Arc<Desk>,
    heard: Mutex<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    down: bool,
    /// Why the last connection failed.
    connection: Option<String>,
    /// The text of the last error of any kind.
    last: Option<String>,
    said: HashSet<String>,
}

impl Reach {
    pub(super) fn new(brokers: &str, desk: Arc<Desk>) -> Self {
        Self { brokers: brokers.to_owned(), desk, heard: Mutex::default() }
    }

    /// Keeps an error for whoever asks for it, and says nothing.
    pub(super) fn note(&self, code: Option<RDKafkaErrorCode>, reason: &str) {
        if code != Some(RDKafkaErrorCode::AllBrokersDown) {
            lock(&self.heard).connection = Some(reason::in_words(reason));
        }
    }

    /// An error that librdkafka reports by the side.
    pub(super) fn heard(&self, code: Option<RDKafkaErrorCode>, reason: &str) {
        use RDKafkaErrorCode as Code;
        let mut heard = lock(&self.heard);
        heard.last = Some(reason.to_owned());
        match code {
            Some(Code::AllBrokersDown) => self.lost(&mut heard),
            Some(
                Code::BrokerTransportFailure
                | Code::Resolve
                | Code::SSL
                | Code::Authentication
                | Code::OperationTimedOut
                | Code::CriticalSystemResource
                | Code::SaslAuthenticationFailed,
            ) => {
                tracing::debug!(reason, "A connection to Kafka failed");
                heard.connection = Some(reason::in_words(reason));
            }
            // The reader deals with it.
            Some(Code::AutoOffsetReset) => tracing::debug!(reason, "An offset is not in the log"),
            _ if heard.said.insert(reason.to_owned()) => {
                tracing::warn!(reason, "Kafka reports a problem")
            }
            _ => tracing::debug!(reason, "Kafka reports a problem"),
        }
    }

    fn lost(&self, heard: &mut Heard) {
        let reason = heard.connection.clone().unwrap_or_else(|| reason::in_words("no connection"));
        if !heard.down {
            heard.down = true;
            tracing::warn!(brokers = %self.brokers, %reason, "No Kafka broker is reached, still trying");
        }
        self.desk.health().problem = Some(format!("no Kafka broker answers at {}: {reason}", self.brokers));
    }

    /// Nothing was ever answered, and connections fail.
    pub(super) fn is_not_reached(&self) {
        let mut heard = lock(&self.heard);
        if heard.connection.is_some() {
            self.lost(&mut heard);
        }
    }

    /// A log line of librdkafka; some failed connections are told nowhere else.
    pub(super) fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        if facility == "FAIL" {
            lock(&self.heard).connection = Some(reason::in_words(reason::of_line(line)));
        }
        log(level, facility, line);
    }

    /// Somebody asked in vain.
    pub(super) fn not_answered(&self) {
        self.lost(&mut lock(&self.heard));
    }

    /// Whether nobody waits for an answer any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.desk.stopping()
    }

    pub(super) fn is_down(&self) -> bool {
        lock(&self.heard).down
    }

    /// A broker has answered.
    pub(super) fn answered(&self) {
        let mut heard = lock(&self.heard);
        if std::mem::take(&mut heard.down) {
            tracing::info!(brokers = %self.brokers, "Kafka is reached again");
            heard.said.clear();
            self.desk.health().problem = None;
        }
    }

    /// The text that came with the last error.
    pub(super) fn last(&self) -> String {
        lock(&self.heard).last.clone().unwrap_or_else(|| "no reason given".to_owned())
    }

    /// Why there is no connection.
    pub(super) fn connection(&self) -> Option<String> {
        lock(&self.heard).connection.clone()
    }
}

/// Passes a log line of librdkafka on. Failed connections are told by [`Reach`], so their lines are for debugging.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, line: &str) {
    use RDKafkaLogLevel as Level;
    let told = matches!(facility, "FAIL" | "ERROR" | "CONFWARN" | "SESSTMOUT" | "MAXPOLL" | "TERMINATE" | "GETPID");
    match level {
        _ if told => tracing::debug!(target: "librdkafka", facility, "{line}"),
        Level::Emerg | Level::Alert | Level::Critical | Level::Error => {
            tracing::error!(target: "librdkafka", facility, "{line}");
        }
        Level::Warning => tracing::warn!(target: "librdkafka", facility, "{line}"),
        Level::Notice | Level::Info | Level::Debug => {
            tracing::debug!(target: "librdkafka", facility, "{line}")
        }
    }
}
