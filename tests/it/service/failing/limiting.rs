//! `[matchers.concurrency]`: no more is evaluated at once than is allowed.

use std::time::Duration;

use eventlatch_tests::home::{DEADLINE, Home};

use super::{cluster, home, metric, send};

#[tokio::test(flavor = "multi_thread")]
async fn no_more_messages_are_evaluated_at_once_than_are_allowed() {
    let cluster = cluster(2).await;
    let config = "[matchers.limits]\nbase_ms = 10000\n[matchers.concurrency]\nmessages = 2\npartitions = 2";
    let home = home(&cluster, "");
    home.write("eventlatch.toml", format!("[matchers]\ndirectory = \"matchers\"\nworkers = 2\n{config}\n"));
    let messages: Vec<_> = (0..20).map(|number| format!("{}:work", number % 2)).collect();
    send(&cluster, &messages.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut service = home.serve();
    let mut seen = Vec::new();
    let until = std::time::Instant::now() + DEADLINE;
    while home.rows_of("eventlatch.db", "SELECT sum(next) FROM offsets").ok() != Some(vec!["20".to_owned()]) {
        seen.push(metric(&mut service, "eventlatch_evaluating_messages"));
        assert!(std::time::Instant::now() < until, "{seen:?}\n{}", service.log_end());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let most = seen.iter().copied().fold(0.0, f64::max);
    assert!((1.0..=2.0).contains(&most), "{seen:?}");
    assert_eq!(metric(&mut service, "eventlatch_evaluating_messages"), 0.0);
}

#[test]
fn a_limit_of_nothing_is_a_mistake_of_the_configuration() {
    for limit in ["messages", "partitions"] {
        let home = Home::new(&format!("[matchers.concurrency]\n{limit} = 0\n"));
        let refused = home.run(&["check"]);
        assert_eq!(refused.code, Some(3), "{refused}");
        assert!(refused.stderr.contains(limit) && refused.stderr.contains("at least 1"), "{refused}");
    }
}
