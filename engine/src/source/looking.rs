//! A glance at the group and the topics from time to time, on a thread of its own: whoever reads does not wait for answers.

use std::{
    collections::BTreeSet,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rdkafka::consumer::{BaseConsumer, Consumer};

use super::{SourceError, context::Context, group::Held};

const EVERY: Duration = Duration::from_secs(5);

/// Glances one after the other.
pub(super) struct Looking {
    last: Instant,
    under_way: Option<JoinHandle<bool>>,
}

impl Looking {
    pub(super) fn new() -> Self {
        Self { last: Instant::now(), under_way: None }
    }

    /// Begins to look at the group and at these topics when it is time.
    pub(super) fn begin(&mut self, consumer: &Arc<BaseConsumer<Context>>, topics: &[String]) {
        if self.under_way.is_some() || self.last.elapsed() < EVERY {
            return;
        }
        self.last = Instant::now();
        let (consumer, topics) = (Arc::clone(consumer), topics.iter().cloned().collect());
        let read = consumer.context().assignment().topics();
        let thread = thread::Builder::new().name("kafka-looking".to_owned());
        match thread.spawn(move || something_is_wrong(&consumer, &topics, &read)) {
            Ok(thread) => self.under_way = Some(thread),
            Err(error) => tracing::debug!(%error, "Nobody looks at the group"),
        }
    }

    /// Whether something was seen that is to be looked at closely. Told once.
    pub(super) fn found_something(&mut self) -> bool {
        let done = self.under_way.take_if(|thread| thread.is_finished());
        done.is_some_and(|thread| thread.join().unwrap_or(true))
    }

    /// Waits until nobody looks any more.
    pub(super) fn end(&mut self) {
        if let Some(thread) = self.under_way.take() {
            let _of_no_interest_any_more = thread.join();
        }
    }
}

/// Whether another store reads in the group, or a topic is not the one that is read.
fn something_is_wrong(consumer: &BaseConsumer<Context>, topics: &BTreeSet<String>, read: &BTreeSet<Arc<str>>) -> bool {
    let context = consumer.context();
    look_at_group(consumer, topics).is_err() || !context.changed(&context.ids(consumer, read)).is_empty()
}

/// Does not read on where another store does: two may have begun at once.
pub(super) fn look_at_group(consumer: &BaseConsumer<Context>, topics: &BTreeSet<String>) -> Result<(), SourceError> {
    match Held::ask(consumer, topics) {
        Ok(held) => consumer.context().refuse_other_store(&held),
        Err(error) => {
            tracing::debug!(%error, "Whose group it is could not be asked");
            Ok(())
        }
    }
}
