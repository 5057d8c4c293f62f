//! From facts to what a person would want to hear: why a wanted message is not here, the most likely reason first.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Explanation, MatcherCan, Missing, TopicReading};
use crate::domain::wait::WaitState;

/// One reason, in a word for programs and in a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reason {
    pub kind: ReasonKind,
    pub text: String,
}

/// The kinds of reasons, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonKind {
    Skipped,
    CameLate,
    Paused,
    MatcherAway,
    NotRendered,
    NotRead,
    CatchingUp,
    NotOpen,
    Counting,
    Refused,
    NotDue,
    SetAside,
    NotSeen,
}

pub(super) fn reasons(all: &Explanation, missing: &Missing) -> Vec<Reason> {
    let view = View { all, missing };
    let told = [
        (ReasonKind::Skipped, missing.skipped.then(|| "somebody decided that nobody waits for it".to_owned())),
        (ReasonKind::CameLate, view.late()),
        (ReasonKind::Paused, all.paused.then(|| "the sensor is paused: messages are kept, nothing else".to_owned())),
        (ReasonKind::MatcherAway, view.matcher()),
        (ReasonKind::NotRendered, view.not_rendered()),
        (ReasonKind::NotRead, view.not_read()),
        (ReasonKind::CatchingUp, view.catching_up()),
        (ReasonKind::NotOpen, view.not_open()),
        (ReasonKind::Counting, view.counting()),
        (ReasonKind::Refused, view.refused()),
        (ReasonKind::NotDue, view.usual().filter(|_| view.not_due())),
        (ReasonKind::SetAside, view.set_aside()),
        (ReasonKind::NotSeen, view.not_seen()),
    ];
    told.into_iter().filter_map(|(kind, text)| Some(Reason { kind, text: text? })).collect()
}

impl Explanation {
    /// When something usually comes, where no reason says so: `03:10, at the latest 04:55 (14 days)`.
    pub fn usual(&self, missing: &Missing) -> Option<String> {
        let is_said = |reason: &Reason| matches!(reason.kind, ReasonKind::NotDue | ReasonKind::NotSeen);
        let usually = View { all: self, missing }.usually()?;
        (!missing.reasons.iter().any(is_said)).then_some(usually)
    }
}

/// One wanted message among the others.
struct View<'a> {
    all: &'a Explanation,
    missing: &'a Missing,
}

