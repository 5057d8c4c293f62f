//! Candidates in the shadow of the build that serves.

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, Home},
    service::Service,
    waiting::wait_for,
};
use serde_json::{Value, json};

use super::{
    GENERATIONS, PICKY, TAME, UNRULY, by_hand::matcher, etl_finish, home, listed, pushed::push, put,
    swapped::send_until, unruly_message, unruly_sensor,
};
use crate::service::sensor;

/// Every so many messages one is picked.
const PICKED: usize = 100;

/// A service in which `TAME` serves.
async fn tame_service(cluster: &Cluster, names: &[&str]) -> (Home, Service) {
    // Enough for what is no endless loop; a thread that has only spare time meets it soon all the same.
    let home = home(cluster)
        .with("EVENTLATCH_MATCHERS_LIMITS_BASE_MS", 20)
        .with("EVENTLATCH_MATCHERS_LIMITS_TOLERATED_FAULTS", 2);
    home.write("sensors/names.json", unruly_sensor(names));
    put(&home, "matchers/unruly.wasm", TAME);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    (home, service)
}

/// Sends messages for `a`, some of which a candidate picks.
async fn send(cluster: &Cluster, numbers: std::ops::Range<usize>) {
    let act = |number: usize| if number.is_multiple_of(PICKED) { "pick" } else { "" };
    let messages = numbers.map(|number| eventlatch::source::Outgoing {
        key: Some(number.to_string().into()),
        ..message("unruly", unruly_message("a", number, act(number)))
    });
    cluster.producer.send_all(messages).await.unwrap();
}

fn recorded(home: &Home, service: &mut Service, messages: usize) {
    home.wait_for_rows(service, "SELECT sum(next) FROM offsets", &[&messages.to_string()]);
}

/// How a candidate does, as the API tells it.
fn diff(service: &mut Service, name: &str) -> Value {
    let mut answer = ureq::get(format!("{}/v1/matchers/{name}/shadow", service.url())).call().unwrap();
    serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
}

