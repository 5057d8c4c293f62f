//! `freeze`: a partition stands still at a message, and nothing else does.

use super::{FROZEN, MATCHES, NEXT, cluster, get, home, send};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_before_the_message_counts_once_and_what_is_behind_it_waits_also_over_restarts() {
    let cluster = cluster(3).await;
    let home = home(&cluster, "on_fault = \"freeze\"");
    // Two partitions of a batch, the second message of one of which fails; the third one has nothing.
    send(&cluster, &["1:", "2:", "1:", "2:panic", "1:", "2:"]).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, FROZEN, &["2:1 fault unruly"]);
    home.wait_for_rows(&mut service, NEXT, &["1:3", "2:1"]);
    assert_eq!(home.rows(MATCHES), ["1:0", "1:1", "1:2", "2:0"]);

    // The others go on, and nothing of the frozen one is judged.
    send(&cluster, &["1:", "2:panic", "0:"]).await;
    home.wait_for_rows(&mut service, NEXT, &["0:1", "1:4", "2:1"]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    service.start_again();
    send(&cluster, &["1:", "2:"]).await;
    home.wait_for_rows(&mut service, NEXT, &["0:1", "1:5", "2:1"]);
    assert_eq!(home.rows(FROZEN), ["2:1 fault unruly"]);
    assert_eq!(home.rows(MATCHES), ["0:0", "1:0", "1:1", "1:2", "1:3", "1:4", "2:0"]);
    assert_eq!(home.rows("SELECT count(*) FROM dead_letters"), ["0"]);
    let said = service.log().matches("A partition is frozen").count();
    assert_eq!(said, 1, "{}", service.log());

    let ready = get(&mut service, "/readyz");
    assert_eq!(ready["ready"], true);
    let part = ready["parts"].as_array().unwrap().iter().find(|it| it["name"] == "partitions").unwrap();
    assert_eq!(part["state"], "degraded", "{part}");
    assert!(part["problems"][0].as_str().unwrap().starts_with("unruly/2 is frozen at a message: panicked"), "{part}");
    let status = home.run(&["status"]);
    assert!(status.stdout.contains("unruly/2: stands still at 1, fault: panicked"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seed_set_freezes_one_partition_and_finishes_the_others() {
    let cluster = cluster(3).await;
    let home = home(&cluster, "on_fault = \"freeze\"");
    // A hundred messages over three partitions, one of which is an error.
    let all: Vec<String> =
        (0..100).map(|number| format!("{}:{}", number % 3, if number == 58 { "panic" } else { "" })).collect();
    send(&cluster, &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut service = home.serve();
    // The 59th message is the 20th of the second partition.
    home.wait_for_rows(&mut service, NEXT, &["0:34", "1:19", "2:33"]);
    assert_eq!(home.rows(FROZEN), ["1:19 fault unruly"]);
    for _ in 0..2 {
        service.kill();
        service.start_again();
        send(&cluster, &["0:"]).await;
        let sum: i64 = cluster.ends("unruly").iter().filter(|(number, _)| *number != 1).map(|(_, end)| end).sum();
        home.wait_for_rows(&mut service, "SELECT sum(next) FROM offsets WHERE \"partition\" <> 1", &[&sum.to_string()]);
        assert_eq!(home.rows("SELECT next FROM offsets WHERE \"partition\" = 1"), ["19"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_messages_freeze_where_that_is_wanted_and_several_partitions_may_stand_still() {
    let cluster = cluster(3).await;
    let home = home(&cluster, "on_reject = \"freeze\"");
    send(&cluster, &["0:", "0:malformed", "0:", "1:malformed", "2:panic", "2:"]).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, FROZEN, &["0:1 reject unruly", "1:0 reject unruly"]);
    home.wait_for_rows(&mut service, NEXT, &["0:1", "1:0", "2:2"]);
    assert_eq!(home.rows("SELECT \"partition\" || ':' || \"offset\" FROM dead_letters"), ["2:0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_full_of_failures_freezes_at_the_first_and_keeps_no_other_waiting() {
    let cluster = cluster(2).await;
    let home = home(&cluster, "on_fault = \"freeze\"");
    let poison = vec!["1:panic"; 120];
    send(&cluster, &["0:", "0:"]).await;
    send(&cluster, &poison).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, NEXT, &["0:2", "1:0"]);
    assert_eq!(home.rows(FROZEN), ["1:0 fault unruly"]);
}
