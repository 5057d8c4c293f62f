//! Which builds serve and served, and choosing among them.

use std::path::Path;

use super::{Exit, Failure, Format, Service, inspect::about, pushing::say};
use crate::{
    api::{MatcherHistory, MatcherList, PinRequest},
    app::Matchers,
    cli::{client::Client, print},
    config::Config,
    domain::{
        candidate::StoredCandidate,
        difference::Tally,
        generation::{Generation, short},
        usage::MatcherUsage,
    },
    pipeline::standing::MatcherStatus,
    store::Reader,
};

pub(super) async fn list(config: &Config, service: &Service, format: Format) -> Result<(), Failure> {
    let client = Client::new(config, service);
    if service.url.is_none() && !client.as_ref().is_ok_and(Client::is_answered) {
        return would_serve(&Matchers::load(config).await?, format);
    }
    show_serving(&client?.get::<MatcherList>("matchers", &[])?.matchers, format)
}

fn show_serving(matchers: &[MatcherStatus], format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print::json(&matchers);
    }
    let header = ["NAME", "VERSION", "STATE", "TOPICS", "ORIGIN", "SHA256", "MESSAGES", "µS/MSG", "MIB"];
    let mut table = print::table(&header);
    table.add_rows(matchers.iter().map(serving_row));
    let mut text = table.to_string();
    for it in matchers {
        if let Some(candidate) = &it.candidate {
            text += &format!("\n\n{}: {}", it.name, in_shadow(candidate));
        }
        if let Some(reason) = &it.reason {
            let waits = if it.topics.is_empty() { "" } else { ", its topics wait" };
            text += &format!("\n\n{} is {}{waits}: {reason}", it.name, it.state.word());
        }
        if let Some(refused) = &it.refused {
            let (sha256, origin) = (short(&refused.sha256), &refused.origin);
            text += &format!("\n\n{}: the build {sha256} from {origin} does not serve: {}", it.name, refused.reason);
        }
    }
    print::lines(&text)
}

fn serving_row(it: &MatcherStatus) -> [String; 9] {
    let pinned = if it.pinned { ", pinned" } else { "" };
    let MatcherUsage { messages, peak_memory, .. } = it.usage;
    let cost = it.usage.cpu_us_per_message().map_or("-".to_owned(), |cost| format!("{cost:.2}"));
    [
        it.name.clone(),
        it.version.clone(),
        format!("{}{pinned}", it.state.word()),
        it.topics.join(" "),
        file_name(&it.origin),
        short(&it.sha256).to_owned(),
        messages.to_string(),
        cost,
        format!("{:.1}", peak_memory as f64 / f64::from(1 << 20)),
    ]
}

/// A path would take the whole line.
fn file_name(origin: &str) -> String {
    Path::new(origin).file_name().map_or_else(|| origin.to_owned(), |name| name.display().to_string())
}

fn in_shadow(candidate: &StoredCandidate) -> String {
    let Tally { messages, different, .. } = candidate.tally;
    let sha256 = short(&candidate.sha256);
    let failed = if candidate.failed.is_some() { ", and it is not asked any more" } else { "" };
    format!(
        "candidate {sha256}, {different} of {messages} messages differ{failed} (`eventlatch matcher diff {}`)",
        candidate.matcher
    )
}

fn would_serve(matchers: &Matchers, format: Format) -> Result<(), Failure> {
    if format == Format::Json {
        return print::json(&matchers.registry.all().map(|it| about(it)).collect::<Vec<_>>());
    }
    let mut table = print::table(&["NAME", "VERSION", "STATE", "TOPICS", "ORIGIN", "SHA256"]);
    for it in matchers.registry.all() {
        let (state, topics) = match it.topics.is_empty() {
            true => ("needs configuration", "-".to_owned()),
            false => ("would serve", it.topics.join(" ")),
        };
        let (name, origin) = (it.name().to_string(), it.origin.to_string());
        table.add_row([&name, &*it.description.version, state, &topics, &origin, it.short_sha256()]);
    }
    print::lines(&table.to_string())
}

pub(super) fn history(config: &Config, matcher: Option<&str>, format: Format) -> Result<(), Failure> {
    let generations = Reader::open(&config.store.path).and_then(|reader| reader.generations());
    let mut generations = generations.map_err(|error| Failure::new(Exit::Store, error))?;
    generations.retain(|it| matcher.is_none_or(|matcher| it.matcher == matcher));
    if format == Format::Json {
        return print::json(&MatcherHistory { generations });
    }
    if generations.is_empty() {
        let what =
            matcher.map_or("No build has served yet.".to_owned(), |it| format!("No build of `{it}` has served."));
        return print::lines(&what);
    }
    let header = ["LOADED", "NAME", "VERSION", "STATE", "SHA256", "MESSAGES", "µS/MSG", "ORIGIN", "REASON"];
    let mut table = print::table(&header);
    table.add_rows(generations.iter().map(row));
    print::lines(&table.to_string())
}

fn row(it: &Generation) -> [String; 9] {
    let loaded = print::instant(it.loaded_at);
    let (sha256, reason) = (short(&it.sha256).to_owned(), it.reason.clone().unwrap_or_default());
    let (name, version) = (it.matcher.clone(), it.version.clone());
    let cost = it.usage.cpu_us_per_message().map_or("-".to_owned(), |cost| format!("{cost:.2}"));
    let (state, messages) = (it.state.word().to_owned(), it.usage.messages.to_string());
    [loaded, name, version, state, sha256, messages, cost, file_name(&it.origin), reason]
}

pub(super) fn roll_back(config: &Config, service: &Service, matcher: &str) -> Result<(), Failure> {
    say(Client::new(config, service)?.post(&format!("matchers/{matcher}/rollback"), &())?, "serves again")
}

pub(super) fn pin(config: &Config, service: &Service, matcher: &str, sha256: Option<String>) -> Result<(), Failure> {
    let request = PinRequest { sha256 };
    say(Client::new(config, service)?.put(&format!("matchers/{matcher}/pin"), &request)?, "is pinned")
}

pub(super) fn unpin(config: &Config, service: &Service, matcher: &str) -> Result<(), Failure> {
    say(Client::new(config, service)?.delete(&format!("matchers/{matcher}/pin"))?, "serves, and is not pinned")
}
