//! What has come of a trial, in the store and outside, against what was sent: the same rows, each as often.

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

/// Everything that was sent had its effect once.
pub(super) fn assert_exact(home: &Home, load: &Load, sent: &Sent) {
    let (matches, marks) = (sent.matches(), load.tasks());
    same("matches", home.rows(MATCHES), matches.clone());
    same("dead letters", home.rows(DEAD_LETTERS), sent.dead_letters());
    same("near misses", home.rows(NEAR_MISSES), sent.near_misses());
    same("marks", home.rows(MARKS), marks.clone());
    same("effects", home.rows_of("effects.db", EFFECTS).unwrap(), marks);
    for evidence in home.rows_of("effects.db", EVIDENCE).unwrap() {
        assert!(matches.binary_search(&evidence).is_ok(), "{evidence} marked and did not match");
    }
}

/// The same rows, each as often, in any order; the first differences are shown.
#[track_caller]
pub(super) fn same(what: &str, mut actual: Vec<String>, mut expected: Vec<String>) {
    actual.sort();
    expected.sort();
    if let Some(at) = (0..actual.len().max(expected.len())).find(|at| actual.get(*at) != expected.get(*at)) {
        let near = |rows: &[String]| rows.iter().skip(at).take(5).cloned().collect::<Vec<_>>();
        let (there, wanted) = (near(&actual), near(&expected));
        panic!("{what}: {} rows, not {}: {there:?} instead of {wanted:?}", actual.len(), expected.len());
    }
}
