//! What one matcher is.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::json;

use super::{Exit, Failure, Format};
use crate::{
    app::Matchers,
    cli::print,
    config::Config,
    matcher::{Cache, Generation, Runtime, files},
};

pub(super) async fn inspect(config: &Config, matcher: &str, format: Format) -> Result<(), Failure> {
    if matcher.ends_with(".wasm") {
        let path = PathBuf::from(matcher);
        let failed =
            |error: anyhow::Error| Failure::new(Exit::Matcher, error.context(format!("cannot inspect {matcher}")));
        let limits = &config.matchers.limits;
        let file = files::read(&path, limits).map_err(|error| failed(error.into()))?;
        let runtime = Runtime::new(limits.clone(), Cache::default()).map_err(|error| failed(error.into()))?;
        let generation = Generation::load(&runtime, &file, None, &BTreeMap::new());
        return show(&generation.map_err(|error| failed(error.into()))?, format);
    }
    let matchers = Matchers::load(config).await?;
    let unknown =
        || Failure::new(Exit::Matcher, format!("there is no matcher `{matcher}` (hint: `eventlatch matcher list`)"));
    show(matchers.registry.get(matcher).ok_or_else(unknown)?, format)
}

pub(super) fn about(it: &Generation) -> serde_json::Value {
    json!({
        "name": &**it.name(),
        "description": &it.description,
        "topics": it.topics,
        "day_shift_seconds": it.day_shift_seconds,
        "origin": it.origin.to_string(),
        "size": it.size,
        "sha256": &**it.sha256(),
    })
}

fn show(it: &Generation, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print::json(&about(it));
    }
    let mut table = print::table(&[]);
    let description = &it.description;
    let rows = [
        ("name", it.name().to_string()),
        ("summary", description.summary.clone()),
        ("version", description.version.clone()),
        ("interface", format!("eventlatch:matcher@{}", description.interface)),
        ("topics", it.topics.join(" ")),
        ("day shift", format!("{} s", it.day_shift_seconds)),
        ("origin", it.origin.to_string()),
        ("size", format!("{} KiB", it.size.div_ceil(1024))),
        ("sha256", it.sha256().to_string()),
    ];
    for (what, value) in rows {
        table.add_row([what, &value]);
    }
    let schemas = [
        ("wanted message", &description.wanted_schema),
        ("message", &description.message_schema),
        ("configuration", &description.config_schema),
    ];
    let schemas = schemas.map(|(of, schema)| format!("\nschema of the {of}:\n{schema:#}")).join("\n");
    print::lines(&format!("{table}\n{schemas}"))
}
