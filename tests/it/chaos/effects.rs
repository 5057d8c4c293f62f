//! What has come of a trial, in the store and outside, against what was sent: the same rows, each as often.

use std::collections::HashSet;

use eventlatch_tests::home::Home;

use super::load::{Load, Sent};

/// The configuration that marks tasks by adding rows to a table of another database.
pub(super) const MARKING: &str = r#"
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

/// Where [`MARKING`] leads to.
pub(super) fn prepare(home: &Home) {
    let table = r#"CREATE TABLE effects (sensor, task_id, state, topic, "partition", "offset")"#;
    home.execute("effects.db", table);
}

/// What a service promises about messages when it is killed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Promise {
    Exact,
    NoneLost,
    NeverTwice,
}

impl Promise {
    pub(super) fn assert_kept(self, home: &Home, load: &Load, sent: &Sent) {
        let expected = sent.matches();
        match self {
            Self::Exact => {
                same("matches", home.rows(MATCHES), expected.clone());
                same("dead letters", home.rows(DEAD_LETTERS), sent.dead_letters());
                same("near misses", home.rows(NEAR_MISSES), sent.near_misses());
                same("marks", home.rows(MARKS), load.tasks());
                same("effects", outside(home, EFFECTS), load.tasks());
            }
            // A message that comes again is the same match again.
            Self::NoneLost => {
                same("matches", home.rows(MATCHES), expected.clone());
                among("sent", &sent.dead_letters(), "set aside", &home.rows(DEAD_LETTERS));
                same("effects", outside(home, EFFECTS), load.tasks());
            }
            Self::NeverTwice => {
                let (matches, letters) = (home.rows(MATCHES), home.rows(DEAD_LETTERS));
                among("matched", &matches, "sent", &expected);
                among("set aside", &letters, "sent", &sent.dead_letters());
                once("match", matches);
                once("dead letter", letters);
                once("effect", outside(home, EFFECTS));
            }
        }
        among("marked", &outside(home, EVIDENCE), "sent to match", &expected);
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

fn outside(home: &Home, sql: &str) -> Vec<String> {
    home.rows_of("effects.db", sql).unwrap()
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
