//! A second instance on one store waits, and takes over when the first one ends or is killed: everything exactly once.

use std::time::{Duration, Instant};

use eventlatch_tests::{
    cluster::{Cluster, message},
    home::{DEADLINE, Home, noon_zone},
    service::Service,
    summary,
    waiting::wait_for,
};

use super::{sensor, table_written};
use crate::chaos::scale;

/// So many that most ends come while there is a lag.
const EACH: usize = 2_000;

const MATCHES: &str = r#"SELECT count(*) || ' ' || count(DISTINCT "partition" || ' ' || "offset") FROM matches"#;

fn home(cluster: &Cluster) -> Home {
    // Who was killed is missed after a second, not after a minute.
    let home = Home::new("[kafka]\nmax_messages = 20\n[kafka.properties]\n\"session.timeout.ms\" = \"2000\"\n")
        .with("EVENTLATCH_KAFKA_BROKERS", cluster.brokers())
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone());
    home.write("sensors/tables.json", sensor(&["a"]));
    home
}

fn recorded(home: &Home) -> usize {
    let rows = home.rows_of("eventlatch.db", "SELECT count(*) FROM matches").unwrap_or_default();
    rows.first().map_or(0, |row| row.parse().unwrap())
}

fn stand_by(home: &Home, nth: usize) -> Service {
    let mut service = Service::start(home.command(&["run", "--standby"]), &home.path(&format!("{nth}.log")));
    wait_for("an instance to stand by", DEADLINE, || {
        assert!(service.ended().is_none(), "{}", service.log_end());
        service.log().contains("Standing by").then_some(()).ok_or_else(|| service.log_end())
    });
    service
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_take_over_from_each_other_and_nothing_is_lost_or_doubled() {
    let (take_overs, begun) = (scale::number("TAKE_OVERS", 4, 50), Instant::now());
    let cluster = Cluster::start(&["etl-finish"], 2).await;
    let home = home(&cluster);
    let value = table_written("a").to_string();
    let mut active = Service::start(home.command(&["run"]), &home.path("first.log"));
    active.url();
    for nth in 0..take_overs {
        let next = stand_by(&home, nth);
        cluster.producer.send_all((0..EACH).map(|_| message("etl-finish", value.clone()))).await.unwrap();
        let before = recorded(&home);
        wait_for("the active instance to record", DEADLINE, || {
            assert!(active.ended().is_none(), "{}", active.log_end());
            (recorded(&home) > before || before == nth * EACH + EACH).then_some(()).ok_or_else(|| active.log_end())
        });
        if nth % 2 == 0 {
            active.kill();
        } else {
            assert_eq!(active.terminate().code(), Some(0), "{}", active.log_end());
        }
        active = next;
        wait_for("the take-over", DEADLINE, || {
            // Who has the store: between the two lines another one may be faster.
            active.log().contains("Recording and marking").then_some(()).ok_or_else(|| active.log_end())
        });
    }
    let all = format!("{0} {0}", take_overs * EACH);
    wait_for("all to be recorded", Duration::from_secs(120), || {
        assert!(active.ended().is_none(), "{}", active.log_end());
        let rows = home.rows_of("eventlatch.db", MATCHES);
        rows.as_ref().is_ok_and(|rows| *rows == [all.clone()]).then_some(()).ok_or(format!("{rows:?}, not {all}"))
    });
    let (kills, messages) = (take_overs.div_ceil(2), take_overs * EACH);
    let faults = format!("{take_overs} take-overs, {kills} of them after kill -9");
    let came = format!("{messages} messages, {messages} matches: none missing, none twice");
    summary::tell("chaos", "standby", &format!("{faults} | {came} | {} s", begun.elapsed().as_secs()));
}

#[test]
fn who_does_not_stand_by_is_told_that_it_could() {
    let home = Home::new("").with("EVENTLATCH_TELEMETRY_LOG", "error");
    let _active = {
        let mut active = Service::start_fed(home.command(&["run", "--input", "-"]), &home.path("service.log"));
        home.wait_for_rows(&mut active, "SELECT count(*) FROM store", &["1"]);
        active
    };
    insta::assert_snapshot!(home.run(&["run"]), @r"
    ! error: the store eventlatch.db is in use by another process: stop that one, give this one another `[store] path`, or let it wait by `eventlatch run --standby`
    exit 5
    ");
}

#[test]
fn who_stands_by_answers_the_probes() {
    let home = Home::new("");
    let mut active = Service::start_fed(home.command(&["run", "--input", "-"]), &home.path("service.log"));
    home.wait_for_rows(&mut active, "SELECT count(*) FROM store", &["1"]);
    let mut standby = stand_by(&home, 0);
    let url = standby.url();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let status = |path: &str| {
        let mut answer = agent.get(format!("{url}{path}")).call().unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    assert_eq!(status("/livez"), (200, "ok\n".to_owned()));
    let (code, body) = status("/readyz");
    assert!(code == 503 && body.contains("standby: another process has the store"), "{code} {body}");
    assert_eq!(standby.terminate().code(), Some(0), "{}", standby.log_end());
}
