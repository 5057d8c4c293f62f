//! When Kafka hears of what is settled.
//!
//! Where the store decides it is for dashboards, and no hurry: what fails goes along with the next commit. Where Kafka
//! decides each commit is waited for and looked at, partition by partition, and told of while it fails.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::{KafkaError, KafkaResult},
};

use super::{Guarantee, context::Context, group, native, receipt::Lease};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same where partitions go: whoever gets them waits, too.
const PARTING: Duration = Duration::from_secs(2);

type Settled = Vec<(Arc<Lease>, i64)>;

impl Context {
    /// Asks Kafka to take what was settled, and does not wait.
    pub(super) fn commit_lazily(&self, consumer: &BaseConsumer<Self>) {
        let settled = self.settled();
        if settled.is_empty() {
            return;
        }
        if let Err(error) = consumer.commit(&self.list(&settled), CommitMode::Async) {
            tracing::debug!(%error, "Offsets are committed later");
            settle_again(&settled);
        }
    }

    /// Has Kafka take what was settled. False: it did not, and will be asked again.
    pub(super) fn commit_settled(&self, consumer: &BaseConsumer<Self>) -> bool {
        let settled = self.settled();
        let done = self.commit(consumer, &settled, PATIENCE);
        if !done {
            settle_again(&settled);
        }
        done
    }

    /// Has Kafka take what is read and not handed on. False: it did not, so it must not be handed on.
    pub(super) fn commit_ahead(&self, consumer: &BaseConsumer<Self>) -> bool {
        let read = self.assignment().batch.ends();
        self.commit(consumer, &read, PATIENCE)
    }

    /// The last word about partitions that go. Nothing is lost without: their next reader begins where the last commit
    /// was, or where the store says.
    pub(super) fn commit_last(&self, consumer: &BaseConsumer<Self>) {
        if self.guarantee() == Guarantee::AtMostOnce || self.reach.is_down() || consumer.assignment_lost() {
            return;
        }
        let settled = self.settled();
        if settled.is_empty() {
            return;
        }
        if let Err(error) = native::commit(consumer.client().native_ptr(), &self.list(&settled), PARTING) {
            tracing::debug!(%error, "The last offsets were not committed");
        }
    }

    fn commit(&self, consumer: &BaseConsumer<Self>, settled: &Settled, patience: Duration) -> bool {
        if settled.is_empty() {
            return true;
        }
        let outcome = native::commit(consumer.client().native_ptr(), &self.list(settled), patience);
        self.note_commit(&outcome);
        outcome.is_ok()
    }

    /// What came of a commit without which messages come again, or none are handed on.
    fn note_commit(&self, outcome: &KafkaResult<()>) {
        let mut health = self.desk.health();
        let Err(error) = outcome else {
            if health.uncommitted.take().is_some() {
                tracing::info!("Kafka takes offsets again");
            }
            return;
        };
        health.failed_commits += 1;
        let follows = match self.guarantee() {
            Guarantee::AtMostOnce => "no message is handed on before",
            Guarantee::ExactlyOnce | Guarantee::AtLeastOnce => "after a restart messages would come again",
        };
        if health.uncommitted.is_none() {
            tracing::warn!(%error, follows, "Kafka does not take offsets, trying again");
        }
        health.uncommitted = Some(format!("offsets cannot be committed to Kafka ({}): {follows}", reason(error)));
    }

    /// What became of a commit that nobody waited for.
    pub(super) fn lazily_committed(&self, result: KafkaResult<()>, list: &TopicPartitionList) {
        match &result {
            Ok(()) => self.reach.answered(),
            Err(error) => tracing::debug!(%error, "Offsets were not committed, trying again with the next commit"),
        }
        if self.guarantee() != Guarantee::ExactlyOnce {
            return;
        }
        let assignment = self.assignment();
        for element in list.elements() {
            let failed = result.is_err() || element.error().is_err();
            if let (true, Offset::Offset(next), Some(chain)) =
                (failed, element.offset(), assignment.chain(element.topic(), element.partition()))
            {
                chain.lease.settle(next);
            }
        }
    }

    fn settled(&self) -> Settled {
        let assignment = self.assignment();
        let leases = assignment.chains.iter().map(|chain| &chain.lease);
        leases.filter_map(|lease| Some((Arc::clone(lease), lease.take_settled()?))).collect()
    }

    /// Where the store decides, its name goes along.
    fn list(&self, settled: &Settled) -> TopicPartitionList {
        let claim = (self.guarantee() == Guarantee::ExactlyOnce).then(|| group::claim(self.store()));
        let mut list = TopicPartitionList::with_capacity(settled.len());
        for (lease, next) in settled {
            let mut element = list.add_partition(&lease.partition.topic, lease.partition.number);
            if let Err(error) = element.set_offset(Offset::Offset(*next)) {
                tracing::debug!(%error, partition = %lease.partition, "An offset cannot be committed");
            }
            if let Some(claim) = &claim {
                element.set_metadata(claim);
            }
        }
        list
    }
}

fn settle_again(settled: &Settled) {
    settled.iter().for_each(|(lease, next)| lease.settle(*next));
}

fn reason(error: &KafkaError) -> String {
    error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string())
}
