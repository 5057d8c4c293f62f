//! What one matcher is.

use std::path::PathBuf;

use serde_json::json;

use super::{Exit, Failure, Format};
use crate::{
    app::Matchers,
    cli::print,
    config::Config,
    matcher::{Cache, Generation, LoadError, Outline, Runtime, cases, files, outline},
};

pub(super) async fn inspect(config: &Config, matcher: &str, format: Format) -> Result<(), Failure> {
    if matcher.ends_with(".wasm") {
        return inspect_file(config, matcher, format);
    }
    let matchers = Matchers::load(config).await?;
    let unknown =
        || Failure::new(Exit::Matcher, format!("there is no matcher `{matcher}` (hint: `eventlatch matcher list`)"));
    let generation = matchers.registry.get(matcher).ok_or_else(unknown)?;
    let file = matchers.files.iter().find(|file| file.sha256 == *generation.sha256()).cloned();
    let built_in = || files::built_in().into_iter().find(|file| file.sha256 == *generation.sha256());
    let bytes = file.or_else(built_in).map(|file| file.bytes);
    show(generation, &Content::of(bytes.as_deref().unwrap_or_default()), format)
}

/// Of a file that is no good it is told what it is made of, before what is wrong with it.
fn inspect_file(config: &Config, name: &str, format: Format) -> Result<(), Failure> {
    let failed = |error: anyhow::Error| Failure::new(Exit::Matcher, error.context(format!("cannot inspect {name}")));
    let limits = &config.matchers.limits;
    let file = files::read(&PathBuf::from(name), limits).map_err(|error| failed(error.into()))?;
    let runtime = Runtime::new(limits.clone(), Cache::default()).map_err(|error| failed(error.into()))?;
    let content = Content::of(&file.bytes);
    let generation = match Generation::load(&runtime, &file, None, &config.matchers.named) {
        // What it is it says without being configured.
        Err(LoadError::Config { .. }) => Generation::unconfigured(&runtime, &file),
        loaded => loaded,
    };
    match generation {
        Ok(generation) => show(&generation, &content, format),
        Err(error) => {
            if format == Format::Table && content.outline.is_some() {
                let size = file.bytes.len().div_ceil(1024);
                let rows = [("size", format!("{size} KiB")), ("sha256", file.sha256.to_string())];
                print::lines(&format!("{}\n", table(rows.into_iter().chain(content.rows()))))?;
            }
            Err(failed(error.into()))
        }
    }
}

/// What a file is made of, and what it brings.
struct Content {
    outline: Option<Outline>,
    /// Or why they cannot be read.
    cases: Result<usize, String>,
}

impl Content {
    fn of(bytes: &[u8]) -> Self {
        let cases = cases::embedded(bytes).map(|cases| cases.len()).map_err(|error| error.to_string());
        Self { outline: outline(bytes), cases }
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let cases = ("cases", self.cases.as_ref().map_or_else(String::clone, ToString::to_string));
        let Some(Outline { form, imports, exports }) = &self.outline else {
            return vec![cases];
        };
        // How values cross the boundary is nobody's concern.
        let is_told = |name: &&String| !name.starts_with("cabi_");
        let list = |names: &[String]| {
            let names: Vec<_> = names.iter().filter(is_told).map(String::as_str).collect();
            if names.is_empty() { "-".to_owned() } else { names.join("\n") }
        };
        vec![cases, ("form", (*form).to_owned()), ("imports", list(imports)), ("exports", list(exports))]
    }
}

fn table(rows: impl IntoIterator<Item = (&'static str, String)>) -> comfy_table::Table {
    let mut table = print::table(&[]);
    table.add_rows(rows.into_iter().map(|(what, value)| [what.to_owned(), value]));
    table
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

fn show(it: &Generation, content: &Content, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        let mut about = about(it);
        about["content"] = json!(content.outline);
        about["cases"] = json!(content.cases.as_ref().ok());
        return print::json(&about);
    }
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
    let table = table(rows.into_iter().chain(content.rows()));
    let schemas = [
        ("wanted message", &description.wanted_schema),
        ("message", &description.message_schema),
        ("configuration", &description.config_schema),
    ];
    let schemas = schemas.map(|(of, schema)| format!("\nschema of the {of}:\n{schema:#}")).join("\n");
    print::lines(&format!("{table}\n{schemas}"))
}
