//! A source without Kafka: JSON lines from a file or the standard input.
//!
//! Every topic has one partition, and the offset of a message is the number of its line, counted from 1. The cluster
//! is the file, so that a restart goes on after the last stored line; the standard input is another cluster each time.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use jiff::Timestamp;

use super::{
    Bookmarks, Deliveries, LineError, Outgoing, Source, SourceError,
    assignment::Assignment,
    deliveries::{Ending, Outlet, channel},
    desk::{Desk, Order, State},
    incoming::arrival,
    starting::{self, Known, Point},
};
use crate::domain::message::{Message, Partition};

pub(super) const MAX_MESSAGES: usize = 2000;
pub(super) const MAX_BYTES: usize = 4 << 20;

/// Where the lines are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lines {
    File(PathBuf),
    Stdin,
}

impl Lines {
    pub(super) fn cluster(&self) -> Result<String, SourceError> {
        Ok(match self {
            Self::File(path) => format!("file:{}", path.canonicalize().map_err(failed(path))?.display()),
            Self::Stdin => format!("stdin:{}-{}", std::process::id(), Timestamp::now().as_nanosecond()),
        })
    }

    /// Whether this is the name of such a cluster, and not of one of Kafka.
    pub fn is_cluster(name: &str) -> bool {
        name.starts_with("file:") || name.starts_with("stdin:")
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stdin => "standard input".to_owned(),
        }
    }

    pub(super) fn open(&self) -> Result<Box<dyn Read + Send + Sync>, SourceError> {
        Ok(match self {
            Self::File(path) => Box::new(File::open(path).map_err(failed(path))?),
            Self::Stdin => Box::new(io::stdin()),
        })
    }
}

pub(super) fn failed(path: &Path) -> impl Fn(io::Error) -> SourceError {
    move |source| SourceError::File { path: path.to_owned(), source }
}

/// The message of a line, with its topic; none of an empty one. One without a time arrives now.
pub(super) fn message(file: &str, line: &[u8], number: i64) -> Result<Option<(String, Message)>, SourceError> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let text = str::from_utf8(line).map_err(|_| LineError::Encoding);
    let message = text.and_then(Outgoing::parse);
    let message = message.map_err(|source| SourceError::Line { file: file.to_owned(), line: number, source })?;
    let Outgoing { topic, key, value, headers, timestamp } = message;
    let arrival = arrival(timestamp.map(Timestamp::as_millisecond), Timestamp::now());
    Ok(Some((topic, Message { offset: number, arrival, key, value, headers })))
}

/// Opens a file of JSON lines (see [`Outgoing::parse`]) as a source. The deliveries end with the file; a line that is
/// no message ends them with an error that names it. Lines of other topics are passed over.
pub fn open_lines(
    lines: &Lines,
    topics: Vec<String>,
    bookmarks: Arc<dyn Bookmarks>,
) -> Result<(Source, Deliveries), SourceError> {
    let desk = Desk::new(false);
    let (outlet, deliveries, ending) = channel(desk.clone(), Arc::default());
    let cluster: Arc<str> = lines.cluster()?.into();
    desk.health().cluster = Some(cluster.clone());
    desk.health().state = State::Reading;
    let reader = LineReader {
        name: lines.name(),
        input: BufReader::with_capacity(1 << 16, lines.open()?),
        cluster,
        topics: topics.into_iter().collect(),
        passed_over: BTreeSet::new(),
        bookmarks,
        begun: BTreeMap::new(),
        assignment: Assignment::default(),
        desk: desk.clone(),
        outlet,
    };
    let thread = thread::Builder::new().name("lines-source".to_owned());
    thread.spawn(move || reader.run(ending)).map_err(SourceError::Thread)?;
    Ok((Source::new(desk, Arc::default()), deliveries))
}

struct LineReader {
    name: String,
    input: BufReader<Box<dyn Read + Send + Sync>>,
    cluster: Arc<str>,
    topics: BTreeSet<String>,
    passed_over: BTreeSet<String>,
    bookmarks: Arc<dyn Bookmarks>,
    /// The line from which on each topic is read.
    begun: BTreeMap<String, i64>,
    assignment: Assignment,
    desk: Arc<Desk>,
    outlet: Outlet,
}

