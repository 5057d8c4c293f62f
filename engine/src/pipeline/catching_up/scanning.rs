//! One scan after the other: planned, read piece by piece, finished.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    super::{Shared, judging::judge_aside, live::Live},
    CatchUpError,
    plan::{self, Plan, Span},
    reading::Reading,
    texts,
};
use crate::{
    domain::{
        catch_up::{CatchUp, CatchUpState, CaughtUp, ScanId},
        message::{Before, Slice, Span as Offsets},
        recording::{Match, NearMiss, Recording},
    },
    source::{Log, Piece, SourceError},
    store::{StoreError, StoredOffset},
    telemetry::metrics,
};

/// How long nothing may come of a partition that holds more.
const SILENCE: Duration = Duration::from_secs(30);

/// Nothing has come for so long: it is looked whether the partition is there still.
const LOOK_AFTER: Duration = Duration::from_secs(3);

/// Changes may follow each other without an end: a scan waits for so many at most.
const ROUNDS: u32 = 5;

/// Opens a log to be read back.
pub type Logs = Arc<dyn Fn() -> Result<Box<dyn Log>, SourceError> + Send + Sync>;

/// Catches up with what is in the log already.
#[derive(Clone)]
pub struct Scanner {
    pub shared: Shared,
    /// None: messages cannot be read back.
    pub logs: Option<Logs>,
    /// Messages that came longer ago are not looked for.
    pub days: u32,
}

/// One scan under way.
struct Scan<'a> {
    shared: &'a Shared,
    id: ScanId,
    topic: &'a Arc<str>,
    spans: Vec<Span>,
    log: Reading,
}

impl Scanner {
    /// Catches up with all that is due, and returns when that is done: where there is no loop, and time stands still.
    pub async fn catch_up(&self, now: Timestamp) -> Result<(), CatchUpError> {
        loop {
            let due = self.shared.store.to_catch_up(now).await?;
            if due.is_empty() {
                return Ok(());
            }
            for topic in due.keys() {
                self.scan(topic, now).await?;
            }
        }
    }

    /// Does the scan of a topic that has begun, or one for all that is due.
    pub(super) async fn scan(&self, topic: &Arc<str>, now: Timestamp) -> Result<(), CatchUpError> {
        let Some(logs) = &self.logs else {
            return Ok(self.give_up(now).await?);
        };
        let store = &self.shared.store;
        let id = self.gather(topic, now).await?;
        let spans = self.spans(id, topic, now).await?;
        if !spans.is_empty() {
            let mut scan = Scan { shared: &self.shared, id, topic, spans, log: Reading::new(logs()?) };
            if let Err(error) = scan.read().await {
                store.note_catch_up(id, super::reason(&error)).await?;
                return Err(error);
            }
        }
        Ok(store.finish_catch_up(id, Arc::clone(topic)).await?)
    }

    /// Takes whole changes into a scan: one that is stored piece by piece would be read for piece by piece.
    async fn gather(&self, topic: &Arc<str>, now: Timestamp) -> Result<ScanId, CatchUpError> {
        let changes = &self.shared.catching_up.changes;
        let mut rounds = 0..ROUNDS;
        loop {
            let begun = changes.begun();
            changes.settled(&()).await;
            let id = self.shared.store.begin_catch_up(Arc::clone(topic), now).await?;
            if changes.begun() == begun || rounds.next().is_none() {
                return Ok(id);
            }
        }
    }

    async fn spans(&self, id: ScanId, topic: &Arc<str>, now: Timestamp) -> Result<Vec<Span>, CatchUpError> {
        let mut spans = Vec::new();
        for (block, wanted) in self.shared.store.catch_up_blocks(id, Arc::clone(topic)).await? {
            let date = block.business_date;
            match Span::of(block, wanted, now, self.days)? {
                Some(span) => spans.push(span),
                None => tracing::warn!(
                    topic = &**topic, %date, wanted, limit_days = self.days,
                    "Not caught up: it lies too far back (hint: `catch_up_days` in [sensors])"
                ),
            }
        }
        Ok(spans)
    }
}

