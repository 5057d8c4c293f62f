//! What of an explanation is shown, in the words in which it is shown: the same on a terminal, in a mail and in a browser.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{
    explanation::{Explanation, Here, Missing, TopicReading, fields},
    report::{Entry, ReportKind},
    wait::WaitState,
};

/// So many near misses are shown of one wanted message.
const NEAR_MISSES: usize = 3;

/// One wait.
#[derive(Debug, Serialize)]
pub(super) struct Section {
    pub(super) sensor: String,
    pub(super) wait: Option<String>,
    pub(super) headline: String,
    /// `good`, `bad` or `open`.
    pub(super) tone: &'static str,
    /// The terms of the wait.
    pub(super) terms: String,
    pub(super) missing: Vec<Item>,
    pub(super) here: Vec<Present>,
}

/// A wanted message that is not here.
#[derive(Debug, Serialize)]
pub(super) struct Item {
    pub(super) task_id: String,
    pub(super) optional: bool,
    pub(super) topic: String,
    pub(super) wanted: String,
    pub(super) reasons: Vec<String>,
    pub(super) facts: Vec<Fact>,
}

/// A word and what there is to say.
#[derive(Debug, Serialize)]
pub(super) struct Fact {
    pub(super) about: &'static str,
    pub(super) text: String,
}

/// A wanted message that is here.
#[derive(Debug, Serialize)]
pub(super) struct Present {
    pub(super) task_id: String,
    pub(super) since: String,
    pub(super) message: String,
    pub(super) wanted: String,
}

pub(super) fn section(explanation: &Explanation) -> Section {
    let tone = match explanation.wait.as_ref().map(|wait| wait.state) {
        Some(WaitState::Complete) => "good",
        Some(WaitState::Failed | WaitState::Skipped) => "bad",
        _ => "open",
    };
    Section {
        sensor: explanation.sensor.clone(),
        wait: explanation.wait.as_ref().map(|wait| wait.name.clone()),
        headline: explanation.headline(),
        tone,
        terms: terms(explanation),
        missing: explanation.missing.iter().map(|missing| item(explanation, missing)).collect(),
        here: explanation.here.iter().map(|here| present(explanation, here)).collect(),
    }
}

/// Of a report: what has healed is not explained any more.
pub(super) fn entry(Entry { kind, explanation }: &Entry) -> Section {
    let mut section = section(explanation);
    if *kind == ReportKind::Healed {
        section.headline = format!("{}, after its deadline", section.headline);
    }
    section
}

fn terms(explanation: &Explanation) -> String {
    let zone = &explanation.timezone;
    let Some(wait) = &explanation.wait else {
        return format!("nobody waits now; this is about the current windows ({zone})");
    };
    let shown = |at: Timestamp| explanation.calendar(at);
    let late = if wait.late == "heal" { ", late messages heal" } else { "" };
    match (wait.state, wait.deadline) {
        (WaitState::Waiting, Some(deadline)) => {
            format!("until {} ({zone}), then {}{late}", shown(deadline), outcome(&wait.on_timeout))
        }
        (WaitState::Waiting, None) => format!("without a deadline ({zone})"),
        (_, Some(deadline)) => {
            format!(
                "for {}, opened {}, deadline {} ({zone}){late}",
                wait.business_date,
                shown(wait.opened_at),
                shown(deadline)
            )
        }
        (_, None) => format!("for {}, opened {} ({zone})", wait.business_date, shown(wait.opened_at)),
    }
}

fn outcome(on_timeout: &str) -> &'static str {
    if on_timeout == "skip" { "skipped" } else { "failed" }
}

fn item(all: &Explanation, missing: &Missing) -> Item {
    Item {
        task_id: missing.task_id.clone(),
        optional: missing.optional,
        topic: missing.topic.clone(),
        wanted: missing.wanted.as_ref().map(fields).unwrap_or_default(),
        reasons: missing.reasons.iter().map(|reason| reason.text.clone()).collect(),
        facts: facts(all, missing),
    }
}

fn facts(all: &Explanation, missing: &Missing) -> Vec<Fact> {
    let mut facts = vec![Fact { about: "window", text: window(all, missing) }];
    facts.extend(all.usual(missing).map(|text| Fact { about: "usual", text }));
    if let Some(last) = &missing.last_came {
        let text = format!("{}  {}", all.calendar(last.arrival), last.message);
        facts.push(Fact { about: "last came", text });
    }
    for near in missing.near_misses.newest.iter().take(NEAR_MISSES) {
        let text = format!("{}  {}  {}", all.calendar(near.came.arrival), near.came.message, near.reason);
        facts.push(Fact { about: "near miss", text });
    }
    let more = missing.near_misses.count - NEAR_MISSES as i64;
    if more > 0 {
        facts.push(Fact { about: "near miss", text: format!("and {more} more") });
    }
    let read = all.topics.iter().find(|topic| topic.topic == missing.topic).and_then(reading);
    facts.extend(read.map(|text| Fact { about: "read", text }));
    facts
}

fn window(all: &Explanation, missing: &Missing) -> String {
    match missing.window.closes {
        // People are shown the last second that counts.
        Some(closes) => {
            let last = Timestamp::from_nanosecond(closes.as_nanosecond() - 1).unwrap_or(closes);
            format!("{} to {}", all.calendar(missing.window.opens), all.calendar(last))
        }
        None => format!("from {} on", all.calendar(missing.window.opens)),
    }
}

/// How far its topic has been read.
fn reading(topic: &TopicReading) -> Option<String> {
    const SHOWN: usize = 4;
    let read: Vec<_> = topic.partitions.iter().filter_map(|it| Some((it.partition, it.next?))).collect();
    let lag = match topic.lag {
        Some(0) => ", all there is",
        Some(lag) => &format!(", {lag} unread"),
        None => "",
    };
    let places = read.iter().take(SHOWN).map(|(partition, next)| format!("{}/{partition}@{next}", topic.topic));
    let more = if read.len() > SHOWN { format!(" and {} more", read.len() - SHOWN) } else { String::new() };
    (!read.is_empty()).then(|| format!("up to {}{more}{lag}", places.collect::<Vec<_>>().join(" ")))
}

fn present(all: &Explanation, here: &Here) -> Present {
    Present {
        task_id: here.task_id.clone(),
        since: all.calendar(here.since),
        message: here.message.clone().unwrap_or_else(|| "by hand".to_owned()),
        wanted: here.wanted.as_ref().map(fields).unwrap_or_default(),
    }
}
