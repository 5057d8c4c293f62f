//! The note that is left at a task: what it rests on, first on the one line that Airflow's pages show, then as a list that
//! reads well as text and as Markdown.

use crate::domain::{
    dead_letter::Sample,
    mark::{Evidence, Mark, MarkKind},
};

/// Airflow takes no longer ones.
const LONGEST: usize = 1_000;

/// So much of a message's key is shown.
const LONGEST_KEY: usize = 200;

pub(super) fn of(mark: &Mark) -> String {
    let basis = match (&mark.evidence, mark.kind) {
        (Some(evidence), _) => message(evidence),
        (None, MarkKind::Task) => "no message, but a deadline, a condition or a decision by hand".to_owned(),
        (None, MarkKind::Gate | MarkKind::OnComplete) => "the wait has ended".to_owned(),
    };
    let mut lines = vec![format!("{} by eventlatch: {basis}", mark.state.word())];
    lines.extend(mark.evidence.iter().flat_map(details));
    lines.push(format!("sensor {}, wait {}, business date {}", mark.sensor, mark.wait, mark.business_date));
    lines.join("\n* ").chars().take(LONGEST).collect()
}

fn message(evidence: &Evidence) -> String {
    let partition = &evidence.position.partition;
    format!("message {}/{}@{}", partition.topic, partition.number, evidence.position.offset)
}

fn details(evidence: &Evidence) -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(evidence.carried.key.as_ref().map(|key| format!("key {}", shown(key))));
    lines.push(format!("arrived {}", evidence.arrival));
    lines.extend(evidence.event_time.map(|time| format!("happened {time}")));
    lines.push(format!("matcher {}, sha256 {}", evidence.matcher, evidence.sha256));
    lines
}

/// On one line.
fn shown(key: &[u8]) -> String {
    let sample = serde_json::to_value(Sample(key.to_vec())).unwrap_or_default();
    let text = sample["text"].as_str().map(|text| text.escape_debug().take(LONGEST_KEY).collect());
    text.unwrap_or_else(|| sample["base64"].as_str().unwrap_or_default().chars().take(LONGEST_KEY).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::trial::mark;

    #[test]
    fn a_note_says_what_a_mark_rests_on() {
        let mut mark = mark(1, "a");
        mark.evidence.as_mut().unwrap().carried.key = Some(b"k\n".to_vec());
        let expected = "success by eventlatch: message t/3@17\n* key k\\n\n* arrived 2019-07-07T08:00:00Z\n\
                        * matcher job-finish, sha256 abc\n* sensor s, wait 2019-07-07, business date 2019-07-07";
        assert_eq!(of(&mark), expected);
        mark.evidence = None;
        let expected = "success by eventlatch: no message, but a deadline, a condition or a decision by hand\n* sensor";
        assert!(of(&mark).starts_with(expected));
        mark.kind = MarkKind::Gate;
        assert!(of(&mark).starts_with("success by eventlatch: the wait has ended\n* sensor"));
    }

    #[test]
    fn a_note_is_no_longer_than_airflow_takes() {
        let mut mark = mark(1, "a");
        mark.wait = "ä".repeat(2_000);
        mark.evidence.as_mut().unwrap().carried.key = Some(vec![255; 2_000]);
        assert_eq!(of(&mark).chars().count(), LONGEST);
    }
}
