//! `eventlatch matcher build`: a folder becomes a file.

use std::path::PathBuf;

use serde_json::json;

use super::{Failure, Format, subject};
use crate::{
    author::{Built, Make},
    cli::print,
    config::Config,
    matcher::cases,
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The matcher's folder
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,

    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn build(config: &Config, args: &Args) -> Result<(), Failure> {
    let project = subject::open(&args.folder)?;
    let Built { path, file, generation } = subject::build(&project, &subject::runtime(config)?, Make::Always)?;
    let cases = cases::embedded(&file.bytes).map_err(Failure::unexpected)?.len();
    if args.format == Format::Json {
        return print::json(&json!({
            "file": path.display().to_string(),
            "name": &generation.description.name,
            "version": &generation.description.version,
            "topics": generation.topics,
            "size": generation.size,
            "sha256": &*file.sha256,
            "cases": cases,
        }));
    }
    let mut table = print::table(&[]);
    let rows = [
        ("built", path.display().to_string()),
        ("matcher", format!("{} {}", generation.description.name, generation.description.version)),
        ("topics", generation.topics.join(" ")),
        ("size", subject::size(generation.size as u64)),
        ("cases", cases.to_string()),
        ("sha256", file.sha256.to_string()),
    ];
    table.add_rows(rows.map(|(what, value)| [what.to_owned(), value]));
    print::lines(&table.to_string())
}