impl LineReader {
    fn run(mut self, ending: Ending) {
        // Nobody needs to wait for its end: there is nothing to give back, and it may be waiting for input.
        drop(ending);
        self.desk.served_here();
        if let Err(error) = self.read() {
            // What came before it is good.
            self.hand_on();
            self.desk.health().problem = Some(error.to_string());
            self.outlet.send(Err(error));
        }
        self.desk.health().state = State::Ended;
    }

    fn read(&mut self) -> Result<(), SourceError> {
        let mut line = Vec::new();
        let mut number = 0;
        while !self.desk.stopping() {
            line.clear();
            let read = self.input.read_until(b'\n', &mut line);
            if read.map_err(failed(Path::new(&self.name)))? == 0 {
                break;
            }
            number += 1;
            self.follow_orders()?;
            self.take_in(&line, number)?;
            let due = self.input.buffer().is_empty() || self.assignment.batch.is_full(MAX_MESSAGES, MAX_BYTES);
            if due && !self.hand_on() {
                return Ok(());
            }
        }
        self.hand_on();
        Ok(())
    }

    fn take_in(&mut self, line: &[u8], number: i64) -> Result<(), SourceError> {
        let Some((topic, message)) = message(&self.name, line, number)? else { return Ok(()) };
        if !self.topics.contains(&topic) {
            if self.passed_over.insert(topic.clone()) {
                tracing::warn!(topic, line = number, "Nobody reads this topic, passing over its lines");
            }
            return Ok(());
        }
        if number >= self.first_line(&topic)? {
            self.assignment.add(&topic, 0, || message);
        }
        Ok(())
    }

    /// Lines of a frozen topic are passed over until the next start: they cannot be read again before.
    fn is_frozen(&self, topic: &str) -> Result<bool, SourceError> {
        let stored = self.bookmarks.stored(&self.cluster, topic);
        let stored = stored.map_err(|source| SourceError::Bookmarks { topic: topic.to_owned(), source })?;
        Ok(starting::is_frozen(&stored, 0))
    }

    /// The line at which a topic starts; the first time, by what is stored.
    fn first_line(&mut self, topic: &str) -> Result<i64, SourceError> {
        if let Some(first) = self.begun.get(topic) {
            return Ok(*first);
        }
        let stored = self.bookmarks.stored(&self.cluster, topic);
        let stored = stored.map_err(|source| SourceError::Bookmarks { topic: topic.to_owned(), source })?;
        let (epoch, known) = starting::known(&stored, 0);
        let next = if let Known::Next(next) = known { Some(next) } else { None };
        let partition = Partition { cluster: self.cluster.clone(), topic: topic.into(), number: 0, epoch };
        self.assignment.freeze(topic, 0, starting::is_frozen(&stored, 0));
        self.assignment.begin(partition, next, next.map_or(Point::Beginning, Point::At));
        self.begun.insert(topic.to_owned(), next.unwrap_or(0));
        self.desk.health().partitions = self.begun.len();
        Ok(next.unwrap_or(0))
    }

    fn follow_orders(&mut self) -> Result<(), SourceError> {
        for order in self.desk.take_orders() {
            match order {
                Order::Subscribe(topics) => self.topics = topics.into_iter().collect(),
                Order::PutBack { partition, .. } if self.is_frozen(&partition.topic)? => {
                    self.assignment.freeze(&partition.topic, 0, true);
                }
                Order::PutBack { partition, next } => {
                    let reason =
                        format!("{partition} was put back to line {next:?}: is somebody else reading it, too?");
                    return Err(SourceError::Fatal { reason });
                }
                // It said that it cannot; what is stored counts from the next start on.
                Order::Hold(_) | Order::Release(_) | Order::Reset { .. } => {}
            }
        }
        Ok(())
    }

