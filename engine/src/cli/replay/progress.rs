//! How far a replay is, on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::pipeline::replay::Progress;

const STYLE: &str = "{bar:30} {percent:>3}%  {human_pos} of {human_len} offsets, {per_sec}, {eta} left";
const ENDLESS: &str = "{spinner} {human_pos} lines, {per_sec}";

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
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
