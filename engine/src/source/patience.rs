//! Asking Kafka until it answers: a broker that is away for a while is no reason to give up.

use std::{thread, time::Duration};

use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use super::reach::Reach;

/// How long Kafka may take for one answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

const PAUSE: Duration = Duration::from_millis(250);

/// An answer that is an error, and not of the kind that passes, is asked for so often.
const ATTEMPTS: u32 = 4;

/// The answer, as soon as there is one. None: the source is stopped meanwhile. An error: Kafka answers, and refuses.
pub(super) fn patiently<T>(reach: &Reach, mut ask: impl FnMut() -> KafkaResult<T>) -> KafkaResult<Option<T>> {
    let mut refused = 0;
    while !reach.is_given_up() {
        match ask() {
            Ok(answer) => {
                reach.answered();
                return Ok(Some(answer));
            }
            Err(error) => {
                if passes(&error) {
                    reach.not_answered();
                } else {
                    refused += 1;
                }
                if refused == ATTEMPTS {
                    return Err(error);
                }
                tracing::debug!(%error, "Asking Kafka again");
                thread::sleep(PAUSE);
            }
        }
    }
    Ok(None)
}

/// Whether an error is gone once the brokers are there again, or have agreed on who does what.
pub(super) fn passes(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        error.rdkafka_error_code(),
        Some(
            Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::OperationTimedOut
                | Code::RequestTimedOut
                | Code::TimedOutQueue
                | Code::Resolve
                | Code::WaitingForCoordinator
                | Code::CoordinatorLoadInProgress
                | Code::CoordinatorNotAvailable
                | Code::NotCoordinator
                | Code::LeaderNotAvailable
                | Code::NotLeaderForPartition
                | Code::UnknownTopicOrPartition
                | Code::BrokerNotAvailable
                | Code::NetworkException
        )
    )
}
