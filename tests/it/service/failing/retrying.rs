//! `retries`: a message on which a matcher fails is judged again before that has consequences.

use eventlatch_tests::{home::DEADLINE, waiting::wait_for};

use super::{MATCHES, NEXT, cluster, home, metric, send};

const RETRIES: &str = "eventlatch_matcher_retries_total{matcher=\"unruly\"}";

#[tokio::test(flavor = "multi_thread")]
async fn consequences_come_after_so_many_attempts_and_a_stop_waits_for_none() {
    let cluster = cluster(1).await;
    let home = home(&cluster, "retries = 2");
    send(&cluster, &["0:", "0:panic", "0:"]).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, NEXT, &["0:3"]);
    assert_eq!(metric(&mut service, RETRIES), 2.0);
    assert_eq!(home.rows("SELECT \"offset\", kind FROM dead_letters"), ["1|fault"]);
    assert_eq!(home.rows(MATCHES), ["0:0", "0:2"]);
    service.terminate();

    home.write("eventlatch.toml", "[matchers]\ndirectory = \"matchers\"\nretries = 4000000000\n");
    service.start_again();
    send(&cluster, &["0:panic"]).await;
    wait_for("a second attempt", DEADLINE, || {
        let attempts = metric(&mut service, RETRIES);
        (attempts >= 1.0).then_some(()).ok_or(attempts.to_string())
    });
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    assert_eq!(home.rows(NEXT), ["0:3"]);
}