fn wait_for_count(service: &mut Service, messages: usize) -> Value {
    wait_for("the candidate to judge all", DEADLINE, || {
        let diff = diff(service, "unruly");
        let of = |figure: &Value| figure.as_u64().unwrap_or_default() as usize;
        let all = of(&diff["candidate"]["tally"]["messages"]) + of(&diff["candidate"]["dropped"]);
        if all == messages { Ok(diff) } else { Err(format!("{diff}\n{}", service.log_end())) }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deliberate_difference_is_shown_exactly_and_marks_nothing() {
    let cluster = Cluster::start(&["unruly"], 2).await;
    let (home, mut service) = tame_service(&cluster, &["a", "c"]).await;
    let (code, said) = push(&home, &mut service, PICKY, &["--shadow"]);
    assert_eq!(code, Some(0), "{said}");
    let serving = listed(&mut service, "unruly");
    assert_eq!(serving["state"], "serving", "{serving}");

    send(&cluster, 0..1_000).await;
    cluster.send(&message("unruly", unruly_message("c", 0, "pick"))).await;
    cluster.send(&message("unruly", unruly_message("nobody", 0, "rename"))).await;
    let shown = wait_for_count(&mut service, 1_002);
    let tally = &shown["candidate"]["tally"];
    let figures = ["messages", "different", "same", "only_old", "only_new", "other_keys"];
    let figures = figures.map(|figure| tally[figure].as_u64().unwrap());
    assert_eq!(figures, [1_002, 12, 990, 11, 0, 1], "{shown}");
    assert_eq!((&tally["rejects"], &tally["faults"]), (&json!({"old": 0, "new": 0}), &json!({"old": 0, "new": 0})));
    assert!(tally["cpu_us"]["old"].as_u64() > Some(0) && tally["cpu_us"]["new"].as_u64() > Some(0), "{shown}");
    let of_c = shown["samples"].as_array().unwrap().iter().find(|it| it["task_id"] == "c").unwrap();
    let (kind, sensor, reason) = (&of_c["kind"], &of_c["sensor"], &of_c["reason"]);
    assert_eq!((kind, sensor, reason), (&"only-old".into(), &"names".into(), &"it is picked".into()));

    // All that is marked and recorded is the serving build's.
    let matches = "SELECT DISTINCT sha256 FROM matches";
    assert_eq!(home.rows(matches), [serving["sha256"].as_str().unwrap()]);
    assert_eq!(home.rows("SELECT count(*) FROM matches"), ["1001"]);
    assert_eq!(home.rows("SELECT count(*) FROM near_misses"), ["0"]);
    assert_eq!(home.rows("SELECT task_id, state FROM tasks ORDER BY task_id"), ["a|success", "c|success"]);
    assert_eq!(home.rows("SELECT count(*) FROM shadow_matches"), ["990"]);

    let (code, said) = matcher(&home, &mut service, &["diff", "unruly"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("12 of 1002 messages differ, 1 in their keys"), "{said}");
    let (code, said) = matcher(&home, &mut service, &["withdraw", "unruly"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = matcher(&home, &mut service, &["diff", "unruly"]);
    assert_eq!(code, Some(4), "{said}");
    for table in ["candidates", "shadow_matches", "shadow_differences"] {
        assert_eq!(home.rows(&format!("SELECT count(*) FROM {table}")), ["0"], "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_are_served_by_a_pattern_are_judged_by_a_candidate_too() {
    let cluster = Cluster::start(&["unruly.eu"], 1).await;
    let home = home(&cluster);
    home.write("eventlatch.toml", "[matchers]\ndirectory = \"matchers\"\n[matchers.unruly]\ntopics = ['^unruly\\.']\n");
    home.write("sensors/names.json", unruly_sensor(&["a"]).replace("\"topic\":\"unruly\"", "\"topic\":\"unruly.eu\""));
    put(&home, "matchers/unruly.wasm", TAME);
    let mut service = home.serve();
    home.wait_for_rows(&mut service, GENERATIONS, &["serving"]);
    cluster.send(&message("unruly.eu", unruly_message("a", 0, "pick"))).await;
    recorded(&home, &mut service, 1);

    // What is there already proves it, what comes is judged beside.
    let (code, said) = push(&home, &mut service, PICKY, &["--shadow", "--format", "json"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("\"only_old\": 1"), "{said}");
    for (number, act) in [(1, ""), (2, "pick"), (3, "")] {
        cluster.send(&message("unruly.eu", unruly_message("a", number, act))).await;
    }
    let shown = wait_for_count(&mut service, 3);
    let tally = &shown["candidate"]["tally"];
    assert_eq!((&tally["same"], &tally["only_old"]), (&2.into(), &1.into()), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_outlives_a_kill_and_nothing_is_counted_twice() {
    let cluster = Cluster::start(&["unruly"], 2).await;
    let (home, mut service) = tame_service(&cluster, &["a"]).await;
    let (code, said) = push(&home, &mut service, PICKY, &["--shadow"]);
    assert_eq!(code, Some(0), "{said}");
    send(&cluster, 0..1_000).await;
    wait_for_count(&mut service, 1_000);

    // What it did not come to tell the store is lost, and only that.
    send(&cluster, 1_000..9_000).await;
    wait_for("some of it to be counted", DEADLINE, || {
        let counted: usize = home.rows("SELECT messages FROM candidates")[0].parse().unwrap();
        (counted > 1_000).then_some(()).ok_or(service.log_end())
    });
    service.kill();
    service.start_again();
    recorded(&home, &mut service, 9_000);
    send(&cluster, 9_000..10_000).await;
    recorded(&home, &mut service, 10_000);
    // What was recorded last is judged last.
    cluster.send(&message("unruly", unruly_message("nobody", 0, "rename"))).await;
    let shown = wait_for("the last of it to be counted", DEADLINE, || {
        let shown = diff(&mut service, "unruly");
        let is_last = |it: &Value| it["kind"] == "other-keys";
        if shown["samples"].as_array().unwrap().iter().any(is_last) { Ok(shown) } else { Err(shown.to_string()) }
    });
    let figures = "SELECT messages + dropped <= 10001, same + only_old + 1 = messages, only_old + 1 = different,
                          only_old <= 100, messages >= 2001 FROM candidates";
    assert_eq!(home.rows(figures), ["1|1|1|1|1"], "{shown}");
    let twice =
        "SELECT count(*) FROM (SELECT 1 FROM shadow_matches GROUP BY \"partition\", \"offset\" HAVING count(*) > 1)";
    assert_eq!(home.rows(twice), ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_loops_slows_nobody() {
    let cluster = Cluster::start(&["unruly"], 2).await;
    let (home, mut service) = tame_service(&cluster, &["a"]).await;
    let (code, said) = push(&home, &mut service, UNRULY, &["--shadow"]);
    assert_eq!(code, Some(0), "{said}");
    let looping = (0..5_000).map(|number| message("unruly", unruly_message("a", number, "loop")));
    cluster.producer.send_all(looping).await.unwrap();
    // Each of them costs the candidate two time-outs, and costs the lane nothing.
    recorded(&home, &mut service, 5_000);
    assert_eq!(home.rows("SELECT count(*) FROM matches"), ["5000"]);
    let shown = wait_for("the candidate to be given up", DEADLINE, || {
        let shown = diff(&mut service, "unruly");
        if shown["candidate"]["failed"].is_null() { Err(shown.to_string()) } else { Ok(shown) }
    });
    assert!(shown["candidate"]["failed"].as_str().unwrap().contains("CPU time"), "{shown}");
    assert_eq!(home.rows("SELECT state FROM tasks"), ["success"]);
    assert_eq!(listed(&mut service, "unruly")["state"], "serving");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_promoted_under_load_and_nothing_is_lost_or_doubled() {
    let cluster = Cluster::start(&["etl-finish"], 4).await;
    let home = home(&cluster);
    home.write("sensors/tables.json", sensor(&["a"]));
    let mut service = home.serve();
    wait_for("the service to serve", DEADLINE, || {
        service.log().contains("Reading a partition").then_some(()).ok_or(service.log_end())
    });
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let sending = tokio::spawn(send_until(cluster.producer.clone(), stopped));
    for turn in 1..=3 {
        let (code, said) = push(&home, &mut service, &etl_finish(turn), &["--shadow"]);
        assert_eq!(code, Some(0), "{said}");
        wait_for("the candidate to judge some", DEADLINE, || {
            let counted = home.rows("SELECT messages > 100 FROM candidates");
            (counted == ["1"]).then_some(()).ok_or_else(|| service.log_end())
        });
        let figures = "SELECT different, only_old, only_new FROM candidates";
        assert_eq!(home.rows(figures), ["0|0|0"]);
        let (code, said) = matcher(&home, &mut service, &["promote", "etl-finish"]);
        assert_eq!(code, Some(0), "{said}");
        wait_for("messages to be judged by it", DEADLINE, || {
            let sha256 = "SELECT sha256 FROM generations WHERE matcher = 'etl-finish' AND state = 'serving'";
            let by = format!("SELECT count(*) > 20 FROM matches WHERE sha256 = ({sha256})");
            (home.rows(&by) == ["1"]).then_some(()).ok_or(service.log_end())
        });
    }
    stop.send(()).unwrap();
    let sent = sending.await.unwrap();
    home.wait_for_rows(&mut service, "SELECT sum(next) FROM offsets", &[&sent.to_string()]);
    let expected = sent.div_ceil(super::swapped::WANTED).to_string();
    assert_eq!(home.rows("SELECT count(*) FROM matches"), std::slice::from_ref(&expected));
    assert_eq!(home.rows("SELECT count(DISTINCT \"partition\" || '/' || \"offset\") FROM matches"), [expected]);
    assert_eq!(home.rows("SELECT count(DISTINCT sha256) > 3 FROM matches"), ["1"], "{}", service.log_end());
    assert_eq!(home.rows("SELECT count(*) FROM candidates"), ["0"]);
    assert_eq!(home.rows("SELECT count(*) FROM dead_letters"), ["0"]);
}
