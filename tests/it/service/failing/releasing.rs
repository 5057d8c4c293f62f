//! `partition unfreeze` and `partition skip`: what stood still goes on.

use std::fs;

use eventlatch_tests::{
    home::{DEADLINE, noon_zone},
    waiting::wait_for,
};

use super::{FROZEN, MATCHES, NEXT, cluster, get, home, partition, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_matcher_that_was_replaced_goes_on_with_the_message_and_repeats_nothing() {
    let cluster = cluster(2).await;
    let home = home(&cluster, "on_fault = \"freeze\"").with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    send(&cluster, &["0:", "0:panic", "0:", "1:", "1:panic", "1:", "1:"]).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, FROZEN, &["0:1 fault unruly", "1:1 fault unruly"]);

    // Nothing was mended: it freezes again, at the same place.
    let again = partition(&home, &mut service, &["unfreeze", "unruly", "0"]);
    assert_eq!(again.stdout, "unruly/0 goes on at 1\n", "{again}");
    home.wait_for_rows(&mut service, "SELECT count(*) FROM audit", &["1"]);
    home.wait_for_rows(&mut service, FROZEN, &["0:1 fault unruly", "1:1 fault unruly"]);

    // A build that fails on nothing.
    home.write("beside", crate::guests::TAME);
    fs::rename(home.path("beside"), home.path("matchers/unruly.wasm")).unwrap();
    let serving = "SELECT count(*) FROM generations WHERE matcher = 'unruly'";
    home.wait_for_rows(&mut service, serving, &["2"]);
    let released = partition(&home, &mut service, &["unfreeze", "unruly", "0", "1", "--reason", "mended"]);
    assert_eq!(released.stdout, "unruly/0 goes on at 1\nunruly/1 goes on at 1\n", "{released}");
    home.wait_for_rows(&mut service, NEXT, &["0:3", "1:4"]);
    assert_eq!(home.rows(MATCHES), ["0:0", "0:1", "0:2", "1:0", "1:1", "1:2", "1:3"]);
    assert_eq!(home.rows(FROZEN), [""; 0]);
    assert_eq!(home.rows("SELECT count(*) FROM dead_letters"), ["0"]);
    let audit = "SELECT actor, action, subject, detail FROM audit ORDER BY id";
    let unfreeze = |partition, reason| {
        format!("cli|partition unfreeze|partition unruly/{partition}|{{\"offset\":1,\"reason\":{reason}}}")
    };
    assert_eq!(home.rows(audit), [unfreeze(0, "null"), unfreeze(0, "\"mended\""), unfreeze(1, "\"mended\"")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_skipped_is_set_aside_and_the_rest_goes_on() {
    let cluster = cluster(2).await;
    let home = home(&cluster, "on_fault = \"freeze\"");
    send(&cluster, &["0:", "0:panic", "0:", "0:panic", "0:", "1:"]).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, FROZEN, &["0:1 fault unruly"]);
    home.wait_for_rows(&mut service, NEXT, &["0:1", "1:1"]);
    // Kafka is asked for the lag, for some seconds at the most.
    wait_for("the frozen partition and its lag", DEADLINE, || {
        let listed = get(&mut service, "/v1/partitions?frozen=true");
        let partitions = listed["partitions"].as_array().unwrap();
        let [only] = &partitions[..] else { return Err(listed.to_string()) };
        let expected = only["partition"] == 0 && only["lag"] == 4;
        if expected { Ok(()) } else { Err(listed.to_string()) }
    });

    let skipped = partition(&home, &mut service, &["skip", "unruly", "0", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&skipped.stdout).unwrap();
    assert_eq!(answer, serde_json::json!([{"topic": "unruly", "partition": 0, "next": 2}]));
    home.wait_for_rows(&mut service, FROZEN, &["0:3 fault unruly"]);
    partition(&home, &mut service, &["skip", "unruly", "0"]);
    home.wait_for_rows(&mut service, NEXT, &["0:5", "1:1"]);
    assert_eq!(home.rows(MATCHES), ["0:0", "0:2", "0:4", "1:0"]);
    let aside = "SELECT \"offset\", kind, fault, payload_size IS NOT NULL FROM dead_letters ORDER BY 1";
    assert_eq!(home.rows(aside), ["1|fault|trap|1", "3|fault|trap|1"]);

    let nothing = partition(&home, &mut service, &["skip", "unruly", "0"]);
    assert!(nothing.stderr.contains("the partition unruly/0 is not frozen: nothing changed"), "{nothing}");
    let unknown = partition(&home, &mut service, &["unfreeze", "unruly", "9"]);
    assert!(unknown.stderr.contains("nothing is stored of the partition unruly/9"), "{unknown}");

    // A new epoch, from a place of one's own.
    let reset = partition(&home, &mut service, &["reset", "unruly", "0", "--to", "3"]);
    assert_eq!(reset.stdout, "unruly/0 goes on at 3\n", "{reset}");
    home.wait_for_rows(&mut service, FROZEN, &["0:3 fault unruly"]);
    let wrong = partition(&home, &mut service, &["reset", "unruly", "0", "--to", "99"]);
    assert!(wrong.stderr.contains("it has no offset 99"), "{wrong}");
    let latest = partition(&home, &mut service, &["reset", "unruly", "0", "--to", "latest"]);
    assert_eq!(latest.stdout, "unruly/0 goes on at 5\n", "{latest}");
    home.wait_for_rows(&mut service, FROZEN, &[]);
    send(&cluster, &["0:"]).await;
    home.wait_for_rows(&mut service, NEXT, &["0:6", "1:1"]);
    let list = home.run(&["partition", "list"]);
    assert!(list.stdout.contains("FROZEN") && list.stdout.contains("unruly/0"), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_reset_is_read_again_in_a_new_epoch() {
    let cluster = cluster(1).await;
    let home = home(&cluster, "on_fault = \"freeze\"");
    send(&cluster, &["0:", "0:", "0:panic"]).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, FROZEN, &["0:2 fault unruly"]);
    let refused = partition(&home, &mut service, &["reset", "unruly", "0", "--to", "7"]);
    assert!(refused.stderr.contains("goes from 0 to 3: it has no offset 7"), "{refused}");
    let refused = partition(&home, &mut service, &["reset", "unruly", "9", "--to", "earliest"]);
    assert!(refused.stderr.contains("there is no partition unruly/9"), "{refused}");

    let reset = partition(&home, &mut service, &["reset", "unruly", "0", "--to", "1", "--reason", "once more"]);
    assert_eq!(reset.stdout, "unruly/0 goes on at 1\n", "{reset}");
    home.wait_for_rows(&mut service, FROZEN, &["0:2 fault unruly"]);
    let again = "SELECT epoch, \"offset\" FROM matches ORDER BY 1, 2";
    home.wait_for_rows(&mut service, again, &["0|0", "0|1", "1|1"]);
    partition(&home, &mut service, &["reset", "unruly", "0", "--to", "latest"]);
    send(&cluster, &["0:"]).await;
    home.wait_for_rows(&mut service, again, &["0|0", "0|1", "1|1", "2|3"]);
    assert_eq!(home.rows(FROZEN), [""; 0], "it is behind the message");
    let audit = "SELECT action, subject, detail FROM audit ORDER BY id LIMIT 1";
    assert_eq!(home.rows(audit), ["partition reset|partition unruly/0|\"to 1: once more\""]);
}
