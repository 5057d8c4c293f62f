//! What an answer of Airflow means for a mark.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use ureq::http::StatusCode;

use crate::{
    domain::mark::Mark,
    outside::Reply,
    task::{MarkError, Marked},
};

/// What is not there yet is looked for again after so many seconds at the most: nobody tells us when it comes.
const LOOKED_FOR_EVERY: u64 = 64;

/// `may_look` is asked where something is forbidden: an error says that this is nothing of the mark.
pub(super) fn of(
    reply: &Reply,
    mark: &Mark,
    may_look: impl FnOnce() -> Result<(), MarkError>,
) -> Result<Marked, MarkError> {
    let reason = reason(reply);
    match reply.status() {
        status if status.is_success() => Ok(Marked::Now),
        StatusCode::NOT_FOUND => Err(not_there(mark, &reason, Timestamp::now())),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            may_look()?;
            let right = "may edit its task instances";
            Err(MarkError::Reject(format!(
                "{reason} (hint: see to it that whoever marks {right}, then {})",
                retry(mark)
            )))
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Err(MarkError::Retry { reason, after: reply.retry_after() })
        }
        status if status.is_client_error() => {
            Err(MarkError::Reject(format!("{reason} (hint: when that is mended, {})", retry(mark))))
        }
        _ => Err(MarkError::Retry { reason, after: reply.retry_after() }),
    }
}

/// The run may not exist when its message comes.
pub(super) fn not_there(mark: &Mark, reason: &str, now: Timestamp) -> MarkError {
    if now >= mark.expected_until {
        let until = mark.expected_until;
        return MarkError::Reject(format!("{reason}, and it did not come until {until} (hint: {})", retry(mark)));
    }
    let pause = 1_u64.checked_shl(mark.attempts).unwrap_or(u64::MAX).min(LOOKED_FOR_EVERY);
    MarkError::Retry { reason: format!("not there yet: {reason}"), after: Some(Duration::from_secs(pause)) }
}

fn retry(mark: &Mark) -> String {
    format!("`eventlatch mark retry {}`", mark.id.0)
}

/// Whether the task is in the state already: an Airflow 3 says so.
pub(super) fn is_already(reply: &Reply) -> bool {
    reply.status() == StatusCode::CONFLICT && reason(reply).contains("already in")
}

/// Whether another token may do: one that was signed before Airflow had another secret is forbidden, not unauthorized.
pub(super) fn is_old_token(reply: &Reply) -> bool {
    match reply.status() {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::FORBIDDEN => reason(reply).to_lowercase().contains("token"),
        _ => false,
    }
}

/// What it says for people, without what is said for programs.
pub(super) fn reason(reply: &Reply) -> String {
    let detail = reply.json().and_then(|body| match body.get("detail").unwrap_or(&Value::Null) {
        Value::String(detail) => Some(detail.clone()),
        Value::Array(all) => Some(all.iter().map(said).collect::<Vec<_>>().join("; ")),
        // What an Airflow 2 has no more to say about.
        Value::Null => body.get("title").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    });
    match detail.filter(|detail| !detail.is_empty()) {
        Some(detail) => format!("it answers {}: {detail}", reply.status()),
        None => reply.reason(),
    }
}

/// One of many things that are wrong with a request: what, and where.
fn said(detail: &Value) -> String {
    let Some(message) = detail.get("msg").and_then(Value::as_str) else {
        return detail.as_str().map_or_else(|| detail.to_string(), str::to_owned);
    };
    let place = detail.get("loc").and_then(Value::as_array).into_iter().flatten();
    let place: Vec<_> = place.map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect();
    format!("{}: {message}", place.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::trial::mark;

    #[test]
    fn what_is_not_there_is_looked_for_until_it_cannot_come_any_more() {
        let mark = |attempts| Mark { attempts, ..mark(7, "a") };
        let pause = |attempts: u32| {
            let before = mark(attempts).expected_until - Duration::from_secs(1);
            match not_there(&mark(attempts), "404", before) {
                MarkError::Retry { after, .. } => after.unwrap().as_secs(),
                MarkError::Reject(reason) => panic!("{reason}"),
            }
        };
        assert_eq!([0, 1, 5, 6, 7, 64, u32::MAX].map(pause), [1, 2, 32, 64, 64, 64, 64]);
        let over = not_there(&mark(0), "it answers 404", mark(0).expected_until);
        let says = "it answers 404, and it did not come until 2019-07-07T08:00:00Z (hint: `eventlatch mark retry 7`)";
        assert_eq!(over, MarkError::Reject(says.to_owned()));
    }

    #[test]
    fn what_is_wrong_with_a_request_has_its_place() {
        let detail =
            serde_json::json!({"type": "value_error", "loc": ["body", "new_state", 0], "msg": "not one of them"});
        assert_eq!(said(&detail), "body.new_state.0: not one of them");
        assert_eq!(said(&serde_json::json!("gone")), "gone");
    }
}
