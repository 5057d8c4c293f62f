//! `eventlatch matcher new`: a folder to begin with.

use std::path::Path;

use super::{Exit, Failure};
use crate::{
    author::{Language, Plan},
    cli::print,
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The matcher's name, and that of its folder
    name: String,

    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,

    /// The topic whose messages it knows [default: its name]
    #[arg(long)]
    topic: Option<String>,
}

pub(super) fn new(args: &Args) -> Result<(), Failure> {
    let failed = |error| Failure::new(Exit::Matcher, error);
    let plan = Plan::new(&args.name, args.topic.as_deref(), args.lang, Path::new("")).map_err(failed)?;
    plan.make().map_err(failed)?;
    let (folder, rule) = (plan.folder().display(), plan.folder().join(args.lang.source()));
    let install = args.lang.install().map(|command| step(command, "once: its packages")).unwrap_or_default();
    let steps = [
        step("eventlatch matcher test", "builds it; runs cases/ and scenarios/"),
        step("eventlatch matcher bench", "says what a message costs"),
    ];
    print::lines(&format!(
        "made {folder}: the rule is in {}\n\nnext:\n{}{install}{}",
        rule.display(),
        step(&format!("cd {folder}"), ""),
        steps.concat()
    ))
}

fn step(command: &str, what: &str) -> String {
    let comment = if what.is_empty() { String::new() } else { format!("# {what}") };
    format!("  {command:<26} {comment}\n")
}
