//! Which builds serve and served, and choosing among them.

use super::{Exit, Failure, Format, Service, inspect::about};
use crate::{
    api::{MatcherHistory, MatcherList, PinRequest},
    app::Matchers,
    cli::{client::Client, print},
    config::Config,
    domain::generation::{Generation, short},
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
    let mut table = print::table(&["NAME", "VERSION", "STATE", "TOPICS", "ORIGIN", "SHA256"]);
    for it in matchers {
        let pinned = if it.pinned { ", pinned" } else { "" };
        let state = format!("{}{pinned}", it.state.word());
        table.add_row([&it.name, &it.version, &state, &it.topics.join(" "), &it.origin, short(&it.sha256)]);
    }
    let mut text = table.to_string();
    for it in matchers {
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
    let mut table = print::table(&["LOADED", "NAME", "VERSION", "STATE", "SHA256", "ORIGIN", "REASON"]);
    table.add_rows(generations.iter().map(row));
    print::lines(&table.to_string())
}

fn row(it: &Generation) -> [String; 7] {
    let loaded = it.loaded_at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let (sha256, reason) = (short(&it.sha256).to_owned(), it.reason.clone().unwrap_or_default());
    let (name, version) = (it.matcher.clone(), it.version.clone());
    [loaded, name, version, it.state.word().to_owned(), sha256, it.origin.clone(), reason]
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

fn say(answer: MatcherList, what: &str) -> Result<(), Failure> {
    let lines = answer.matchers.iter().map(|it| format!("{}: the build {} {what}.", it.name, short(&it.sha256)));
    print::lines(&lines.collect::<Vec<_>>().join("\n"))
}
