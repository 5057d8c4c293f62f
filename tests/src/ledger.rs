//! A store in memory that keeps offsets by the rules of the real one, and what was recorded with them.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex},
};

use eventlatch::{
    domain::message::{Before, Message, Slice},
    source::{Bookmark, Bookmarks},
};

type Key = (String, String, i32);

/// Shared by its clones.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Ledgers of one name pass for one store.
    name: &'static str,
    partitions: Arc<Mutex<BTreeMap<Key, Page>>>,
}

#[derive(Debug, Default)]
struct Page {
    epoch: i64,
    next: Option<i64>,
    messages: Vec<Message>,
}

impl Ledger {
    pub fn named(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    /// Records a slice if it goes on where the one before ended; else says where to go on.
    pub fn record(&self, slice: &Slice) -> Result<(), Option<i64>> {
        let partition = &slice.partition;
        let mut partitions = self.partitions.lock().expect("no test panicked while it recorded");
        let page = partitions
            .entry((partition.cluster.to_string(), partition.topic.to_string(), partition.number))
            .or_default();
        match slice.span.from {
            Before::Anything => {}
            from if from == page.next.into() => {}
            _ => return Err(page.next),
        }
        page.epoch = partition.epoch;
        page.next = Some(slice.span.to);
        page.messages.extend(slice.messages.iter().cloned());
        Ok(())
    }

    /// Sets a row, as somebody else would.
    pub fn set(&self, cluster: &str, topic: &str, partition: i32, next: Option<i64>) {
        let mut partitions = self.partitions.lock().expect("no test panicked while it recorded");
        partitions.entry((cluster.to_owned(), topic.to_owned(), partition)).or_default().next = next;
    }

    pub fn next(&self, topic: &str, partition: i32) -> Option<i64> {
        let partitions = self.partitions.lock().expect("no test panicked while it recorded");
        partitions
            .iter()
            .find(|((_, of, number), _)| of == topic && *number == partition)
            .and_then(|(_, page)| page.next)
    }

    /// The values of a topic in the order in which they were recorded, partition by partition.
    pub fn values(&self, topic: &str) -> Vec<String> {
        let partitions = self.partitions.lock().expect("no test panicked while it recorded");
        let pages = partitions.iter().filter(|((_, of, _), _)| of == topic);
        let messages = pages.flat_map(|(_, page)| &page.messages);
        messages.map(|message| String::from_utf8_lossy(message.value.as_deref().unwrap_or_default()).into()).collect()
    }
}

impl Bookmarks for Ledger {
    fn store(&self) -> &str {
        self.name
    }

    fn stored(&self, cluster: &str, topic: &str) -> Result<Vec<Bookmark>, Box<dyn Error + Send + Sync>> {
        let partitions = self.partitions.lock().map_err(|_| "a test panicked while it recorded")?;
        let of_topic = partitions.iter().filter(|((of, name, _), _)| of == cluster && name == topic);
        Ok(of_topic
            .map(|((_, _, partition), page)| {
                let (partition, epoch, next) = (*partition, page.epoch, page.next);
                Bookmark { partition, epoch, next, frozen: false }
            })
            .collect())
    }
}
