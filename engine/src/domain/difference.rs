//! How two builds of a matcher differ over the same messages: the one that serves (the old) and a candidate (the new).
//!
//! Both say of each message what it is ([`Said`]); [`Comparison::note`] counts and keeps what is not the same. Knows nothing of
//! matchers or stores: shadows, pushes and replays compare with it, and show a [`Difference`].

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{dead_letter::DeadLetterKind, message::Position, wanted::WantedId};

/// So many discrepancies of each kind are kept to be shown, the first ones.
const SAMPLES: usize = 20;

/// What one build says of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub keys: BTreeSet<Vec<u8>>,
    /// The wanted messages that it fulfils.
    pub fulfilled: BTreeSet<WantedId>,
    /// Those whose key it has and that it does not fulfil, each with the reason.
    pub refused: BTreeMap<WantedId, String>,
    /// Why it takes no further part, if so. A message on which a build faults at its last word has both: this and what came of it
    /// for other wanted messages.
    pub set_aside: Option<(DeadLetterKind, String)>,
}

/// A figure of each build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Each {
    pub old: u64,
    pub new: u64,
}

/// What was counted of two builds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Tally {
    /// Messages that both judged.
    pub messages: u64,
    /// Those of them on which they differ in anything.
    pub different: u64,
    /// Matches of both.
    pub same: u64,
    pub only_old: u64,
    pub only_new: u64,
    /// Messages of which they make other keys.
    pub other_keys: u64,
    /// Messages that they find malformed.
    pub rejects: Each,
    /// Messages on which they fail.
    pub faults: Each,
    /// CPU time that they took over them, in microseconds.
    pub cpu_us: Each,
}

/// A way in which two builds differ over a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// The old one alone takes it to fulfil a wanted message.
    OnlyOld,
    OnlyNew,
    /// They make other keys of it: it may fulfil other wanted messages that are yet to come.
    OtherKeys,
    /// The old one alone finds it malformed.
    OldRejects,
    NewRejects,
    /// The old one alone fails on it.
    OldFaults,
    NewFaults,
}

/// One way in which they differ over one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discrepancy {
    pub kind: DifferenceKind,
    pub position: Position,
    /// When its message came.
    pub arrival: Timestamp,
    /// Which wanted message it is about; none: about none in particular.
    pub wanted: Option<WantedId>,
    /// Why it is rejected or fails, or why the other build does not take it to fulfil the wanted message, where that says so.
    pub reason: Option<String>,
}

/// Two builds compared, in the making.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    pub tally: Tally,
    /// The first of each kind.
    pub discrepancies: Vec<Discrepancy>,
}

/// Two builds compared, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = MatcherDifference)]
pub struct Difference {
    pub tally: Tally,
    pub samples: Vec<DifferenceSample>,
}

/// A discrepancy, as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DifferenceSample {
    pub kind: DifferenceKind,
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    #[schema(value_type = String, format = DateTime)]
    pub arrival: Timestamp,
    /// Whose wanted message it is about.
    pub sensor: Option<String>,
    pub task_id: Option<String>,
    pub reason: Option<String>,
}

impl Tally {
    /// How many times as much CPU time the new one takes as the old one; none where that is too little to say.
    pub fn cost_ratio(&self) -> Option<f64> {
        (self.cpu_us.old > 0).then(|| self.cpu_us.new as f64 / self.cpu_us.old as f64)
    }

    /// Adds what was counted of other messages.
    pub fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.different += other.different;
        self.same += other.same;
        self.only_old += other.only_old;
        self.only_new += other.only_new;
        self.other_keys += other.other_keys;
        for (each, more) in
            [(&mut self.rejects, other.rejects), (&mut self.faults, other.faults), (&mut self.cpu_us, other.cpu_us)]
        {
            each.old += more.old;
            each.new += more.new;
        }
    }
}

impl DifferenceKind {
    pub const ALL: [Self; 7] = [
        Self::OnlyOld,
        Self::OnlyNew,
        Self::OtherKeys,
        Self::OldRejects,
        Self::NewRejects,
        Self::OldFaults,
        Self::NewFaults,
    ];

