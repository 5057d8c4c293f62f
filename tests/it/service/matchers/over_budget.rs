//! Matchers that cost more than they may.

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, Home, noon_zone},
    waiting::wait_for,
};

use super::{GENERATIONS, UNRULY, by_hand::matcher, listed, put, unruly_message, unruly_sensor};

#[tokio::test(flavor = "multi_thread")]
async fn one_over_budget_is_quarantined_with_the_figure_until_it_is_released() {
    let cluster = Cluster::start(&["unruly"], 1).await;
    let config = "[matchers]\ndirectory = \"matchers\"\n[matchers.limits]\nbase_ms = 10_000\n\
                  [matchers.unruly.budget]\ncpu_ms_per_1000_messages = 20\n";
    let home = Home::new(config)
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/names.json", unruly_sensor(&["a", "b"]));
    home.write("matchers/unruly.wasm", "");
    put(&home, "matchers/unruly.wasm", UNRULY);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);

    let work = |number: usize| if number.is_multiple_of(250) { "work" } else { "" };
    let messages = (0..2_000).map(|number| message("unruly", unruly_message("a", number, work(number))));
    cluster.producer.send_all(messages).await.unwrap();
    let reason = wait_for("the matcher to be quarantined", DEADLINE, || {
        let shown = listed(&mut service, "unruly");
        let reason = shown["reason"].as_str().unwrap_or_default().to_owned();
        if shown["state"] == "quarantined" { Ok(reason) } else { Err(format!("{shown}\n{}", service.log_end())) }
    });
    assert!(reason.contains("ms of CPU time per 1,000 messages") && reason.contains("budget of 20"), "{reason}");

    // Its topic waits, and the history says why.
    cluster.send(&message("unruly", unruly_message("b", 0, ""))).await;
    home.wait_for_rows(&mut service, GENERATIONS, &["quarantined"]);
    assert_eq!(home.rows("SELECT reason FROM generations WHERE matcher = 'unruly'"), [reason]);
    let (code, said) = matcher(&home, &mut service, &["list"]);
    assert!(code == Some(0) && said.contains("unruly is quarantined, its topics wait: it used"), "{said}");

    let (code, said) = matcher(&home, &mut service, &["release", "unruly"]);
    assert_eq!(code, Some(0), "{said}");
    home.wait_for_rows(&mut service, "SELECT state FROM tasks WHERE task_id = 'b'", &["success"]);
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    let (code, said) = matcher(&home, &mut service, &["release", "unruly"]);
    assert_eq!(code, Some(4), "{said}");

    // Every message counts once.
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
    assert_eq!(home.rows("SELECT count(*) FROM matches"), ["2001"]);

    // What it used is kept for the history, also where it was asked about a message more than once.
    let usage = "SELECT messages >= 2001, cpu_us > 0, calls > 0, bytes > 0, peak_memory > 0 FROM matcher_usage
                  WHERE matcher = 'unruly'";
    assert_eq!(home.rows(usage), ["1|1|1|1|1"]);
}
