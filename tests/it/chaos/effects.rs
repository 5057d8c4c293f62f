//! What has come of a trial, in the store and outside, against what was sent: the same rows, each as often.

use std::collections::HashSet;

use eventlatch_tests::{
    home::Home,
    target::{Manner, Target},
};
use serde_json::Value;

use super::load::{Load, Sent};

/// Where tasks are marked.
pub(super) enum Outside {
    /// A table of another database, to which a mark adds a row.
    Table,
    /// A server that honours idempotency keys, and now and then hangs up instead of an answer.
    Webhook(Target),
}

/// The configuration that marks tasks by adding rows to a table of another database.
const TABLE: &str = r#"
[marking]
adapter = "sql"
[marking.sql]
database = "effects.db"
statement = "INSERT INTO effects VALUES (:sensor, :task_id, :state, :topic, :partition, :offset)"
"#;

const MATCHES: &str = r#"SELECT topic, "partition", "offset", task_id
    FROM matches JOIN wanted USING (topic) WHERE wanted.id = wanted_id"#;
const DEAD_LETTERS: &str = r#"SELECT topic, "partition", "offset" FROM dead_letters"#;
const NEAR_MISSES: &str = "SELECT task_id, max(nth)
    FROM near_misses JOIN wanted ON wanted.id = wanted_id GROUP BY task_id";
const MARKS: &str = "SELECT sensors.name, task_id, marks.state
    FROM marks JOIN waits ON waits.id = wait_id JOIN sensors ON sensors.id = sensor_id WHERE status = 'delivered'";
const EFFECTS: &str = "SELECT sensor, task_id, state FROM effects";
const EVIDENCE: &str = r#"SELECT topic, "partition", "offset", task_id FROM effects"#;

impl Outside {
    pub(super) fn webhook() -> Self {
        Self::Webhook(Target::start(|before, _| if before % 7 == 3 { Manner::TakeAndClose } else { Manner::Take }))
    }

    /// The configuration that leads there.
    pub(super) fn config(&self) -> String {
        match self {
            Self::Table => TABLE.to_owned(),
            Self::Webhook(target) => format!(
                "[marking]\nadapter = \"webhook\"\nbackoff = {{ first_seconds = 0.05, limit_seconds = 1.0 }}\n\
                 [marking.webhook]\nurl = \"{}\"\n",
                target.url()
            ),
        }
    }

    pub(super) fn prepare(&self, home: &Home) {
        if let Self::Table = self {
            let table = r#"CREATE TABLE effects (sensor, task_id, state, topic, "partition", "offset")"#;
            home.execute("effects.db", table);
        }
    }

    /// `sensor|task|state` of all that was done.
    fn effects(&self, home: &Home) -> Vec<String> {
        match self {
            Self::Table => home.rows_of("effects.db", EFFECTS).unwrap(),
            Self::Webhook(target) => {
                done(target, |it| [&it["sensor"], &it["task_id"], &it["state"]].map(text).join("|"))
            }
        }
    }

    /// `topic|partition|offset|task` of the messages that it rests on.
    fn evidence(&self, home: &Home) -> Vec<String> {
        match self {
            Self::Table => home.rows_of("effects.db", EVIDENCE).unwrap(),
            Self::Webhook(target) => done(target, |it| {
                let place = &it["evidence"];
                [&place["topic"], &place["partition"], &place["offset"], &it["task_id"]].map(text).join("|")
            }),
        }
    }

    /// What is to be told of it.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Table => String::new(),
            Self::Webhook(target) => {
                let (posts, effects) = (target.posted().len(), target.effects().len());
                format!(", {posts} posts with {effects} idempotency keys")
            }
        }
    }
}

fn done(target: &Target, row: impl Fn(&Value) -> String) -> Vec<String> {
    target.effects().iter().map(|it| row(&serde_json::from_str(&it.body).unwrap())).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What a service promises about messages when it is killed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Promise {
    Exact,
    NoneLost,
    NeverTwice,
}

impl Promise {
    pub(super) fn assert_kept(self, home: &Home, outside: &Outside, load: &Load, sent: &Sent) {
        let expected = sent.matches();
        match self {
            Self::Exact => {
                same("matches", home.rows(MATCHES), expected.clone());
                same("dead letters", home.rows(DEAD_LETTERS), sent.dead_letters());
                same("near misses", home.rows(NEAR_MISSES), sent.near_misses());
                same("marks", home.rows(MARKS), load.tasks());
                same("effects", outside.effects(home), load.tasks());
            }
            // A message that comes again is the same match again.
            Self::NoneLost => {
                same("matches", home.rows(MATCHES), expected.clone());
                among("sent", &sent.dead_letters(), "set aside", &home.rows(DEAD_LETTERS));
                same("effects", outside.effects(home), load.tasks());
            }
            Self::NeverTwice => {
                let (matches, letters) = (home.rows(MATCHES), home.rows(DEAD_LETTERS));
                among("matched", &matches, "sent", &expected);
                among("set aside", &letters, "sent", &sent.dead_letters());
                once("match", matches);
                once("dead letter", letters);
                once("effect", outside.effects(home));
            }
        }
        among("marked", &outside.evidence(home), "sent to match", &expected);
    }

    /// What was to be seen.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Exact => "none missing, none twice",
            Self::NoneLost => "none missing",
            Self::NeverTwice => "none twice",
        }
    }

    /// `delivery` in `[kafka]`.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Exact => "exactly-once",
            Self::NoneLost => "at-least-once",
            Self::NeverTwice => "at-most-once",
        }
    }
}

#[track_caller]
fn among(these: &str, some: &[String], those: &str, all: &[String]) {
    let all: HashSet<_> = all.iter().collect();
    if let Some(row) = some.iter().find(|row| !all.contains(row)) {
        panic!("{row} is among the {these}, not among the {those}");
    }
}

#[track_caller]
fn once(what: &str, rows: Vec<String>) {
    let mut seen = HashSet::new();
    for row in rows {
        assert!(!seen.contains(&row), "the {what} {row} is there twice");
        seen.insert(row);
    }
}

/// The same rows, each as often, in any order; the first differences are shown.
#[track_caller]
fn same(what: &str, mut actual: Vec<String>, mut expected: Vec<String>) {
    actual.sort();
    expected.sort();
    if let Some(at) = (0..actual.len().max(expected.len())).find(|at| actual.get(*at) != expected.get(*at)) {
        let near = |rows: &[String]| rows.iter().skip(at).take(5).cloned().collect::<Vec<_>>();
        let (there, wanted) = (near(&actual), near(&expected));
        panic!("{what}: {} rows, not {}: {there:?} instead of {wanted:?}", actual.len(), expected.len());
    }
}