impl Scan<'_> {
    async fn read(&mut self) -> Result<(), CatchUpError> {
        self.is_the_same().await?;
        let mut all = self.shared.store.scan(self.id).await?;
        if all.is_empty() {
            self.plan().await?;
            all = self.shared.store.scan(self.id).await?;
        }
        all.retain(|it| it.state == CatchUpState::Running);
        if all.is_empty() {
            return Ok(());
        }
        let live = texts::live(self.shared, self.id, self.topic, &self.spans).await?;
        let (topic, wanted) = (&**self.topic, all.iter().map(|it| it.wanted).max());
        let to_read: i64 = all.iter().map(|it| it.cut - it.next).sum();
        tracing::info!(topic, wanted, partitions = all.len(), offsets = to_read, "Catching up");
        let (began, mut messages, mut matches) = (Instant::now(), 0, 0);
        for catch_up in all {
            let read = self.partition(catch_up, &live).await?;
            messages += read.messages;
            matches += read.matches;
        }
        let took = format!("{:.1?}", began.elapsed());
        tracing::info!(topic, messages, matches, took, "Caught up");
        Ok(())
    }

    /// Another topic of the same name has other messages at the same offsets. Intake notices, and begins a new epoch of it.
    async fn is_the_same(&mut self) -> Result<(), CatchUpError> {
        let topic = Arc::clone(self.topic);
        let (cluster, id) = self.log.ask(move |log| Ok((log.cluster()?, log.topic_id(&topic)?))).await?;
        let (store, topic) = (self.shared.store.clone(), Arc::clone(self.topic));
        let asking = tokio::task::spawn_blocking(move || store.topic_id(&cluster, &topic));
        match (asking.await.map_err(|_| StoreError::Panicked)??, id) {
            (Some(known), Some(id)) if known != id => Err(CatchUpError::AnotherTopic),
            _ => Ok(()),
        }
    }

    async fn plan(&mut self) -> Result<(), CatchUpError> {
        self.shared.catching_up.settled(self.topic).await;
        let (cluster, start) = self.log.ask(|log| Ok((log.cluster()?, log.start()))).await?;
        let stored = self.stored(&cluster).await?;
        let plan = Plan { cluster, topic: self.topic, spans: &self.spans, start };
        let (topic, since) = (Arc::clone(self.topic), plan.since());
        let extents = self.log.ask(move |log| log.extents(&topic, since)).await?;
        let stretches = plan.stretches(&extents, &stored)?;
        for stretch in stretches.iter().filter(|it| it.lacking.is_some()) {
            let lacking = stretch.lacking.as_deref();
            tracing::warn!(partition = %stretch.partition, lacking, "Not everything can be caught up");
        }
        Ok(self.shared.store.plan_catch_up(self.id, stretches).await?)
    }

    async fn stored(&self, cluster: &Arc<str>) -> Result<Vec<StoredOffset>, CatchUpError> {
        let (store, cluster, topic) = (self.shared.store.clone(), Arc::clone(cluster), Arc::clone(self.topic));
        let asking = tokio::task::spawn_blocking(move || store.stored_offsets(&cluster, &topic));
        Ok(asking.await.map_err(|_| StoreError::Panicked)??)
    }

    async fn partition(&mut self, catch_up: CatchUp, live: &Live) -> Result<Read, CatchUpError> {
        let (mut next, mut heard) = (catch_up.next, Instant::now());
        let mut read = Read::default();
        let over = plan::over(&self.spans);
        while next < catch_up.cut {
            let (topic, partition, cut) = (Arc::clone(self.topic), catch_up.partition, catch_up.cut);
            let piece = self.log.ask(move |log| log.read(&topic, partition, next, cut)).await?;
            if piece.next == next {
                if heard.elapsed() > LOOK_AFTER && !self.is_there(partition).await? {
                    let rest = Piece { next: cut, ..Piece::default() };
                    self.record(&catch_up, next, rest, Some(plan::NO_PARTITION.to_owned()), live).await?;
                    break;
                }
                if heard.elapsed() > SILENCE {
                    return Err(CatchUpError::Silent(partition));
                }
                continue;
            }
            let piece = Piece { next: if is_over(&piece, over) { cut } else { piece.next }, ..piece };
            let to = piece.next;
            let lacking = piece.gone_before.map(plan::gone);
            let recorded = self.record(&catch_up, next, piece, lacking, live).await?;
            read = Read { messages: read.messages + recorded.messages, matches: read.matches + recorded.matches };
            (next, heard) = (to, Instant::now());
        }
        Ok(read)
    }

    /// Whether Kafka has a partition still: nothing comes of a topic that was deleted meanwhile.
    async fn is_there(&mut self, partition: i32) -> Result<bool, CatchUpError> {
        let topic = Arc::clone(self.topic);
        let extents = self.log.ask(move |log| log.extents(&topic, Timestamp::MAX)).await?;
        Ok(extents.iter().any(|extent| extent.partition == partition))
    }

    /// Judges a piece and records what follows, with what could not be looked for.
    async fn record(
        &self,
        of: &CatchUp,
        from: i64,
        piece: Piece,
        lacking: Option<String>,
        live: &Live,
    ) -> Result<Read, CatchUpError> {
        let Piece { messages, next: to, .. } = piece;
        let (partition, count) = (of.partition(), messages.len());
        let slice = Slice { partition: partition.clone(), span: Offsets { from: Before::At(from), to }, messages };
        let judged = judge_aside(self.shared, &Arc::new(vec![slice]), live).await.map_err(CatchUpError::Waits)?;
        let (matches, near_misses) = judged.into_iter().map(found).next().unwrap_or_default();
        if let Some(lacking) = &lacking {
            tracing::warn!(%partition, lacking, "Not everything can be caught up");
        }
        let read = Read { messages: count, matches: matches.len() };
        let messages = count as u64;
        let piece = CaughtUp { id: of.id, partition, from, to, messages, matches, near_misses, lacking };
        match self.shared.store.record_catch_up(piece).await? {
            true => {
                metrics::read_back(&of.topic, count);
                Ok(read)
            }
            // Somebody else reads the same: only a defect can be the reason.
            false => Err(CatchUpError::Defect),
        }
    }
}

/// What was read of a partition.
#[derive(Debug, Clone, Copy, Default)]
struct Read {
    messages: usize,
    matches: usize,
}

/// Messages that are malformed were set aside when they came.
fn found(recording: Recording) -> (Vec<Match>, Vec<NearMiss>) {
    (recording.matches, recording.near_misses)
}

/// Whether the log is so far that nothing comes any more which is looked for.
fn is_over(piece: &Piece, over: Timestamp) -> bool {
    !piece.messages.is_empty() && piece.messages.iter().all(|message| message.arrival >= over)
}
