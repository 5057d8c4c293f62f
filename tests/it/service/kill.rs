//! Killed again and again under load: nothing is lost, and nothing happens twice.

mod load;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use eventlatch_tests::{
    cluster::Cluster,
    home::{Home, noon_zone},
    service::Service,
    waiting::wait_for,
};

use self::load::{BURST, Load, TOPICS};

/// How hard it is. `EVENTLATCH_TEST_KILLS` and `EVENTLATCH_TEST_SEED` change it.
struct Scale {
    kills: usize,
    seed: u64,
}

/// So long messages are sent for each kill.
const PACE: Duration = Duration::from_secs(2);

/// Before a kill on average: shorter, so that messages are sent until the last one.
const PAUSE: Duration = Duration::from_millis(1_700);

/// Messages a second.
const RATE: usize = 1_000;

/// Of the kills at least two of three must find messages that were not recorded yet.
const LAGGING: (usize, usize) = (2, 3);

const CAUGHT_UP: Duration = Duration::from_secs(180);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_by_kills() {
    let scale = Scale::from_environment();
    println!("EVENTLATCH_TEST_KILLS={} EVENTLATCH_TEST_SEED={}", scale.kills, scale.seed);
    let cluster = Cluster::start(&TOPICS, 4).await;
    let load = Load::new(scale.kills * RATE * PACE.as_secs() as usize, scale.seed);
    let home = home(&cluster, &load);

    let acknowledged = Arc::new(AtomicI64::new(0));
    let producing = tokio::spawn(load.clone().produce(cluster.producer.clone(), RATE, acknowledged.clone()));
    let mut service = home.serve();
    let kills = tokio::task::block_in_place(|| kill_repeatedly(&acknowledged, &home, &mut service, &scale));
    let sent = producing.await.unwrap();
    let caught_up = Instant::now();
    tokio::task::block_in_place(|| wait_until_caught_up(&cluster, &home, &mut service));
    println!("{kills:?}, caught up after {:?}", caught_up.elapsed());

    let (matches, marks) = (sent.matches(), load.tasks());
    same("offsets", stored(&home), ends(&cluster));
    same("matches", home.rows(MATCHES), matches.clone());
    same("dead letters", home.rows(DEAD_LETTERS), sent.dead_letters());
    same("near misses", home.rows(NEAR_MISSES), sent.near_misses());
    same("marks", home.rows(MARKS), marks.clone());
    same("effects", home.rows_of("effects.db", EFFECTS).unwrap(), marks);
    for evidence in home.rows_of("effects.db", EVIDENCE).unwrap() {
        assert!(matches.binary_search(&evidence).is_ok(), "{evidence} marked and did not match");
    }
    println!("{} messages, {} matches, {} marks", sent.len(), matches.len(), load.tasks().len());
    let (some, of) = LAGGING;
    assert!(kills.with_lag * of >= kills.all * some, "too few kills on a lag to mean anything: {kills:?}");
}

const MATCHES: &str = r#"SELECT topic, "partition", "offset", task_id
    FROM matches JOIN wanted USING (topic) WHERE wanted.id = wanted_id"#;
const DEAD_LETTERS: &str = r#"SELECT topic, "partition", "offset" FROM dead_letters"#;
const NEAR_MISSES: &str = "SELECT task_id, max(nth)
    FROM near_misses JOIN wanted ON wanted.id = wanted_id GROUP BY task_id";
const MARKS: &str = "SELECT sensors.name, task_id, marks.state
    FROM marks JOIN waits ON waits.id = wait_id JOIN sensors ON sensors.id = sensor_id WHERE status = 'delivered'";
const EFFECTS: &str = "SELECT sensor, task_id, state FROM effects";
const EVIDENCE: &str = r#"SELECT topic, "partition", "offset", task_id FROM effects"#;

impl Scale {
    fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
        Self {
            kills: number("EVENTLATCH_TEST_KILLS").unwrap_or(30) as usize,
            seed: number("EVENTLATCH_TEST_SEED").unwrap_or_else(|| fastrand::u64(..)),
        }
    }
}

