//! Messages on which a matcher failed, judged once more: where the configuration has patience with it, and where a matcher
//! keeps failing whose first failure halts a partition anyway.

use super::{Finding, GaveUp, HashSet, Portion, Shared, evaluate_unheld, faulted};
use crate::{domain::backoff::Backoff, telemetry::metrics};

/// Before a message is judged again.
const PAUSES: Backoff = Backoff { first_seconds: 1.0, limit_seconds: 30.0 };

/// A matcher that keeps failing is asked about so many messages at a time.
const CAREFUL: usize = 8;

/// Judges messages again on which the matcher failed, as often as it is configured and later and later, until it does
/// not. Whoever does not want to wait drops this.
pub(super) async fn retried(
    shared: &Shared,
    portion: &Portion,
    mut findings: Vec<Finding>,
    retries: u32,
) -> Vec<Finding> {
    for attempt in 0..retries {
        let places = faulted(&findings);
        let Some(first) = places.iter().min() else { break };
        tokio::time::sleep(PAUSES.pause(attempt, first.message as u64)).await;
        metrics::retried(portion.generation.name(), places.len());
        // What is given up as a whole failed on each.
        if let Ok(second) = evaluate_unheld(shared, portion.of(&places)).await {
            findings.retain(|(place, _)| !places.contains(place));
            findings.extend(second);
        }
    }
    findings
}

/// Judges each slice only up to its first failure. What is behind that is not recorded and judged another time, so these
/// findings must not become better any more.
pub(super) async fn up_to_failures(shared: &Shared, portion: &Portion) -> Result<Vec<Finding>, GaveUp> {
    let at_once = shared.pool.limits().tolerated_faults.clamp(1, CAREFUL);
    let mut findings = Vec::new();
    for slice in portion.places.chunk_by(|one, next| one.slice == next.slice) {
        for places in slice.chunks(at_once) {
            let places: HashSet<_> = places.iter().copied().collect();
            let found = evaluate_unheld(shared, portion.of(&places)).await?;
            let failed = !faulted(&found).is_empty();
            findings.extend(found);
            if failed {
                break;
            }
        }
    }
    Ok(findings)
}
