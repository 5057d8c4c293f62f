//! A matcher that serves topics by a regular expression, those included that are not there yet.

use eventlatch_tests::{
    broker::brokers,
    home::{Home, noon_zone},
    topic::{Topic, producer, unique},
};
use serde_json::json;

use super::TASKS;

fn home(matchers: &str) -> Home {
    Home::new(matchers)
        .with("EVENTLATCH_KAFKA_BROKERS", brokers())
        .with("EVENTLATCH_KAFKA_GROUP", unique("pattern"))
        .with("EVENTLATCH_SENSORS_TIMEZONE", noon_zone())
}

/// Waits for a job of each topic, whose task has the name of the topic.
fn sensor(topics: &[&str]) -> String {
    let wanted = |topic: &&str| json!({"frequency": "D", "topic": topic, "job_name": "j", "task_id": topic});
    json!({"wanted": topics.iter().map(wanted).collect::<Vec<_>>()}).to_string()
}

fn job() -> String {
    json!({"job_name": "j", "is_success": true, "timestamp": jiff::Timestamp::now().as_second()}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_appear_later_are_found() {
    let tenants = unique("tenant");
    let (now, later) = (Topic { name: format!("{tenants}.eu.jobs") }, Topic { name: format!("{tenants}.us.jobs") });
    let special = Topic { name: format!("{tenants}.special.jobs") };
    now.make(2).await;
    special.make(1).await;
    let home = home(&format!(
        "[matchers.job-finish]\ntopics = [\"job-finish\", \"^{tenants}\\\\.[a-z]+\\\\.jobs$\"]\n\
         [matchers.special]\nuse = \"fields\"\n\
         config = {{ topic = \"{}\", key = [{{ field = \"job_name\" }}] }}\n",
        special.name
    ));
    home.write("sensors/jobs.json", sensor(&[&now.name, &later.name, &special.name]));
    let mut service = home.serve();
    for topic in [&now, &special] {
        producer().send(&topic.message(&job())).await.unwrap();
    }
    let state = |it: &Topic, state: &str| format!("{}|{state}", it.name);
    let so_far = [state(&now, "success"), state(&special, "success"), state(&later, "pending")];
    home.wait_for_rows(&mut service, TASKS, &so_far.each_ref().map(String::as_str));

    // Its first message is there before anybody reads it.
    later.make(1).await;
    producer().send(&later.message(&job())).await.unwrap();
    let all = [state(&now, "success"), state(&special, "success"), state(&later, "success")];
    home.wait_for_rows(&mut service, TASKS, &all.each_ref().map(String::as_str));
    // A name goes before a pattern.
    let judged = format!("SELECT matcher FROM matches WHERE topic = '{}'", special.name);
    assert_eq!(home.rows(&judged), ["special"]);
    assert_eq!(home.rows("SELECT count(DISTINCT topic) FROM matches WHERE matcher = 'job-finish'"), ["2"]);
    assert_eq!(service.terminate().code(), Some(0), "{}", service.log_end());
}

#[test]
fn patterns_that_make_no_sense_are_told() {
    let refused = |config: &str, topic: &str, says: &str| {
        let home = home(config);
        home.write("sensors/jobs.json", sensor(&[topic]));
        let checked = home.run(&["check"]);
        assert!(checked.stderr.contains(says), "{checked}");
        checked.code
    };
    let broken = "[matchers.job-finish]\ntopics = [\"^jobs(\"]\n";
    assert_eq!(refused(broken, "jobs", "its topic `^jobs(` is no regular expression"), Some(4));
    let pattern = "[matchers.job-finish]\ntopics = [\"^jobs\"]\n";
    assert_eq!(refused(pattern, "^jobs", "`^jobs` is a pattern: a wanted message names one topic"), Some(3));
    let two = format!("{pattern}[matchers.etl-finish]\ntopics = [\"^jobs.eu\"]\n");
    let says = "the topic `jobs.eu` is served by several matchers: `etl-finish`, `job-finish`";
    assert_eq!(refused(&two, "jobs.eu", says), Some(3));
}