    /// False when nobody listens any more.
    fn hand_on(&mut self) -> bool {
        let deliveries = self.assignment.take(&self.desk);
        deliveries.is_empty() || self.outlet.send(Ok(deliveries))
    }
}

#[cfg(test)]
mod tests {
    use std::{error::Error, io::Write};

    use super::*;
    use crate::{
        domain::message::Before,
        source::{Bookmark, Life, Unavailable},
    };

    struct At(Option<i64>);

    impl Bookmarks for At {
        fn store(&self) -> &str {
            "store"
        }

        fn stored(&self, cluster: &str, topic: &str) -> Result<Vec<Bookmark>, Box<dyn Error + Send + Sync>> {
            assert!(cluster.starts_with("file:/") && topic != "other", "{cluster} {topic}");
            Ok(self
                .0
                .map(|next| Bookmark { partition: 0, epoch: 0, next: Some(next), frozen: false })
                .into_iter()
                .collect())
        }

        fn life(&self, _: &str, _: &str) -> Result<Life, Unavailable> {
            Ok(Life::default())
        }

        fn note_id(&self, _: &str, _: &str, _: &str) -> Result<(), Unavailable> {
            Ok(())
        }

        fn begin_epoch(&self, _: &str, _: &str, _: Option<&str>, _: &[(i32, i64)]) -> Result<(), Unavailable> {
            Ok(())
        }
    }

    /// Reads a file and shows what came: `topic span offsets`, or the error.
    fn read(text: &str, next: Option<i64>) -> Vec<String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let lines = Lines::File(file.path().to_owned());
        let topics = vec!["a".to_owned(), "b".to_owned()];
        let (_source, mut deliveries) = open_lines(&lines, topics, Arc::new(At(next))).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut seen = Vec::new();
        while let Some(batch) = runtime.block_on(deliveries.next()) {
            match batch {
                Ok(batch) => seen.extend(batch.into_iter().map(|delivery| show(delivery.slice))),
                Err(error) => seen.push(error.to_string().replace(&file.path().display().to_string(), "FILE")),
            }
        }
        seen
    }

    fn show(slice: crate::domain::message::Slice) -> String {
        let offsets: Vec<_> = slice.messages.iter().map(|message| message.offset).collect();
        let from = if let Before::At(from) = slice.span.from { Some(from) } else { None };
        format!("{} {from:?}..{} {offsets:?}", slice.partition.topic, slice.span.to)
    }

    const TEXT: &str = "{\"topic\":\"a\",\"value\":1}\n\n{\"topic\":\"b\",\"value\":2}\n{\"topic\":\"other\",\"value\":2}\n{\"topic\":\"a\",\"raw\":\"\"}";

    #[test]
    fn offsets_are_line_numbers_topic_by_topic() {
        assert_eq!(read(TEXT, None), ["a None..6 [1, 5]", "b None..4 [3]"]);
    }

    #[test]
    fn a_restart_goes_on_after_the_stored_line() {
        assert_eq!(read(TEXT, Some(4)), ["a Some(4)..6 [5]"]);
        assert_eq!(read(TEXT, Some(6)), Vec::<String>::new());
    }

    #[test]
    fn a_line_that_is_no_message_ends_it_and_is_named() {
        let seen = read("{\"topic\":\"a\",\"value\":1}\n{\"topic\":\"a\"}\n{\"topic\":\"a\",\"value\":1}\n", None);
        assert_eq!(seen, ["a None..2 [1]", "FILE, line 2"]);
    }

    #[tokio::test]
    async fn it_can_be_stopped_while_it_waits_for_input() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        // Open for reading and writing, so that neither side waits for the other.
        let held = File::options().read(true).write(true).open(&path).unwrap();
        let (source, mut deliveries) = open_lines(&Lines::File(path), Vec::new(), Arc::new(At(None))).unwrap();
        let stop = tokio::spawn(async move { source.stop() });
        assert!(deliveries.next().await.is_none());
        deliveries.close().await;
        stop.await.unwrap();
        drop(held);
    }
}
