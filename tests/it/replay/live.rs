//! What is live: what a running service says, what the store keeps, or what the directory holds.

use eventlatch_tests::cluster::Cluster;
use serde_json::json;

use super::{COUNTED, fields, home, messages, minutes, replay, result};
use crate::guests::LENIENT;

#[tokio::test(flavor = "multi_thread")]
async fn a_build_is_held_against_what_serves_or_served_last() {
    let cluster = Cluster::start(&["etl-finish"], 2).await;
    let home = home(&cluster.brokers());
    home.write("matchers/lenient.wasm", LENIENT);
    for (message, _) in messages() {
        cluster.send(&message).await;
    }
    let mut service = home.serve();
    home.wait_for_rows(&mut service, "SELECT sum(next) FROM offsets", &["8"]);
    let kept = || {
        [
            "SELECT count(*), max(id) FROM matches",
            "SELECT * FROM offsets ORDER BY partition",
            "SELECT count(*) FROM audit",
        ]
        .map(|sql| home.rows(sql))
    };
    let (before, from, url) = (kept(), minutes(-60).to_string(), service.url());
    let range = ["--matcher", "etl-finish", "--from", &from, "--against", "live"];
    // The directory's build has the name: it serves.
    let asked = result(&replay(&home, &[&range[..], &["--url", &url]].concat()), 0);
    assert_eq!(
        fields(&asked, &["differs", "wanted_by", "same"]),
        json!({
            "differs": false, "wanted_by": "store", "same": 4,
        })
    );
    assert_eq!(asked["against"]["version"], "9.0.0");
    service.terminate();

    // Without its file the built-in one would serve; what served last is in the store.
    std::fs::remove_file(home.path("matchers/lenient.wasm")).unwrap();
    let stored = result(&replay(&home, &range), 13);
    assert_eq!((&stored["candidate"]["origin"], &stored["against"]["version"]), (&json!("built in"), &json!("9.0.0")));
    let turned = json!({
        "messages": 8, "different": 5, "same": 1, "only_old": 3, "only_new": 2, "other_keys": 0,
        "rejects": {"old": 1, "new": 1},
    });
    assert_eq!(fields(&stored, &COUNTED), turned);
    assert_eq!(kept(), before, "a replay changes nothing");

    // Sensor files as they are now, in place of what the store knows.
    home.write(
        "sensors/tables.json",
        json!({"wanted": [
            {"frequency": "D", "topic": "job-finish", "job_name": "j", "task_id": "j"},
        ]})
        .to_string(),
    );
    let files = result(&replay(&home, &[&range[..], &["--wanted", "files"]].concat()), 0);
    assert_eq!(
        fields(&files, &["wanted", "same", "only_old", "messages"]),
        json!({
            "wanted": 0, "same": 0, "only_old": 0, "messages": 8,
        })
    );
}
