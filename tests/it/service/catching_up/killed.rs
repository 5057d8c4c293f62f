//! Killed in the middle of reading back: nothing is lost, and nothing happens twice.

use std::time::Duration;

use eventlatch_tests::{
    broker::brokers,
    home::{DEADLINE, Home, noon_zone},
    service::Service,
    topic::Topic,
    waiting::wait_for,
};

use super::{matcher, order, sensors, serve, wait_until_read};

const MESSAGES: usize = 40_000;
const TASKS: usize = 1_000;
const KILLS: i64 = 6;

const FINISHED: Duration = Duration::from_secs(180);

/// A service that marks tasks by adding rows to a table of another database.
fn home(topic: &Topic) -> Home {
    let config = format!(
        r#"
        {}
        [kafka]
        brokers = "{}"
        group = "{}"
        max_messages = 200
        [kafka.properties]
        # The group soon lets go of who was killed.
        session.timeout.ms = 1000
        heartbeat.interval.ms = 250
        [sensors]
        timezone = "{}"
        [marking]
        adapter = "sql"
        [marking.sql]
        database = "effects.db"
        statement = "INSERT INTO effects VALUES (:sensor, :task_id, :state)"
        "#,
        matcher(topic, 0),
        brokers(),
        topic.name,
        noon_zone(),
    );
    let home = Home::new(&config);
    home.execute("effects.db", "CREATE TABLE effects (sensor, task_id, state)");
    home.write("sensors/first.json", sensors(topic, [("first", "D", "never".to_owned())]));
    home
}

/// So many messages were read back.
fn read_back(home: &Home) -> i64 {
    let read = home.rows_of("eventlatch.db", "SELECT ifnull(sum(messages), 0) FROM catch_ups");
    read.map_or(0, |rows| rows[0].parse().unwrap())
}

fn wait_for_progress(home: &Home, service: &mut Service, behind: i64) {
    wait_for("messages to be read back", DEADLINE, || {
        assert!(service.ended().is_none(), "the service has ended by itself:\n{}", service.log_end());
        let read = read_back(home);
        if read > behind { Ok(()) } else { Err(format!("{read} messages\n{}", service.log_end())) }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_by_kills_while_reading_back() {
    let topic = Topic::create("orders", 2).await;
    let home = home(&topic);
    let mut service = serve(&home);
    topic.send((0..MESSAGES).map(|number| order(&format!("o{}", number % TASKS)))).await;
    wait_until_read(&home, &mut service, MESSAGES as u64);

    let names: Vec<_> = (0..TASKS).map(|number| format!("o{number}")).collect();
    home.write("sensors/late.json", sensors(&topic, names.iter().map(|name| (name.as_str(), "D", name.clone()))));
    home.wait_for_rows(&mut service, "SELECT count(*) FROM sensors", &[&(TASKS + 1).to_string()]);
    let mut in_the_middle = 0;
    for kill in 0..KILLS {
        wait_for_progress(&home, &mut service, kill * MESSAGES as i64 / (2 * KILLS));
        service.kill();
        in_the_middle += i64::from(read_back(&home) < MESSAGES as i64);
        service.start_again();
    }
    wait_for("all to be caught up and marked", FINISHED, || {
        assert!(service.ended().is_none(), "the service has ended by itself:\n{}", service.log_end());
        let left = home.rows(
            "SELECT (SELECT count(*) FROM to_catch_up),
                                     (SELECT count(*) FROM marks WHERE status = 'pending'),
                                     (SELECT count(*) FROM catch_ups WHERE state = 'running')",
        );
        if left == ["0|0|0"] && read_back(&home) > 0 { Ok(()) } else { Err(format!("{left:?}\n{}", service.log_end())) }
    });
    println!("{in_the_middle} of {KILLS} kills fell in the middle");
    assert!(in_the_middle * 2 > KILLS, "too few kills in the middle to mean anything: {in_the_middle}");

    let all = MESSAGES.to_string();
    let distinct = "SELECT count(*), count(DISTINCT \"partition\" || '@' || \"offset\") FROM matches";
    assert_eq!(home.rows(distinct), [format!("{all}|{all}")]);
    assert_eq!(
        home.rows("SELECT count(DISTINCT scan), count(*), sum(messages) FROM catch_ups"),
        [format!("1|2|{all}")]
    );
    let effects = "SELECT count(*), count(DISTINCT task_id) FROM effects WHERE state = 'success'";
    assert_eq!(home.rows_of("effects.db", effects).unwrap(), [format!("{TASKS}|{TASKS}")]);
}
