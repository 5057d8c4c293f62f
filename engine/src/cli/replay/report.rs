//! What came of a replay, for people and for programs.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;

use super::{Failure, Format, Range};
use crate::{
    app::replaying::{Prepared, WantedBy},
    cli::print,
    domain::{
        difference::{Difference, DifferenceKind, DifferenceSample, Tally},
        generation::short,
        wanted::WantedId,
    },
    matcher::Generation,
    pipeline::replay::{Build, Refused, Replayed},
};

/// All that is told.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    topic: String,
    /// None: from the first line.
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    partitions: usize,
    /// When the first and the last message came that were replayed.
    first_arrival: Option<Timestamp>,
    last_arrival: Option<Timestamp>,
    /// How many messages are wanted of the topic, and who says so.
    wanted: usize,
    wanted_by: WantedBy,
    candidate: About,
    against: Option<About>,
    pub(super) differs: bool,
    cost_ratio: Option<f64>,
    #[serde(flatten)]
    tally: Tally,
    samples: Vec<DifferenceSample>,
    refused: Vec<Refused>,
    gaps: Vec<String>,
}

/// A build.
#[derive(Debug, Serialize)]
struct About {
    name: String,
    version: String,
    sha256: String,
    origin: String,
}

impl About {
    fn of(generation: &Generation) -> Self {
        Self {
            name: generation.name().to_string(),
            version: generation.description.version.clone(),
            sha256: generation.sha256().to_string(),
            origin: generation.origin.to_string(),
        }
    }

    fn row(&self, what: &str) -> [String; 5] {
        let (name, version, origin) = (self.name.clone(), self.version.clone(), self.origin.clone());
        [what.to_owned(), name, version, short(&self.sha256).to_owned(), origin]
    }
}

impl Report {
    pub(super) fn of(prepared: &Prepared, range: &Range, replayed: Replayed, samples: usize) -> Self {
        let replay = &prepared.replay;
        let Replayed { partitions, arrivals, comparison, refused, gaps } = replayed;
        let wanted: HashMap<WantedId, _> = replay.wanted.iter().map(|it| (it.id, it)).collect();
        let named = |id| wanted.get(&id).map(|it| (it.sensor_name.clone(), it.task_id.clone()));
        let Difference { mut tally, samples: mut all } = comparison.shown(named);
        if replay.against.is_none() {
            // Where there is nothing to differ from only what it does is told.
            tally = Tally { other_keys: 0, different: 0, ..tally };
            all.retain(|it| it.kind != DifferenceKind::OtherKeys);
        }
        let (first_arrival, last_arrival) = arrivals.unzip();
        let refused_by_one = refused.iter().any(|it| it.by.len() == 1);
        Self {
            topic: replay.topic.to_string(),
            from: Some(range.from).filter(|from| *from > Timestamp::MIN),
            to: Some(range.to).filter(|to| *to < Timestamp::MAX),
            partitions,
            first_arrival,
            last_arrival,
            wanted: wanted.len(),
            wanted_by: prepared.wanted_by,
            candidate: About::of(&replay.candidate),
            against: replay.against.as_ref().map(|it| About::of(it)),
            differs: replay.against.is_some() && (tally.different > 0 || refused_by_one),
            cost_ratio: tally.cost_ratio(),
            tally,
            samples: first_of_each(&all, samples),
            refused,
            gaps,
        }
    }

    pub(super) fn print(&self, format: Format) -> Result<(), Failure> {
        match format {
            Format::Json => print::json(self),
            Format::Table => print::lines(&self.page()),
        }
    }

    fn page(&self) -> String {
        let mut parts = vec![self.headline(), self.builds()];
        if self.tally.messages > 0 {
            parts.push(self.figures());
        }
        parts.extend(Some(self.differences()).filter(|differences| !differences.is_empty()));
        parts.extend(Some(self.remarks()).filter(|remarks| !remarks.is_empty()));
        parts.push(self.verdict());
        parts.join("\n\n")
    }

    fn headline(&self) -> String {
        let time = |time: Option<Timestamp>| time.map_or("…".to_owned(), print::instant);
        let whose = match self.wanted_by {
            WantedBy::Store => "the store",
            WantedBy::Files => "the sensor files",
        };
        format!(
            "{} · {} to {} · {} of {} · {} by {whose}",
            self.topic,
            time(self.from.or(self.first_arrival)),
            time(self.to.or(self.last_arrival)),
            number(self.tally.messages, "message"),
            number(self.partitions as u64, "partition"),
            number(self.wanted as u64, "wanted message"),
        )
    }

