//! `skip`: nothing is kept of the message.

use super::{MATCHES, NEXT, cluster, home, send, wait_for_words};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_skipped_is_counted_and_told_and_nothing_else() {
    let cluster = cluster(1).await;
    let home = home(&cluster, "on_reject = \"skip\"\n[matchers.unruly]\non_fault = \"skip\"");
    send(&cluster, &["0:", "0:panic", "0:malformed", "0:"]).await;
    let mut service = home.serve();
    home.wait_for_rows(&mut service, NEXT, &["0:4"]);
    assert_eq!(home.rows(MATCHES), ["0:0", "0:3"]);
    assert_eq!(home.rows("SELECT count(*) FROM dead_letters"), ["0"]);
    wait_for_words(&service, "Messages are skipped");
    let url = service.url();
    let metrics = ureq::get(format!("{url}/metrics")).call().unwrap().body_mut().read_to_string().unwrap();
    for kind in ["fault", "reject"] {
        let counted =
            format!("eventlatch_skipped_messages_total{{topic=\"unruly\",matcher=\"unruly\",kind=\"{kind}\"}} 1");
        assert!(metrics.contains(&counted), "{metrics}");
    }
}
