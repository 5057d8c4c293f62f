//! Pages of plain text: for a terminal, and for mail readers that show no HTML.

use std::fmt::Write;

use super::view::{self, Section};
use crate::domain::{
    explanation::{Explanation, MessageExplanation, Wanting, fields},
    report::Report,
};

/// So wide are the words before what there is to say.
const WIDTH: usize = 11;

/// Why a wait still waits.
pub fn page(explanation: &Explanation) -> String {
    render(&view::section(explanation))
}

/// All that a report tells.
pub fn text(report: &Report) -> String {
    let sections: Vec<_> = report.entries.iter().map(|entry| render(&view::entry(entry))).collect();
    sections.join("\n\n\n")
}

fn render(section: &Section) -> String {
    let wait = section.wait.as_ref().map(|wait| format!(" · {wait}")).unwrap_or_default();
    let mut page = format!("{}{wait} · {}\n{}", section.sensor, section.headline, section.terms);
    for item in &section.missing {
        let optional = if item.optional { "  (optional)" } else { "" };
        // Writing to a string does not fail.
        let _fine = write!(page, "\n\n{}  {}  {}{optional}", item.task_id, item.topic, item.wanted);
        for (place, reason) in item.reasons.iter().enumerate() {
            let about = if place == 0 { "why" } else { "also" };
            let _fine = write!(page, "\n  {about:WIDTH$}{reason}");
        }
        for fact in &item.facts {
            let _fine = write!(page, "\n  {:WIDTH$}{}", fact.about, fact.text);
        }
    }
    if !section.here.is_empty() {
        page += "\n\nhere";
    }
    let widest = section.here.iter().map(|here| here.task_id.chars().count()).max().unwrap_or_default();
    for here in &section.here {
        let _fine = write!(page, "\n  {:widest$}  {}  {}", here.task_id, here.since, here.message);
    }
    page
}

/// What one message would do.
pub fn message(explanation: &MessageExplanation) -> String {
    let mut page = explanation.headline();
    for wanting in &explanation.fulfils {
        let _fine = write!(page, "\n\n{}\n  fulfils", wanted(wanting));
    }
    for refusal in &explanation.refused {
        let _fine = write!(page, "\n\n{}\n  {:WIDTH$}{}", wanted(&refusal.wanting), "refuses", refusal.reason);
    }
    for rejection in explanation.rejected.iter().skip(usize::from(explanation.fulfils.is_empty())) {
        let _fine = write!(page, "\n\n{} sets it aside: {}", rejection.matcher, rejection.reason);
    }
    if !explanation.nearest.is_empty() {
        page += "\n\nnearest";
    }
    for near in &explanation.nearest {
        let _fine = write!(page, "\n\n{}", wanted(&near.wanting));
        let width = near.differs.iter().map(|it| it.field.chars().count()).max().unwrap_or_default();
        for differs in &near.differs {
            let is = differs.is.as_ref().map_or_else(|| "missing".to_owned(), ToString::to_string);
            let _fine = write!(page, "\n  {:width$}  wanted {}, is {is}", differs.field, differs.wanted);
        }
    }
    page
}

fn wanted(Wanting { sensor, task_id, business_date, wanted }: &Wanting) -> String {
    format!("{sensor} · {task_id}  {}  on {business_date}", fields(wanted))
}
