//! Lanes beside each other, in this process: none waits for another one's trouble, and none takes away what another needs.

use std::{error::Error, fmt::Write as _, fs, path::PathBuf, sync::Arc};

use eventlatch::{
    domain::{
        calendar::Calendar,
        message::{Before, Message, Partition, Slice, Span},
    },
    matcher::{Cache, Limits, Pool, Registry, Runtime},
    pipeline::{
        Shared,
        intake::{self, IntakeError},
        judging::{Manner, judge},
    },
    sensor::Index,
    source::{Bookmark, Bookmarks, Lines, Source, open_lines},
    store::{Config, MarkMode, Store},
};
use eventlatch_tests::{home::DEADLINE, waiting::wait_until};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::task::JoinHandle;

/// More than a lane takes in before it is asked whether there is room.
const LINES: usize = 12_000;

/// A pipeline without any matcher.
struct Bench {
    shared: Shared,
    directory: tempfile::TempDir,
}

impl Bench {
    fn new(index: &Index) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let runtime = Runtime::new(Limits::default(), Cache::default()).unwrap();
        let pool = Pool::start(&runtime, 2).unwrap();
        let store = Store::open(
            &Config { path: directory.path().join("eventlatch.db"), ..Default::default() },
            MarkMode::Local,
        )
        .unwrap();
        let shared = Shared::new(store, Arc::new(pool), Registry::default());
        shared.change_index(|_| index.clone());
        Self { shared, directory }
    }

    /// Reads many messages of a topic from a file.
    fn read(&self, topic: &str) -> (Source, JoinHandle<Result<(), IntakeError>>) {
        let (source, deliveries) =
            open_lines(&Lines::File(self.file(topic)), vec![topic.into()], Arc::new(New)).unwrap();
        let (shared, reading) = (self.shared.clone(), source.clone());
        (source, tokio::spawn(async move { intake::run(&shared, &reading, deliveries).await }))
    }

    async fn judge(&self, topic: &str, days: i64) {
        judge(&self.shared, &slices(topic, days), Manner::Usual).await.unwrap().unwrap();
    }

    /// How many days the index has.
    fn days(&self) -> usize {
        self.shared.live.load().index.days().count()
    }

    async fn until_a_topic_waits(&self) {
        let waits = async || match self.shared.held.all().as_slice() {
            [] => Err("none does".to_owned()),
            _ => Ok(()),
        };
        wait_until("a topic to wait for its matcher", DEADLINE, waits).await;
    }

    fn file(&self, topic: &str) -> PathBuf {
        let path = self.directory.path().join("messages.jsonl");
        let mut text = String::new();
        (0..LINES).for_each(|number| writeln!(text, r#"{{"topic": "{topic}", "value": {number}}}"#).unwrap());
        fs::write(&path, text).unwrap();
        path
    }
}

/// Nothing was read before.
struct New;

impl Bookmarks for New {
    fn store(&self) -> &str {
        "new"
    }

    fn stored(&self, _: &str, _: &str) -> Result<Vec<Bookmark>, Box<dyn Error + Send + Sync>> {
        Ok(Vec::new())
    }

    fn life(&self, _: &str, _: &str) -> Result<eventlatch::source::Life, eventlatch::source::Unavailable> {
        Ok(eventlatch::source::Life::default())
    }

    fn note_id(&self, _: &str, _: &str, _: &str) -> Result<(), eventlatch::source::Unavailable> {
        Ok(())
    }

    fn begin_epoch(
        &self,
        _: &str,
        _: &str,
        _: Option<&str>,
        _: &[(i32, i64)],
    ) -> Result<(), eventlatch::source::Unavailable> {
        Ok(())
    }
}

/// Whatever day it is.
const TODAY: &str = "2019-07-07T12:00:00Z";

/// A message of a topic on each of some days, the last of them that day.
fn slices(topic: &str, days: i64) -> Arc<Vec<Slice>> {
    let message = |day: i64| Message {
        offset: days - day,
        arrival: TODAY.parse::<Timestamp>().unwrap() - SignedDuration::from_hours(24 * day),
        key: None,
        value: None,
        headers: Vec::new(),
    };
    let partition = Partition { cluster: "bench".into(), topic: topic.into(), number: 0, epoch: 0 };
    let messages = (0..days).rev().map(message).collect();
    Arc::new(vec![Slice { partition, span: Span { from: Before::Nothing, to: days + 1 }, messages }])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_waits_keeps_no_stop_waiting_even_where_it_cannot_be_held() {
    let bench = Bench::new(&Index::new(Vec::new(), [("lost".into(), "gone".into())]));
    let (source, reading) = bench.read("lost");
    bench.until_a_topic_waits().await;
    source.stop();
    let ended = tokio::time::timeout(DEADLINE, reading).await.expect("it comes to an end");
    ended.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_ends_with_an_error_ends_intake_also_where_that_waits_for_room_in_it() {
    let bench = Bench::new(&Index::new(Vec::new(), [("lost".into(), "gone".into())]));
    let (_source, reading) = bench.read("lost");
    bench.until_a_topic_waits().await;
    bench.shared.store.close().await.unwrap();
    // Nobody judges the topic any more, so it goes on, and meets the store.
    bench.shared.change_index(|_| Index::default());
    bench.shared.matchers_changed.send_replace(());
    let ended = tokio::time::timeout(DEADLINE, reading).await.expect("it comes to an end");
    assert!(matches!(ended.unwrap(), Err(IntakeError::Store(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_today_leaves_the_days_of_a_backlog_to_who_reads_that() {
    let bench = Bench::new(&Index::new(vec![Calendar::new(TimeZone::UTC, 0)], []));
    bench.judge("today", 1).await;
    // While it is held no day is rendered.
    let mut held = bench.shared.changing.lock().await;
    let backlog = tokio::spawn({
        let shared = bench.shared.clone();
        async move { judge(&shared, &slices("backlog", 12), Manner::Usual).await }
    });
    while !backlog.is_finished() {
        let before = bench.days();
        bench.judge("today", 1).await;
        assert_eq!(bench.days(), before);
        drop(held);
        tokio::task::yield_now().await;
        held = bench.shared.changing.lock().await;
    }
    assert_eq!(backlog.await.unwrap().unwrap().unwrap().len(), 1);
    assert_eq!(bench.days(), 12);
}