    /// The word for it in the database and on the terminal.
    pub fn word(self) -> &'static str {
        match self {
            Self::OnlyOld => "only-old",
            Self::OnlyNew => "only-new",
            Self::OtherKeys => "other-keys",
            Self::OldRejects => "old-rejects",
            Self::NewRejects => "new-rejects",
            Self::OldFaults => "old-faults",
            Self::NewFaults => "new-faults",
        }
    }
}

impl Comparison {
    /// Notes what both say of a message.
    pub fn note(&mut self, (position, arrival): (&Position, Timestamp), old: &Said, new: &Said) {
        let discrepancies = discrepancies(position, arrival, old, new);
        let of_kind = |kind| discrepancies.iter().filter(|it| it.kind == kind).count() as u64;
        let is = |said: &Said, kind| u64::from(said.set_aside.as_ref().is_some_and(|(it, _)| *it == kind));
        let each = |kind| Each { old: is(old, kind), new: is(new, kind) };
        self.tally.add(&Tally {
            messages: 1,
            different: u64::from(!discrepancies.is_empty()),
            same: old.fulfilled.intersection(&new.fulfilled).count() as u64,
            only_old: of_kind(DifferenceKind::OnlyOld),
            only_new: of_kind(DifferenceKind::OnlyNew),
            other_keys: of_kind(DifferenceKind::OtherKeys),
            rejects: each(DeadLetterKind::Reject),
            faults: each(DeadLetterKind::Fault),
            cpu_us: Each::default(),
        });
        self.keep(discrepancies);
    }

    /// Takes in what was compared of messages that came after these.
    pub fn absorb(&mut self, later: Self) {
        self.tally.add(&later.tally);
        self.keep(later.discrepancies);
    }

    /// The first discrepancy of a kind.
    pub fn first(&self, kind: DifferenceKind) -> Option<&Discrepancy> {
        self.discrepancies.iter().find(|it| it.kind == kind)
    }

    /// As people see it. Who is asked knows the sensor and the task of a wanted message, if it is there still.
    pub fn shown(&self, named: impl Fn(WantedId) -> Option<(String, String)>) -> Difference {
        let sample = |it: &Discrepancy| {
            let (sensor, task_id) = it.wanted.and_then(&named).unzip();
            let Position { partition, offset } = it.position.clone();
            let (topic, partition) = (partition.topic.to_string(), partition.number);
            let (kind, arrival, reason) = (it.kind, it.arrival, it.reason.clone());
            DifferenceSample { kind, topic, partition, offset, arrival, sensor, task_id, reason }
        };
        Difference { tally: self.tally, samples: self.discrepancies.iter().map(sample).collect() }
    }

    fn keep(&mut self, more: Vec<Discrepancy>) {
        for discrepancy in more {
            if self.discrepancies.iter().filter(|it| it.kind == discrepancy.kind).count() < SAMPLES {
                self.discrepancies.push(discrepancy);
            }
        }
    }
}

