//! `stop`: the service ends before the message, and meets it again.

use eventlatch_tests::{home::DEADLINE, waiting::wait_for};

use super::{MATCHES, NEXT, cluster, home, send};

#[tokio::test(flavor = "multi_thread")]
async fn everything_before_the_message_is_recorded_and_a_restart_meets_it_again() {
    let cluster = cluster(2).await;
    // Both partitions come in one batch.
    let home = home(&cluster, "on_fault = \"stop\"").with("EVENTLATCH_KAFKA_MAX_WAIT_MS", "1000");
    send(&cluster, &["0:", "0:panic", "0:", "1:", "1:"]).await;
    let mut service = home.serve();
    for _ in 0..2 {
        let ended = wait_for("the service to end", DEADLINE, || service.ended().ok_or_else(|| service.log_end()));
        assert_eq!(ended.code(), Some(11), "{}", service.log_end());
        let last = service.log_end();
        assert!(last.contains("error: the matcher `unruly` failed on the message unruly/0@1: panicked"), "{last}");
        assert_eq!(home.rows(NEXT), ["0:1", "1:2"]);
        assert_eq!(home.rows(MATCHES), ["0:0", "1:0", "1:1"]);
        assert_eq!(home.rows("SELECT count(*) FROM dead_letters"), ["0"]);
        service.start_again();
    }
    service.kill();
    home.write("eventlatch.toml", "[matchers]\ndirectory = \"matchers\"\n");
    service.start_again();
    home.wait_for_rows(&mut service, NEXT, &["0:3", "1:2"]);
    assert_eq!(home.rows(MATCHES), ["0:0", "0:2", "1:0", "1:1"]);
}