/// A service that marks tasks by adding rows to a table of another database.
fn home(cluster: &Cluster, load: &Load) -> Home {
    let home = Home::new(&format!(
        r#"
        [kafka]
        brokers = "{}"
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
        statement = '''
            INSERT INTO effects VALUES (:sensor, :task_id, :state, :topic, :partition, :offset)
        '''
        "#,
        cluster.brokers(),
        noon_zone(),
    ));
    let table = r#"CREATE TABLE effects (sensor, task_id, state, topic, "partition", "offset")"#;
    home.execute("effects.db", table);
    for (name, sensor) in load.sensors() {
        home.write(&format!("sensors/{name}.json"), sensor);
    }
    home
}

#[derive(Debug, Default)]
struct Kills {
    all: usize,
    /// Messages were in Kafka that were not recorded.
    with_lag: usize,
    /// The service had recorded messages since its last start.
    at_work: usize,
}

/// Kills and restarts at random moments.
fn kill_repeatedly(acknowledged: &AtomicI64, home: &Home, service: &mut Service, scale: &Scale) -> Kills {
    let mut random = fastrand::Rng::with_seed(scale.seed);
    let mut kills = Kills::default();
    while kills.all < scale.kills {
        let before = stored(home);
        std::thread::sleep(PAUSE.mul_f64(2.0 * random.f64()));
        assert!(service.ended().is_none(), "the service has ended by itself:\n{}", service.log_end());
        wait_for_lag(acknowledged, home);
        // The high watermarks are together at least this, and nothing is recorded after the kill: so is the lag.
        let sent = acknowledged.load(Ordering::SeqCst);
        service.kill();
        let stored = stored(home);
        kills.all += 1;
        kills.with_lag += usize::from(sent > total(&stored));
        kills.at_work += usize::from(stored != before);
        service.start_again();
    }
    kills
}

/// The service is quick: most of the time nothing waits for it. A kill then shows little, so the next moment at which
/// something does is waited for; when nothing is sent any more there is none.
fn wait_for_lag(acknowledged: &AtomicI64, home: &Home) {
    let until = Instant::now() + Duration::from_millis(500);
    let lag = || acknowledged.load(Ordering::SeqCst) - total(&stored(home));
    while lag() < BURST as i64 / 5 && Instant::now() < until {
        std::thread::yield_now();
    }
}

fn wait_until_caught_up(cluster: &Cluster, home: &Home, service: &mut Service) {
    let ends = ends(cluster);
    wait_for("all messages to be recorded and all tasks to be marked", CAUGHT_UP, || {
        assert!(service.ended().is_none(), "the service has ended by itself:\n{}", service.log_end());
        let (stored, pending) = (stored(home), home.rows("SELECT count(*) FROM marks WHERE status = 'pending'"));
        let state = format!("{stored:?} of {ends:?}, {pending:?} marks pending\n{}", service.log_end());
        if stored == ends && pending == ["0"] { Ok(()) } else { Err(state) }
    });
}

/// `topic|partition|offset` of what is to be read next.
fn stored(home: &Home) -> Vec<String> {
    let sql = r#"SELECT topic, "partition", next FROM offsets ORDER BY 1, 2"#;
    // Before the first start came so far there is no store.
    home.rows_of("eventlatch.db", sql).unwrap_or_default()
}

/// The same of what comes next.
fn ends(cluster: &Cluster) -> Vec<String> {
    let of = |topic| cluster.ends(topic).into_iter().map(move |(number, end)| format!("{topic}|{number}|{end}"));
    TOPICS.into_iter().flat_map(of).collect()
}

fn total(offsets: &[String]) -> i64 {
    offsets.iter().map(|row| row.rsplit('|').next().unwrap().parse::<i64>().unwrap()).sum()
}

/// The same rows, each as often, in any order; the first differences are shown.
#[track_caller]
fn same(what: &str, mut actual: Vec<String>, mut expected: Vec<String>) {
    actual.sort();
    expected.sort();
    if let Some(at) = (0..actual.len().max(expected.len())).find(|at| actual.get(*at) != expected.get(*at)) {
        let near = |rows: &[String]| rows.iter().skip(at).take(5).cloned().collect::<Vec<_>>();
        let (there, wanted) = (near(&actual), near(&expected));
        panic!("{what}: {} rows, not {}: {there:?} instead of {wanted:?}", actual.len(), expected.len());
    }
}
