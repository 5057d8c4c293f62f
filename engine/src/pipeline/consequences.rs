//! What follows for a slice when a matcher failed on one of its messages, as configured: nothing more (it is set aside),
//! nothing is kept, or the slice is recorded only up to that message.

use crate::{
    domain::{
        dead_letter::{DeadLetter, DeadLetterKind},
        recording::{Halt, HaltKind, Recording},
    },
    matcher::{OnFailure, Policies},
};

/// Has the policies of the matchers followed in a recording whose failures are all dead letters.
pub(super) fn follow(policies: &Policies, recording: &mut Recording) {
    let consequence = |letter: &DeadLetter| {
        let policy = policies.of(&letter.by.matcher);
        match letter.cause.kind() {
            DeadLetterKind::Fault => policy.on_fault,
            DeadLetterKind::Reject => policy.on_reject,
        }
    };
    let mut letters = std::mem::take(&mut recording.dead_letters);
    // Of one message the worst comes first.
    letters.sort_by_key(|letter| (letter.offset, std::cmp::Reverse(consequence(letter))));
    for letter in letters {
        let halted_here = recording.halt.as_ref().map(|halt| halt.letter.offset);
        if halted_here.is_some_and(|offset| letter.offset > offset) {
            break;
        }
        match consequence(&letter) {
            OnFailure::Skip => recording.skipped.push(letter),
            OnFailure::Freeze if halted_here.is_none() => cut(recording, HaltKind::Freeze, letter),
            OnFailure::Stop if halted_here.is_none() => cut(recording, HaltKind::Stop, letter),
            OnFailure::DeadLetter | OnFailure::Freeze | OnFailure::Stop => recording.dead_letters.push(letter),
        }
    }
    if let Some(Halt { how: HaltKind::Stop, letter }) = &recording.halt {
        let before = |other: &DeadLetter| other.offset < letter.offset;
        recording.dead_letters.retain(before);
        recording.skipped.retain(before);
    }
}

/// Ends a recording before a message.
fn cut(recording: &mut Recording, how: HaltKind, letter: DeadLetter) {
    let at = letter.offset;
    // The message will be judged again: a match is recorded once however often that is, a near miss is not.
    let last_match = if how == HaltKind::Freeze { at } else { at - 1 };
    recording.matches.retain(|found| found.sighting.offset <= last_match);
    recording.near_misses.retain(|near| near.sighting.offset < at);
    recording.span.to = at;
    recording.halt = Some(Halt { how, letter });
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        domain::{
            dead_letter::{Cause, Kept},
            message::{Partition, Span},
            recording::JudgedBy,
        },
        matcher::Config,
    };

    fn letter(offset: i64, matcher: &str, word: Option<&'static str>) -> DeadLetter {
        DeadLetter {
            offset,
            arrival: Timestamp::UNIX_EPOCH,
            kept: Kept::default(),
            cause: word.map_or(Cause::Reject, |word| Cause::Fault { word: word.into(), backtrace: None }),
            reason: String::new(),
            by: JudgedBy { matcher: matcher.into(), sha256: "abc".into() },
            forward: None,
        }
    }

    /// What becomes of `OFFSET MATCHER` (`!`: a reject), as offsets.
    fn check(config: &str, failures: &[(i64, &str)], expected: &str) {
        let config: Config = toml::from_str(config).unwrap();
        let dead_letters = failures.iter().map(|(offset, matcher)| match matcher.strip_suffix('!') {
            Some(matcher) => letter(*offset, matcher, None),
            None => letter(*offset, matcher, Some("trap")),
        });
        let mut recording = Recording {
            partition: Partition { cluster: "c".into(), topic: "t".into(), number: 0, epoch: 0 },
            span: Span { from: Some(0).into(), to: 9 },
            matches: Vec::new(),
            near_misses: Vec::new(),
            dead_letters: dead_letters.collect(),
            skipped: Vec::new(),
            halt: None,
        };
        follow(&config.policies(), &mut recording);
        let offsets = |letters: &[DeadLetter]| letters.iter().map(|it| it.offset).collect::<Vec<_>>();
        let halt = recording.halt.as_ref().map(|halt| (halt.how, halt.letter.offset));
        let (aside, skipped) = (offsets(&recording.dead_letters), offsets(&recording.skipped));
        assert_eq!(format!("aside {aside:?} skipped {skipped:?} to {} {halt:?}", recording.span.to), expected);
    }

    #[test]
    fn failures_have_the_consequences_that_are_configured() {
        let failures = [(2, "a"), (4, "a!"), (6, "b")];
        check("", &failures, "aside [2, 4, 6] skipped [] to 9 None");
        check("on_fault = \"skip\"", &failures, "aside [4] skipped [2, 6] to 9 None");
        check("on_reject = \"freeze\"", &failures, "aside [2] skipped [] to 4 Some((Freeze, 4))");
        check("on_fault = \"stop\"\n[a]\non_fault = \"skip\"", &failures, "aside [4] skipped [2] to 6 Some((Stop, 6))");
        check("[b]\non_fault = \"freeze\"", &failures, "aside [2, 4] skipped [] to 6 Some((Freeze, 6))");
    }

    #[test]
    fn of_one_message_the_worst_consequence_counts() {
        let failures = [(3, "a"), (3, "b"), (3, "c"), (5, "a")];
        let freezes = "[b]\non_fault = \"freeze\"\n[c]\non_fault = \"skip\"";
        check(freezes, &failures, "aside [3] skipped [3] to 3 Some((Freeze, 3))");
        let stops = "[b]\non_fault = \"freeze\"\n[c]\non_fault = \"stop\"";
        check(stops, &failures, "aside [] skipped [] to 3 Some((Stop, 3))");
    }
}