/// All in which two builds differ over a message.
fn discrepancies(position: &Position, arrival: Timestamp, old: &Said, new: &Said) -> Vec<Discrepancy> {
    let discrepancy = |kind, wanted, reason: Option<&String>| {
        let (position, reason) = (position.clone(), reason.cloned());
        Discrepancy { kind, position, arrival, wanted, reason }
    };
    let mut all = Vec::new();
    for (kind, who, other) in [(DifferenceKind::OnlyOld, old, new), (DifferenceKind::OnlyNew, new, old)] {
        for wanted in who.fulfilled.difference(&other.fulfilled) {
            let reason = other.refused.get(wanted).or(other.set_aside.as_ref().map(|(_, reason)| reason));
            all.push(discrepancy(kind, Some(*wanted), reason));
        }
    }
    for (kinds, who, other) in [
        ([DifferenceKind::OldRejects, DifferenceKind::OldFaults], old, new),
        ([DifferenceKind::NewRejects, DifferenceKind::NewFaults], new, old),
    ] {
        let Some((kind, reason)) = &who.set_aside else { continue };
        if other.set_aside.as_ref().map(|(kind, _)| kind) != Some(kind) {
            all.push(discrepancy(kinds[usize::from(*kind == DeadLetterKind::Fault)], None, Some(reason)));
        }
    }
    if old.set_aside.is_none() && new.set_aside.is_none() && old.keys != new.keys {
        all.push(discrepancy(DifferenceKind::OtherKeys, None, None));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::Partition;

    fn said(keys: &[&str], fulfilled: &[i64], refused: &[(i64, &str)]) -> Said {
        Said {
            keys: keys.iter().map(|key| key.as_bytes().to_owned()).collect(),
            fulfilled: fulfilled.iter().copied().map(WantedId).collect(),
            refused: refused.iter().map(|(id, reason)| (WantedId(*id), (*reason).to_owned())).collect(),
            set_aside: None,
        }
    }

    fn compared(old: &Said, new: &Said) -> Comparison {
        let partition = Partition { cluster: "c".into(), topic: "t".into(), number: 0, epoch: 0 };
        let mut comparison = Comparison::default();
        comparison.note((&partition.at(7), Timestamp::UNIX_EPOCH), old, new);
        comparison
    }

    fn kinds(comparison: &Comparison) -> Vec<(DifferenceKind, Option<i64>, Option<&str>)> {
        let kind = |it: &Discrepancy| (it.kind, it.wanted.map(|id| id.0));
        let all = comparison.discrepancies.iter();
        all.map(|it| (kind(it).0, kind(it).1, it.reason.as_deref())).collect()
    }

    #[test]
    fn builds_that_agree_do_not_differ() {
        let both = said(&["a"], &[1, 2], &[(3, "another day")]);
        let comparison = compared(&both, &both);
        assert_eq!(comparison.tally, Tally { messages: 1, same: 2, ..Tally::default() });
        assert_eq!(kinds(&comparison), []);
    }

    #[test]
    fn a_match_of_one_alone_has_the_reason_of_the_other() {
        let comparison = compared(&said(&["a"], &[1, 2], &[]), &said(&["a"], &[2, 3], &[(1, "too small")]));
        let expected =
            [(DifferenceKind::OnlyOld, Some(1), Some("too small")), (DifferenceKind::OnlyNew, Some(3), None)];
        assert_eq!(kinds(&comparison), expected);
        let tally = Tally { messages: 1, different: 1, same: 1, only_old: 1, only_new: 1, ..Tally::default() };
        assert_eq!(comparison.tally, tally);
    }

    #[test]
    fn keys_count_where_both_judge() {
        let comparison = compared(&said(&["a"], &[], &[]), &said(&["b"], &[], &[]));
        assert_eq!(kinds(&comparison), [(DifferenceKind::OtherKeys, None, None)]);
        let rejected = Said { set_aside: Some((DeadLetterKind::Reject, "no order".into())), ..Said::default() };
        let comparison = compared(&said(&["a"], &[1], &[]), &rejected);
        let expected = [
            (DifferenceKind::OnlyOld, Some(1), Some("no order")),
            (DifferenceKind::NewRejects, None, Some("no order")),
        ];
        assert_eq!(kinds(&comparison), expected);
        assert_eq!(comparison.tally.rejects, Each { old: 0, new: 1 });
    }

    #[test]
    fn what_both_fail_on_is_no_difference() {
        let faulted =
            |reason: &str| Said { set_aside: Some((DeadLetterKind::Fault, reason.into())), ..Said::default() };
        assert_eq!(kinds(&compared(&faulted("one"), &faulted("another"))), []);
        let comparison = compared(&said(&[], &[], &[]), &faulted("panicked"));
        assert_eq!(kinds(&comparison), [(DifferenceKind::NewFaults, None, Some("panicked"))]);
    }

    #[test]
    fn the_first_of_each_kind_are_shown() {
        let mut all = Comparison::default();
        for _ in 0..30 {
            all.absorb(compared(&said(&["a"], &[1], &[]), &said(&["b"], &[], &[])));
        }
        assert_eq!((all.tally.only_old, all.tally.other_keys, all.tally.different), (30, 30, 30));
        assert_eq!(all.discrepancies.len(), 2 * SAMPLES);
        let shown = all.shown(|id| (id == WantedId(1)).then(|| ("orders".to_owned(), "load".to_owned())));
        assert_eq!(shown.samples[0].task_id.as_deref(), Some("load"));
        assert_eq!((shown.samples[1].sensor.as_deref(), shown.samples[1].offset), (None, 7));
    }
}
