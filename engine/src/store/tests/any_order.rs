//! The outcome is one of the facts: messages that are read as they come, with deadlines in between, and the same messages
//! read in any order after an outage of days, end alike.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

const START: &str = "2024-03-29T00:00:00Z";
const HOURS: i64 = 96;
const TASKS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone)]
struct Case {
    sensor: Sensor,
    /// Minutes after the start, and the place of the task.
    messages: Vec<(i64, usize)>,
    /// The same in another order.
    shuffled: Vec<(i64, usize)>,
}

fn instant(minutes: i64) -> String {
    (at(START) + SignedDuration::from_mins(minutes)).to_string()
}

fn timeouts() -> impl Strategy<Value = Timeout> {
    prop_oneof![
        Just(Timeout::WindowEnd),
        (1_u64..100_000).prop_map(Timeout::Seconds),
        Just(Timeout::Cron("30 2 * * *".parse().unwrap())),
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    use Frequency::{Day, Hour, Month, Week};
    let frequencies = prop::collection::vec(prop::sample::select(vec![Hour, Day, Week, Month]), 3);
    let messages = prop::collection::vec((0..HOURS * 60, 0..3_usize), 1..12);
    let terms = (timeouts(), any::<bool>(), any::<bool>(), 1..3_u32, any::<bool>());
    (frequencies, messages, terms).prop_flat_map(
        |(frequencies, mut messages, (timeout, skip, heal, count, optional))| {
            messages.sort_unstable();
            let wanted: Vec<_> = TASKS.into_iter().zip(frequencies).collect();
            let mut sensor = Sensor {
                timezone: "Europe/Berlin".to_owned(),
                timeout,
                on_timeout: if skip { OnTimeout::Skip } else { OnTimeout::Fail },
                late: if heal { Late::Heal } else { Late::Ignore },
                ..sensor("s", &wanted)
            };
            sensor.wanted[1].count = count;
            sensor.wanted[2].optional = optional;
            (Just(sensor), Just(messages.clone()), Just(messages).prop_shuffle())
                .prop_map(|(sensor, messages, shuffled)| Case { sensor, messages, shuffled })
        },
    )
}

/// How it all ends. What is optional and comes around the completion of a wait depends on who is read first.
async fn outcome(case: &Case, live: bool) -> (Vec<String>, Vec<String>) {
    let mut fixture = Fixture::new(MarkMode::Local);
    fixture.define(vec![case.sensor.clone()]).await;
    fixture.dawn(START).await;
    let horizon = instant((HOURS + 24) * 60);
    if !live {
        // A start opens what went by before it reads.
        fixture.dawn(&horizon).await;
    }
    let messages = if live { &case.messages } else { &case.shuffled };
    let mut hour = 0;
    for (minutes, task) in messages {
        while live && hour * 60 <= *minutes {
            fixture.end(&instant(hour * 60)).await;
            fixture.dawn(&instant(hour * 60)).await;
            hour += 1;
        }
        if live {
            fixture.end(&instant(*minutes)).await;
        }
        fixture.send(&instant(*minutes), &[&format!("s.{}", TASKS[*task])]).await;
    }
    fixture.dawn(&horizon).await;
    fixture.end(&horizon).await;
    let optional = case.sensor.wanted[2].optional;
    let tasks = fixture.tasks().into_iter().filter(|task| !optional || !task.contains("/c=")).collect();
    (fixture.waits(), tasks)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_reading_does_not_matter(case in cases()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (live, later) = runtime.block_on(async { (outcome(&case, true).await, outcome(&case, false).await) });
        let differ = |(a, b): (&String, &String)| (a != b).then(|| format!("{a}, later {b}"));
        let all = |(waits, tasks): (Vec<String>, Vec<String>)| [waits, tasks].concat();
        let (live, later) = (all(live), all(later));
        prop_assert_eq!(live.len(), later.len());
        prop_assert_eq!(live.iter().zip(&later).filter_map(differ).collect::<Vec<_>>(), Vec::<String>::new());
    }
}
