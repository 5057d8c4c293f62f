//! The second step of a lane: what batches came to is recorded, then their receipts are given back.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{
    super::{Shared, intake::IntakeError},
    InFlight,
};
use crate::{
    domain::{
        dead_letter::DeadLetter,
        message::{Partition, Slice},
        recording::{Halt, HaltKind, Recorded, Recording},
    },
    source::Receipt,
    telemetry::{metrics, spans::BatchSpans},
};

/// Messages of which nothing is kept are told of so often at most.
const TELL_AGAIN: Duration = Duration::from_secs(10);

/// A batch that is ready to be recorded.
pub(super) struct Judged {
    pub(super) recordings: Vec<Recording>,
    pub(super) receipts: Vec<Receipt>,
    pub(super) in_flight: InFlight,
    /// How many messages are recorded of each slice.
    pub(super) messages: Vec<usize>,
    pub(super) handed_over: Instant,
    pub(super) spans: BatchSpans,
    /// What is offered to candidates when it is recorded.
    pub(super) shadowed: Option<Arc<Vec<Slice>>>,
}

/// So many messages of a slice a recording is about.
pub(super) fn count(slice: &Slice, recording: &Recording) -> usize {
    slice.messages.iter().take_while(|message| message.offset < recording.span.to).count()
}

/// Records batch after batch. One error is by design: a message at which the service is to stop.
pub(super) async fn record_all(shared: Shared, mut judged: mpsc::Receiver<Judged>) -> Result<(), IntakeError> {
    let mut skipped = Skipped::default();
    while let Some(batch) = judged.recv().await {
        let Judged { recordings, receipts, in_flight, messages, handed_over, spans, shadowed } = batch;
        let outcomes = shared.patience.patiently(|| shared.store.record(recordings.clone())).await?;
        drop(in_flight);
        metrics::batch(&recordings, &messages, &outcomes, handed_over.elapsed());
        spans.end(&outcomes);
        if let Some(slices) = shadowed {
            shared.shadows.offer(slices, &recordings, &outcomes);
        }
        let mut stop = None;
        for ((receipt, recording), outcome) in receipts.into_iter().zip(recordings).zip(outcomes) {
            match outcome {
                Recorded::Stored => {
                    skipped.note(&recording);
                    stop = settle(receipt, recording).or(stop);
                }
                Recorded::Superseded { next } => receipt.put_back(next),
            }
        }
        stop.map_or(Ok(()), Err)?;
    }
    Ok(())
}

/// Gives a receipt back. Some: the service is to stop.
fn settle(receipt: Receipt, recording: Recording) -> Option<IntakeError> {
    let Recording { partition, span, halt, .. } = recording;
    let Some(Halt { how, letter }) = halt else {
        receipt.settle();
        return None;
    };
    match how {
        HaltKind::Freeze => {
            tell_frozen(&partition, &letter);
            // The store says that it is frozen: nothing is read of it.
            receipt.put_back(Some(span.to));
            None
        }
        HaltKind::Stop => Some(IntakeError::StoppedAt { position: partition.at(span.to), letter: Box::new(letter) }),
    }
}

fn tell_frozen(partition: &Partition, letter: &DeadLetter) {
    tracing::error!(
        topic = &*partition.topic,
        partition = partition.number,
        offset = letter.offset,
        matcher = &*letter.by.matcher,
        kind = letter.cause.kind().word(),
        reason = letter.reason,
        "A partition is frozen: nothing of it is read until somebody releases it (hint: `eventlatch partition list`)"
    );
}

/// Messages of which nothing is kept, to be told of without flooding the log.
#[derive(Default)]
struct Skipped {
    told: Option<Instant>,
    since: usize,
}

impl Skipped {
    fn note(&mut self, recording: &Recording) {
        let Some(last) = recording.skipped.last() else { return };
        self.since += recording.skipped.len();
        if self.told.is_some_and(|told| told.elapsed() < TELL_AGAIN) {
            return;
        }
        tracing::warn!(
            topic = &*recording.partition.topic,
            messages = self.since,
            partition = recording.partition.number,
            offset = last.offset,
            matcher = &*last.by.matcher,
            kind = last.cause.kind().word(),
            reason = last.reason,
            "Messages are skipped; this is the last of them"
        );
        (self.told, self.since) = (Some(Instant::now()), 0);
    }
}
