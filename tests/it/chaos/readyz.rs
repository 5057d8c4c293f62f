//! What `/readyz` says, seen from outside.

use std::time::Duration;

use eventlatch_tests::waiting::wait_for;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(90);

/// Whether the service says that it is ready, and how its parts stand.
pub(crate) fn ask(url: &str) -> Result<(bool, Value), ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(format!("{url}/readyz")).call()?;
    Ok((answer.status() == 200, answer.body_mut().read_json()?))
}

pub(crate) fn wait_until_ready(url: &str) {
    wait_for("the service to say that it is ready", SOON, || match ask(url) {
        Ok((true, _)) => Ok(()),
        Ok((false, parts)) => Err(parts.to_string()),
        Err(error) => Err(error.to_string()),
    });
}

/// Waits until it says that it is not, and that Kafka is why.
pub(crate) fn wait_until_kafka_is_missed(url: &str) {
    wait_for("the service to say that no broker answers", SOON, || match ask(url) {
        Ok((false, parts)) if parts.to_string().contains("no Kafka broker answers") => Ok(()),
        Ok((_, parts)) => Err(parts.to_string()),
        Err(error) => Err(error.to_string()),
    });
}