    fn builds(&self) -> String {
        let mut table = print::table(&["", "NAME", "VERSION", "SHA256", "ORIGIN"]);
        table.add_rows(self.against.iter().map(|it| it.row("old")));
        table.add_row(self.candidate.row("new"));
        table.to_string()
    }

    fn figures(&self) -> String {
        let Tally { same, only_old, only_new, other_keys, rejects, faults, cpu_us, .. } = self.tally;
        let seconds = |micros: u64| format!("{:.3} s", micros as f64 / 1e6);
        let ratio = self.cost_ratio.map(|ratio| format!("{ratio:.2}x")).unwrap_or_default();
        let matches = format!("{same} the same, {only_old} only old, {only_new} only new");
        let keys = number(other_keys, "message");
        let cells = |name: &str, old: String, new: String, note: String| [name.to_owned(), old, new, note];
        let rows = [
            cells("matches", (same + only_old).to_string(), (same + only_new).to_string(), matches),
            cells("other keys", String::new(), String::new(), keys),
            cells("rejects", rejects.old.to_string(), rejects.new.to_string(), String::new()),
            cells("faults", faults.old.to_string(), faults.new.to_string(), String::new()),
            cells("CPU time", seconds(cpu_us.old), seconds(cpu_us.new), ratio),
        ];
        if self.against.is_some() {
            let mut table = print::table(&["", "OLD", "NEW", ""]);
            table.add_rows(rows);
            return table.to_string();
        }
        let mut table = print::table(&[]);
        table.add_rows(rows.into_iter().filter(|[name, ..]| name != "other keys").map(|[name, _, new, _]| [name, new]));
        table.to_string()
    }

    fn differences(&self) -> String {
        if self.samples.is_empty() {
            return String::new();
        }
        let mut table = print::table(&["", "MESSAGE", "ARRIVED", "SENSOR", "TASK", "WHY"]);
        table.add_rows(self.samples.iter().map(|it| self.sample(it)));
        table.to_string()
    }

    fn sample(&self, it: &DifferenceSample) -> [String; 6] {
        let word = match (it.kind, &self.against) {
            (DifferenceKind::OnlyNew, None) => "match",
            (DifferenceKind::NewRejects, None) => "reject",
            (DifferenceKind::NewFaults, None) => "fault",
            (kind, _) => kind.word(),
        };
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        [
            word.to_owned(),
            format!("{}/{}@{}", it.topic, it.partition, it.offset),
            print::instant(it.arrival),
            or_dash(&it.sensor),
            or_dash(&it.task_id),
            or_dash(&it.reason),
        ]
    }

    fn remarks(&self) -> String {
        let refused = |it: &Refused| {
            let by = match it.by[..] {
                [Build::New] => "the new build refuses",
                [Build::Old] => "the old build refuses",
                _ => "both builds refuse",
            };
            let Refused { sensor, task_id, business_date, reason, .. } = it;
            format!("{by} the wanted message of `{task_id}` in the sensor `{sensor}` on {business_date}: {reason}")
        };
        let gaps = self.gaps.iter().map(|gap| format!("not all is there: {gap}"));
        let nobody =
            (self.wanted == 0).then(|| "nobody wants messages of the topic: there can be no matches".to_owned());
        self.refused.iter().map(refused).chain(gaps).chain(nobody).collect::<Vec<_>>().join("\n")
    }

    fn verdict(&self) -> String {
        let Tally { messages, different, .. } = self.tally;
        match (messages, self.differs, &self.against) {
            (0, false, _) => "No message arrived in this time: nothing was judged.".to_owned(),
            (_, true, _) if different == 0 => "They do not take the same wanted messages.".to_owned(),
            (_, true, _) => format!("They differ on {different} of {}.", number(messages, "message")),
            (_, false, Some(_)) => "No difference.".to_owned(),
            (_, false, None) => "Held against nothing (hint: `--against live`).".to_owned(),
        }
    }
}

/// The kinds in their order, and of each the first ones.
fn first_of_each(samples: &[DifferenceSample], limit: usize) -> Vec<DifferenceSample> {
    let of_kind = |kind| samples.iter().filter(move |it| it.kind == kind).take(limit).cloned();
    DifferenceKind::ALL.into_iter().flat_map(of_kind).collect()
}

fn number(count: u64, of: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {of}{plural}")
}