impl View<'_> {
    /// The moment that it is about: now, or when its wait ended.
    fn moment(&self) -> Timestamp {
        let wait = self.all.wait.as_ref().filter(|wait| wait.state != WaitState::Waiting);
        wait.and_then(|wait| wait.ended_at).map_or(self.all.at, |ended| ended.min(self.all.at))
    }

    fn clock(&self, at: Timestamp) -> String {
        self.all.clock(at, self.moment())
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.all.wait.as_ref().and_then(|wait| wait.deadline)
    }

    fn late(&self) -> Option<String> {
        let (late, deadline) = (self.missing.late.as_ref()?, self.deadline()?);
        let (came, deadline) = (self.clock(late.arrival), self.clock(deadline));
        Some(format!("it came at {came}, after the deadline {deadline}: {}", late.message))
    }

    fn matcher(&self) -> Option<String> {
        let matcher = &self.missing.matcher;
        let why = matcher.reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        match matcher.state {
            MatcherCan::Serving => None,
            MatcherCan::Quarantined => {
                Some(format!("its matcher {} keeps failing, its topic waits{why}", matcher.name))
            }
            MatcherCan::Gone => Some(format!("its matcher {} is gone, its topic waits{why}", matcher.name)),
        }
    }

    fn not_rendered(&self) -> Option<String> {
        let none = self.missing.wanted.is_none();
        none.then(|| "nothing was rendered for its date: its matcher refused it, or was not there".to_owned())
    }

    fn catching_up(&self) -> Option<String> {
        let progress = self.missing.catching_up.as_ref()?;
        let read = match (progress.read, progress.of) {
            (Some(read), Some(of)) => format!(", {read} of {of} offsets are behind it"),
            _ => ", it has not begun".to_owned(),
        };
        let why = progress.reason.as_ref().map(|why| format!("; it does not get on: {why}")).unwrap_or_default();
        Some(format!("earlier messages of its topic are being looked through{read}{why}"))
    }

    fn topic(&self) -> Option<&TopicReading> {
        self.all.topics.iter().find(|topic| topic.topic == self.missing.topic)
    }

    fn not_read(&self) -> Option<String> {
        let topic = self.topic()?;
        match (topic.lag, topic.partitions.iter().any(|it| it.next.is_some())) {
            (Some(_), _) if topic.partitions.is_empty() => Some("its topic is not there in Kafka".to_owned()),
            (Some(1), _) => Some("1 message of its topic is not read yet".to_owned()),
            (Some(2..), _) => topic.lag.map(|lag| format!("{lag} messages of its topic are not read yet")),
            (None, false) => Some("nothing of its topic has been read yet".to_owned()),
            _ => None,
        }
    }

    fn not_open(&self) -> Option<String> {
        let (window, moment) = (self.missing.window, self.moment());
        if window.opens > moment {
            return Some(format!("its window opens only at {}", self.clock(window.opens)));
        }
        let closed = window.closes.filter(|closes| *closes <= moment)?;
        Some(format!("its window ended at {}", self.clock(closed)))
    }

    fn counting(&self) -> Option<String> {
        let Missing { count, counted, .. } = self.missing;
        (*counted > 0 && counted < count).then(|| format!("{counted} of {count} messages are here"))
    }

    fn refused(&self) -> Option<String> {
        let near = &self.missing.near_misses;
        let newest = near.newest.first()?;
        let more = if near.count > 1 { format!(" ({} near misses)", near.count) } else { String::new() };
        let came = self.clock(newest.came.arrival);
        Some(format!("a message with its key came at {came} and was refused: {}{more}", newest.reason))
    }

    fn usual(&self) -> Option<String> {
        let usual = self.missing.usual?;
        let deadline = self.deadline().filter(|deadline| *deadline <= usual.median);
        let beyond = deadline.map(|deadline| format!(", after the deadline {}", self.clock(deadline)));
        Some(format!("not due yet: usually {}{}", self.usually()?, beyond.unwrap_or_default()))
    }

    /// `03:10, at the latest 04:55 (14 days)`
    fn usually(&self) -> Option<String> {
        let usual = self.missing.usual?;
        let (median, latest) = (self.minute(usual.median), self.minute(usual.latest));
        let unit = unit(&self.missing.frequency, usual.windows);
        Some(format!("{median}, at the latest {latest} ({} {unit})", usual.windows))
    }

    /// To the minute: what is usual has no seconds.
    fn minute(&self, at: Timestamp) -> String {
        let second = at.as_second();
        self.clock(Timestamp::from_second(second - second.rem_euclid(60)).unwrap_or(at))
    }

    fn not_due(&self) -> bool {
        self.missing.usual.is_some_and(|usual| self.moment() <= usual.latest) && self.missing.near_misses.count == 0
    }

    fn set_aside(&self) -> Option<String> {
        let set_aside = &self.missing.set_aside;
        let newest = set_aside.newest.as_ref()?;
        let were = if set_aside.count == 1 { "1 message was" } else { &format!("{} messages were", set_aside.count) };
        Some(format!("{were} set aside of its topic that day, the last one: {}", newest.reason))
    }

    /// Nothing is told where something better was.
    fn not_seen(&self) -> Option<String> {
        let Missing { late, near_misses, skipped, counted, .. } = self.missing;
        if late.is_some() || near_misses.count > 0 || *skipped || *counted > 0 || self.not_due() {
            return None;
        }
        match (self.usually(), &self.missing.last_came) {
            (Some(usually), _) => Some(format!("not seen, and overdue: usually {usually}")),
            (None, Some(last)) => Some(format!("not seen since {}", self.clock(last.arrival))),
            (None, None) => Some("never seen so far".to_owned()),
        }
    }
}

fn unit(frequency: &str, windows: usize) -> &'static str {
    match (frequency, windows == 1) {
        ("H", true) => "hour",
        ("H", false) => "hours",
        ("W", true) => "week",
        ("W", false) => "weeks",
        ("M", true) => "month",
        ("M", false) => "months",
        ("Q", true) => "quarter",
        ("Q", false) => "quarters",
        ("Y", true) => "year",
        ("Y", false) => "years",
        (_, true) => "day",
        (_, false) => "days",
    }
}
