//! How far a replay is, on a terminal.

use std::{fmt::Write, time::Duration};

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};

use crate::pipeline::replay::Progress;

const STYLE: &str = "{bar:30} {percent:>3}%  {human_pos} of {human_len} offsets, {rate}/s, {eta} left";
const ENDLESS: &str = "{spinner} {human_pos} lines, {rate}/s";

/// Drawn on standard error, where that is a terminal.
pub(super) fn bar() -> ProgressBar {
    let bar = ProgressBar::no_length().with_style(style(ENDLESS));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

pub(super) fn tell(bar: &ProgressBar, progress: Progress) {
    if let Some(of) = progress.of.filter(|of| bar.length() != Some(*of)) {
        bar.set_length(of);
        bar.set_style(style(STYLE));
    }
    bar.set_position(progress.read);
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", rate)
}

/// `{per_sec}` has four decimals.
fn rate(state: &ProgressState, shown: &mut dyn Write) {
    write!(shown, "{}", HumanCount(state.per_sec() as u64)).unwrap_or_default();
}
