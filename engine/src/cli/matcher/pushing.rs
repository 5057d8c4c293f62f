//! Handing a build to a running service, and looking at what it would do.

use std::{fs, path::Path};

use super::{Exit, Failure, Format, Push, Service, subject::Subject};
use crate::{
    api::{MatcherList, Pushed, Role, ShadowStatus},
    cli::{
        client::{Client, part},
        print,
    },
    config::Config,
    domain::{
        difference::{Difference, DifferenceSample, Each, Tally},
        generation::short,
    },
};

pub(super) fn push(config: &Config, push: &Push) -> Result<(), Failure> {
    let wasm = match push.matcher.is_dir() {
        true => Subject::open(config, &push.matcher)?.file.bytes.to_vec(),
        false => read(&push.matcher)?,
    };
    let mut query = vec![("shadow", push.shadow.to_string()), ("strict", push.strict.to_string())];
    query.extend(push.messages.map(|messages| ("messages", messages.to_string())));
    query.extend(push.name.clone().map(|name| ("name", name)));
    let pushed: Pushed = Client::new(config, &push.service)?.post_wasm("matchers", &query, &wasm)?;
    if push.format == Format::Json {
        return print::json(&pushed);
    }
    print::lines(&said(&pushed))
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error| anyhow::Error::new(error).context(format!("cannot read {}", file.display()));
    fs::read(file).map_err(|error| Failure::new(Exit::Matcher, unreadable(error)))
}

fn said(pushed: &Pushed) -> String {
    let Pushed { matcher, version, sha256, role, serving_before, cases, difference } = pushed;
    let beside = serving_before.as_deref().map(short);
    let what = match (role, beside) {
        (Role::Serving, Some(before)) if before == short(sha256) => "serves already; now it is pinned".to_owned(),
        (Role::Serving, Some(before)) => format!("serves in place of {before}, and is pinned"),
        (Role::Serving, None) => "serves, and is pinned".to_owned(),
        (Role::Shadow, before) => format!("judges in the shadow of {} and marks nothing", before.unwrap_or("nobody")),
    };
    let messages = difference.tally.messages;
    let number = |count: u64| if count == 0 { "none".to_owned() } else { count.to_string() };
    let proof = format!("cases of its own: {}, last messages: {}", number(*cases as u64), number(messages));
    let mut text = format!("{matcher}: the build {} ({version}) {what}.\nProved on {proof}.", short(sha256));
    if serving_before.is_some() && messages > 0 {
        text += &format!("\n\n{}", differences(difference));
    }
    text + &match role {
        Role::Serving => format!(
            "\n\n`eventlatch matcher rollback {matcher}` goes back; `eventlatch matcher unpin {matcher}` lets the matcher directory decide."
        ),
        Role::Shadow => format!(
            "\n\n`eventlatch matcher diff {matcher}` shows how it does; `promote` has it serve, `withdraw` ends it."
        ),
    }
}

pub(super) fn diff(config: &Config, service: &Service, matcher: &str, format: Format) -> Result<(), Failure> {
    let path = format!("matchers/{}/shadow", part(matcher));
    let status: ShadowStatus = Client::new(config, service)?.get(&path, &[])?;
    if format == Format::Json {
        return print::json(&status);
    }
    let ShadowStatus { candidate, samples } = status;
    let (sha256, against) = (short(&candidate.sha256), candidate.against.as_deref().map_or("-", short));
    let since = print::instant(candidate.since);
    let mut text = format!(
        "{matcher}: the candidate {sha256} ({}) beside {against}, since {since}\n\n{}",
        candidate.version,
        differences(&Difference { tally: candidate.tally, samples })
    );
    if candidate.dropped > 0 {
        text += &format!("\n\n{} messages were not compared: there was no time for them.", candidate.dropped);
    }
    if let Some(failed) = &candidate.failed {
        text += &format!("\n\nIt is not asked any more: {failed}");
    }
    print::lines(&text)
}

/// The figures of both, and below them what differs.
fn differences(difference: &Difference) -> String {
    let Difference { tally, samples } = difference;
    let mut text = figures(tally);
    if !samples.is_empty() {
        let mut table = print::table(&["KIND", "MESSAGE", "SENSOR", "TASK", "REASON"]);
        table.add_rows(samples.iter().map(sample));
        text += &format!("\n\n{table}");
    }
    text
}

fn figures(tally: &Tally) -> String {
    let mut table = print::table(&["", "SERVING", "CANDIDATE"]);
    let both = |Each { old, new }: Each| [old.to_string(), new.to_string()];
    let cost = |cpu_us: u64| format!("{:.2}", cpu_us as f64 / tally.messages.max(1) as f64);
    let rows = [
        ("matches of both", [tally.same.to_string(), tally.same.to_string()]),
        ("matches of one alone", [tally.only_old.to_string(), tally.only_new.to_string()]),
        ("malformed messages", both(tally.rejects)),
        ("failures", both(tally.faults)),
        ("CPU time, µs a message", [cost(tally.cpu_us.old), cost(tally.cpu_us.new)]),
    ];
    for (what, [old, new]) in rows {
        table.add_row([what, &old, &new]);
    }
    let of = format!("{} of {} messages differ", tally.different, tally.messages);
    let keys = if tally.other_keys > 0 { format!(", {} in their keys", tally.other_keys) } else { String::new() };
    let cost =
        tally.cost_ratio().map_or(String::new(), |ratio| format!("; the candidate costs {ratio:.2} times as much"));
    format!("{table}\n\n{of}{keys}{cost}.")
}

fn sample(it: &DifferenceSample) -> [String; 5] {
    let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let place = format!("{}/{}@{}", it.topic, it.partition, it.offset);
    [it.kind.word().to_owned(), place, dash(&it.sensor), dash(&it.task_id), dash(&it.reason)]
}

pub(super) fn promote(config: &Config, service: &Service, matcher: &str) -> Result<(), Failure> {
    let path = format!("matchers/{}/promote", part(matcher));
    say(Client::new(config, service)?.post(&path, &())?, "serves, and is pinned")
}

pub(super) fn withdraw(config: &Config, service: &Service, matcher: &str) -> Result<(), Failure> {
    let path = format!("matchers/{}/shadow", part(matcher));
    let answer: MatcherList = Client::new(config, service)?.delete(&path)?;
    say(answer, "serves without a candidate")
}

pub(super) fn release(config: &Config, service: &Service, matcher: &str) -> Result<(), Failure> {
    let path = format!("matchers/{}/release", part(matcher));
    say(Client::new(config, service)?.post(&path, &())?, "goes on, and its budget begins anew")
}

pub(super) fn say(answer: MatcherList, what: &str) -> Result<(), Failure> {
    let lines = answer.matchers.iter().map(|it| format!("{}: the build {} {what}.", it.name, short(&it.sha256)));
    print::lines(&lines.collect::<Vec<_>>().join("\n"))
}
