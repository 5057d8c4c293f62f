//! A store in memory that keeps offsets by the rules of the real one, and what was recorded with them.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex},
};

use eventlatch::{
    domain::message::{Before, Message, Slice},
    source::{Bookmark, Bookmarks, Life, Unavailable},
};

type Key = (String, String, i32);

/// Shared by its clones.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Ledgers of one name pass for one store.
    name: &'static str,
    partitions: Arc<Mutex<BTreeMap<Key, Page>>>,
    ids: Arc<Mutex<BTreeMap<(String, String), String>>>,
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
            _ if page.epoch > partition.epoch => return Err(page.next),
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

    /// The epoch of a partition.
    pub fn epoch(&self, topic: &str, partition: i32) -> Option<i64> {
        let partitions = self.partitions.lock().expect("no test panicked while it recorded");
        let mut pages = partitions.iter().filter(|((_, of, number), _)| of == topic && *number == partition);
        pages.next().map(|(_, page)| page.epoch)
    }

    /// Has it that all was read from another cluster.
    pub fn move_to(&self, cluster: &str) {
        let mut partitions = self.partitions.lock().expect("no test panicked while it recorded");
        let pages = std::mem::take(&mut *partitions);
        partitions
            .extend(pages.into_iter().map(|((_, topic, number), page)| ((cluster.to_owned(), topic, number), page)));
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

    fn life(&self, cluster: &str, topic: &str) -> Result<Life, Unavailable> {
        let ids = self.ids.lock().map_err(|_| "a test panicked while it noted an id")?;
        let id = ids.get(&(cluster.to_owned(), topic.to_owned())).cloned();
        let partitions = self.partitions.lock().map_err(|_| "a test panicked while it recorded")?;
        let clusters: Vec<_> = partitions.keys().filter(|(_, of, _)| of == topic).map(|(of, ..)| of).collect();
        let here = clusters.iter().any(|of| *of == cluster);
        Ok(Life { id, elsewhere: clusters.first().filter(|_| !here).map(|of| (*of).clone()) })
    }

    fn note_id(&self, cluster: &str, topic: &str, id: &str) -> Result<(), Unavailable> {
        let mut ids = self.ids.lock().map_err(|_| "a test panicked while it noted an id")?;
        ids.insert((cluster.to_owned(), topic.to_owned()), id.to_owned());
        Ok(())
    }

    fn begin_epoch(
        &self,
        cluster: &str,
        topic: &str,
        id: Option<&str>,
        starts: &[(i32, i64)],
    ) -> Result<(), Unavailable> {
        let mut partitions = self.partitions.lock().map_err(|_| "a test panicked while it recorded")?;
        for (number, next) in starts {
            let page = partitions.entry((cluster.to_owned(), topic.to_owned(), *number)).or_default();
            page.epoch += i64::from(page.next.is_some());
            page.next = Some(*next);
        }
        drop(partitions);
        id.map_or(Ok(()), |id| self.note_id(cluster, topic, id))
    }
}
